"""The journal of frames: what went over the line, for whoever has to find out later what happened.

Diagnostics: it is written beside the frames, a second late at most, and gives way. What the database cannot take in
time is dropped and counted; nothing waits for it, least of all a meter event.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from contextlib import suppress
from datetime import datetime
from math import inf
from time import perf_counter
from typing import Any, Final, NamedTuple, cast

import msgspec
from sqlalchemy import Table, insert

from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.models import Direction, OcppFrame
from konsento.models.journal import ROUTINE
from konsento.ocpp.redaction import OUR_VENDOR, may_hold_secrets, plain_name, redacted, redacted_error

log = logging.getLogger(__name__)

FLUSH_EVERY_S: Final = 1.0
MOST_FRAMES: Final = 20_000
MOST_CHARACTERS: Final = 16 * 1024 * 1024
"""Together with `MOST_FRAMES` the bound of what waits."""
BATCH: Final = 200
"""Rows of one transaction: short enough that a meter event behind it does not notice."""
SHARE: Final = 0.25
"""Of the time that writing may take at most: where more comes than fits into it, frames are dropped."""
MOST_TEXT: Final = 16_384
_REMEMBERED_CALLS: Final = 4096
_TYPES: Final = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR", 6: "SEND"}
UNREADABLE: Final = "unreadable"
_FAILED: Final = frozenset({"CALLERROR", "CALLRESULTERROR", UNREADABLE})


class _Evse(msgspec.Struct):
    id: int | None = None


class _Info(msgspec.Struct, rename="camel"):
    transaction_id: str | None = None
    remote_start_id: int | None = None


class _About(msgspec.Struct, rename="camel"):
    """The fields by which a message says which transaction or outlet it is about; the rest is skipped."""

    transaction_id: str | int | None = None
    """A number in 1.6."""
    remote_start_id: int | None = None
    transaction_info: _Info | None = None
    evse_id: int | None = None
    evse: _Evse | None = None
    connector_id: int | None = None
    """The outlet, in 1.6."""
    vendor_id: str | None = None


class _Asked(NamedTuple):
    """What is remembered of a call for its answer, which says neither action nor transaction."""

    action: str
    links: _Links
    at: datetime
    ours: bool
    """A DataTransfer of our vendor."""


type _Noted = tuple[datetime, str, Direction, str]
type _Links = tuple[str | None, int | None, int | None]
"""Transaction, request to start and, where it names neither, outlet."""

# The table, not the class: its rows need nothing of the ORM.
_INSERT: Final = insert(cast("Table", OcppFrame.__table__))
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])
_about: Final = msgspec.json.Decoder(_About)
_text: Final = msgspec.json.Decoder(str)
_number: Final = msgspec.json.Decoder(int)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)


class Journal:
    """Takes frames at any pace and writes them in batches."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: deque[_Noted] = deque()
        self._characters = 0
        self.dropped = 0
        """Frames since the start that were not kept."""
        self.written = 0
        """Frames since the start that were kept."""
        self._calls: OrderedDict[tuple[str, Direction, str], _Asked] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Frames that are not written yet."""
        return len(self._noted)

    def note(self, station_id: str, direction: Direction, text: str) -> None:
        """Take a frame. Returns at once and raises nothing; beyond the bound the frame is dropped."""
        if len(self._noted) >= MOST_FRAMES or self._characters + len(text) > MOST_CHARACTERS:
            self.dropped += 1
            return
        self._characters += len(text)
        self._noted.append((self._clock.now(), station_id, direction, text))

    async def run(self) -> None:
        """Write until cancelled; what waits then is written first."""
        try:
            while True:
                await asyncio.sleep(FLUSH_EVERY_S)
                await self._write(FLUSH_EVERY_S * SHARE)
        finally:
            with suppress(Exception):
                await self.flush()

    async def flush(self) -> None:
        """Write what waits. What the database refuses is dropped: trying again would only lose more."""
        await self._write(inf)

    async def _write(self, at_most_s: float) -> None:
        left = len(self._noted)
        until = perf_counter() + at_most_s
        while left > 0 and perf_counter() < until:
            rows = [self._row(*self._take()) for _ in range(min(BATCH, left))]
            left -= len(rows)
            try:
                async with self._database.transaction() as session:
                    await session.execute(_INSERT, rows)
            except Exception:  # diagnostics give way, whatever is wrong with the database
                self.dropped += len(rows)
                log.exception("%d frames were not kept in the journal", len(rows))
            else:
                self.written += len(rows)
            # Rows are made and written in the loop that answers stations: let these go first.
            await asyncio.sleep(0)

    def _take(self) -> _Noted:
        noted = self._noted.popleft()
        self._characters -= len(noted[3])
        return noted

    def _row(self, at: datetime, station_id: str, direction: Direction, text: str) -> dict[str, Any]:
        kind, message_id, action, payload = _parts(text)
        links: _Links = (None, None, None)
        took_ms, ours = None, False
        if kind in {"CALL", "SEND"}:
            action = plain_name(action)
            links, vendor = _links(payload)
            asked = _Asked(action, links, at, action == "DataTransfer" and vendor == OUR_VENDOR)
            self._remember((station_id, direction, message_id), asked)
        elif kind != UNREADABLE:
            other = Direction.OUT if direction is Direction.IN else Direction.IN
            call = self._calls.get((station_id, other, message_id))
            if call is not None:
                action, links, ours = call.action, call.links, call.ours
                took_ms = max(0, round((at - call.at).total_seconds() * 1000))
                if links[0] is None and action in {"RequestStartTransaction", "StartTransaction"}:
                    links = (_links(payload)[0][0], *links[1:])
        return {
            "at": at,
            "station_id": station_id,
            "direction": direction,
            "type": kind,
            "action": action,
            "rare_action": None if action in ROUTINE else action,
            "failed": True if kind in _FAILED else None,
            "message_id": message_id[:36],
            "transaction_id": links[0],
            "remote_start_id": links[1],
            "evse_id": links[2],
            "took_ms": took_ms,
            "text": _kept(kind, action, payload, text, ours=ours),
        }

    def _remember(self, key: tuple[str, Direction, str], value: _Asked) -> None:
        self._calls[key] = value
        if len(self._calls) > _REMEMBERED_CALLS:
            self._calls.popitem(last=False)


def _parts(text: str) -> tuple[str, str, str, bytes]:
    """Return type, message id, action and payload of a frame; of an error its code and description as payload."""
    try:
        elements = _elements.decode(text)
        kind = _TYPES[_number.decode(elements[0])]
        message_id = _text.decode(elements[1])
        if kind in {"CALL", "SEND"}:
            return kind, message_id, _text.decode(elements[2]), bytes(elements[3])
        if kind == "CALLRESULT":
            return kind, message_id, "", bytes(elements[2])
        return kind, message_id, "", b"[" + b",".join(bytes(part) for part in elements[2:]) + b"]"
    except (*_UNREADABLE, KeyError, IndexError):
        return UNREADABLE, "", "", b""


def _links(payload: bytes) -> tuple[_Links, str | None]:
    """Return what a message is about, and its vendor."""
    try:
        about = _about.decode(payload)
    except _UNREADABLE:
        return (None, None, None), None
    info = about.transaction_info
    transaction_id = str(about.transaction_id or "") or (info.transaction_id if info else None)
    remote_start_id = (
        about.remote_start_id if about.remote_start_id is not None else (info.remote_start_id if info else None)
    )
    if transaction_id is not None and not 0 < len(transaction_id) <= 36:
        transaction_id = None
    if remote_start_id is not None and not -(2**31) <= remote_start_id < 2**31:
        remote_start_id = None
    evse_id = about.evse_id if about.evse is None else about.evse.id
    evse_id = about.connector_id if evse_id is None else evse_id
    if transaction_id is not None or remote_start_id is not None or evse_id is None or not 0 < evse_id < 2**31:
        evse_id = None
    return (transaction_id, remote_start_id, evse_id), about.vendor_id


def _kept(kind: str, action: str, payload: bytes, text: str, *, ours: bool = False) -> str:
    if not payload:
        # It cannot be looked through, so what may be in it is not kept.
        return f"({len(text)} characters that are no frame)"
    try:
        if "ERROR" in kind:
            shown = redacted_error(payload)
        else:
            shown = payload.decode()
            if may_hold_secrets(action, shown):
                shown = redacted(action, payload, ours=ours)
    except _UNREADABLE:
        return f"({len(text)} characters that cannot be read)"
    # No database takes a NUL in a text.
    return shown.replace("\x00", "")[:MOST_TEXT]
