"""What is measured on the lines of stations: by the connection itself, written down for whoever looks at a station."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from operator import attrgetter
from statistics import median
from time import perf_counter
from typing import Any, Final, Protocol, cast

from sqlalchemy import Table, bindparam, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.clock import Clock, SystemClock
from konsento.kit.db import Database
from konsento.kit.metrics import OTHER, Metrics
from konsento.kit.process import PROCESS
from konsento.models import StationLink
from konsento.ocpp.actions import known_actions
from konsento.ocpp.errors import CallError, CallRefused, CallTimeout, StationBusy, StationOffline
from konsento.ocpp.messages import (
    NotifyEvent,
    NotifyReport,
    Request,
    StatusNotification,
    TransactionEvent,
    Version,
)
from konsento.ocpp.others import OtherMessage

log = logging.getLogger(__name__)

WRITE_EVERY_S: Final = 5.0
MOST_ROWS: Final = 500
"""Lines that are written at once; with more than these each is written less often."""
TOGETHER: Final = 100
"""Rows of one transaction."""
PING_EVERY_S: Final = 60.0
REMEMBERED: Final = 20
"""Round trips, and times told by the station, from which the page's figures are made."""
CLOCK_MEMORY: Final = timedelta(minutes=15)
FRESH_S: Final = 10.0
"""A StatusNotification may tell of a state that began long ago: one that is older says nothing about a clock."""
DAY_H: Final = 24
_RESULTS: Final = {
    CallRefused: "refused",
    CallTimeout: "timeout",
    StationBusy: "busy",
    StationOffline: "offline",
}
_DATED: Final[dict[type[Request[Any]], Callable[[Any], datetime]]] = {
    TransactionEvent: attrgetter("timestamp"),
    StatusNotification: attrgetter("timestamp"),
    NotifyEvent: attrgetter("generated_at"),
    NotifyReport: attrgetter("generated_at"),
}


class Pinger(Protocol):
    """What can ping the other end."""

    async def ping(self, message: bytes) -> None:
        """Send a ping; raises ConnectionError where the link is gone."""


class Line:
    """The measurements of one connection. Its methods are called for every frame and take microseconds."""

    def __init__(self, station_id: str, version: Version, clock: Clock, metrics: Metrics) -> None:
        self.station_id = station_id
        self.version = version
        self.connected_at = clock.now()
        self.gone_at: datetime | None = None
        self.unanswered: Callable[[], int] = lambda: 0
        """How many calls of the station wait; set by the connection."""
        self.pinger: Pinger | None = None
        self.waiting_calls = 0
        self.frames_in = 0
        self.frames_out = 0
        self.events = 0
        self.refused = 0
        self.failed = 0
        self.last_error = ""
        self.last_error_at: datetime | None = None
        self.written: float | None = None
        """When, by the loop's clock; None: not yet, or there is something that must not wait."""
        self.known = False
        """Whether there is a row of this connection."""
        self._clock = clock
        self._metrics = metrics
        self._actions = known_actions(version)
        self._last_in: datetime | None = None
        self._asked_at = 0.0
        # Lists, not deques: an empty deque takes as much as the rest of this.
        self._calls: list[float] = []
        self._pings: list[float] = []
        self._ping: tuple[bytes, float] = (b"", 0.0)
        self._late: list[tuple[datetime, float]] = []

    def heard(self) -> None:
        """Count a frame that has come."""
        self.frames_in += 1
        self._last_in = self._clock.now()

    def said(self) -> None:
        """Count a frame that goes out."""
        self.frames_out += 1

    def answered(self, action: str, request: Request[Any] | OtherMessage, took_s: float) -> None:
        """Count a call of the station that was answered with a result."""
        kind = type(request)
        self._metrics.messages["in", "call", action].inc()
        self._metrics.messages["out", "result", action].inc()
        self._metrics.answers[(action,)].observe(took_s)
        if kind is TransactionEvent:
            self.events += 1
        if not isinstance(request, OtherMessage) and kind in _DATED:
            self._hear_time(request)

    def refuse(self, action: str, code: str) -> None:
        """Count what was answered with an error, or was nothing to answer."""
        action = action if action in self._actions else OTHER
        self._metrics.messages["in", "call", action].inc()
        self._metrics.unreadable[(code,)].inc()
        self.refused += 1
        self._note_error(f"{action} {code}")

    @contextmanager
    def calling(self, action: str) -> Iterator[None]:
        """Measure a call of ours; inside of it `asked` says when it is sent."""
        self.waiting_calls += 1
        try:
            yield
        except CallError as error:
            result = _RESULTS.get(type(error), "failed")
            self._metrics.calls[action, result].inc()
            self.failed += 1
            self._note_error(f"{action} {error.code if isinstance(error, CallRefused) else result}")
            raise
        else:
            took_s = perf_counter() - self._asked_at
            _remember(self._calls, took_s)
            self._metrics.calls[action, "answered"].inc()
            self._metrics.call_seconds[(action,)].observe(took_s)
            self._metrics.messages["in", "result", action].inc()
        finally:
            self.waiting_calls -= 1

    def asked(self, action: str) -> None:
        """Note that a call of ours goes out; there is one at a time."""
        self._asked_at = perf_counter()
        self._metrics.messages["out", "call", action].inc()

    async def ping(self) -> None:
        """Ping the other end, if it can be."""
        if self.pinger is not None:
            message = os.urandom(8)
            self._ping = (message, perf_counter())
            await self.pinger.ping(message)

    def ponged(self, message: bytes) -> None:
        """Take a pong; one to a ping that was not ours says nothing."""
        sent, at = self._ping
        if sent and bytes(message) == sent:
            took_s = perf_counter() - at
            self._ping = (b"", 0.0)
            _remember(self._pings, took_s)
            self._metrics.pings.observe(took_s)

    def close(self, code: int | None) -> None:
        """Note that the socket is gone."""
        self.gone_at = self._clock.now()
        self.written = None
        self._metrics.closes[(str(code or "none"),)].inc()

    def clock_ahead(self) -> tuple[float | None, datetime | None]:
        """Return by how many seconds the station's clock is ahead of ours (negative: behind), and when it told last.

        A message comes later than it was dated, sometimes much, never earlier: so the least delay is nearest to what
        the clocks differ by. One message alone may be wrong, so with enough of them it is the second least.
        """
        if not self._late:
            return None, None
        newest = self._late[-1][0]
        late = sorted(seconds for at, seconds in self._late if newest - at <= CLOCK_MEMORY)
        return -late[1 if len(late) > 3 else 0], newest

    def row(self, now: datetime) -> dict[str, Any]:
        """Return what is written down."""
        ahead, told_at = self.clock_ahead()
        return {
            "station_id": self.station_id,
            "process": PROCESS,
            "written_at": now,
            "version": self.version.value,
            "connected_at": self.connected_at,
            "gone_at": self.gone_at,
            "waiting_calls": self.waiting_calls,
            "unanswered": self.unanswered() if self.gone_at is None else 0,
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "events": self.events,
            "last_in_at": self._last_in,
            "refused": self.refused,
            "failed": self.failed,
            "last_error": self.last_error,
            "last_error_at": self.last_error_at,
            **_figures("call", self._calls),
            **_figures("ping", self._pings),
            "clock_ahead_s": ahead,
            "clock_at": told_at,
        }

    def _hear_time(self, request: Request[Any]) -> None:
        if isinstance(request, TransactionEvent) and request.offline:
            return
        now = self._clock.now()
        late_s = (now - _DATED[type(request)](request)).total_seconds()
        if late_s <= FRESH_S or not isinstance(request, StatusNotification):
            _remember(self._late, (now, late_s))

    def _note_error(self, what: str) -> None:
        self.last_error = what[:100]
        self.last_error_at = self._clock.now()


def _remember[T](some: list[T], newest: T) -> None:
    some.append(newest)
    if len(some) > REMEMBERED:
        del some[0]


def _figures(name: str, seconds: list[float]) -> dict[str, float | None]:
    last, middle, worst = (seconds[-1], median(seconds), max(seconds)) if seconds else (None, None, None)
    figures = {"": last, "_median": middle, "_worst": worst}
    return {f"{name}{kind}_ms": round(s * 1000, 1) if s is not None else None for kind, s in figures.items()}


class Lines:
    """The lines of this process."""

    def __init__(self, clock: Clock | None = None, metrics: Metrics | None = None) -> None:
        self._clock = clock or SystemClock()
        self.metrics = metrics or Metrics()
        self._lines: set[Line] = set()
        self._pinged: dict[Line, float] = {}

    def open(self, station_id: str, version: Version) -> Line:
        """Return the line of a new connection."""
        line = Line(station_id, version, self._clock, self.metrics)
        self._lines.add(line)
        self.metrics.connects[(version.value,)].inc()
        return line

    async def run(self, database: Database) -> None:
        """Ping, and write down what is measured, until cancelled; what is open then is written as gone."""
        try:
            while True:
                await asyncio.sleep(WRITE_EVERY_S)
                await self._ping()
                await self.write(database)
        finally:
            for line in self._lines:
                if line.gone_at is None:
                    line.close(None)
            await self.write(database)

    async def write(self, database: Database) -> None:
        """Write the lines that were not written for longest; what fails is written the next time."""
        loop = asyncio.get_running_loop()
        due = sorted(self._lines, key=lambda line: line.written or 0.0)[:MOST_ROWS]
        for first in range(0, len(due), TOGETHER):
            some = due[first : first + TOGETHER]
            try:
                async with database.transaction() as session:
                    await _write(session, some, self._clock.now())
            except Exception:  # only what a page shows is late
                log.exception("what is measured on the stations' lines was not written")
                return
            for line in some:
                line.known = True
                line.written = loop.time()
                if line.gone_at is not None:
                    self._lines.discard(line)
                    self._pinged.pop(line, None)

    async def _ping(self) -> None:
        now = asyncio.get_running_loop().time()
        open_lines = [line for line in self._lines if line.gone_at is None]
        # A part of them each time, so that not all answer at once.
        most = max(1, int(len(open_lines) * WRITE_EVERY_S / PING_EVERY_S) + 1)
        longest = sorted(open_lines, key=lambda line: self._pinged.get(line, 0.0))[:most]
        for line in longest:
            self._pinged[line] = now
        # One that does not take its ping keeps nobody else waiting for more than this.
        if longest:
            tasks = [asyncio.create_task(line.ping()) for line in longest]
            _, late = await asyncio.wait(tasks, timeout=WRITE_EVERY_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _write(session: AsyncSession, lines: list[Line], now: datetime) -> None:
    known = [line.row(now) for line in lines if line.known]
    if known:
        # The line of a newer connection, perhaps of another process, is not ours to change.
        table = cast("Table", StationLink.__table__)
        values = {name: value for name, value in known[0].items() if name not in {"station_id", "connected_at"}}
        statement = (
            update(table)
            .where(table.c.station_id == bindparam("p_station_id"), table.c.connected_at == bindparam("p_connected_at"))
            .values({name: bindparam(f"p_{name}") for name in values})
        )
        connection = await session.connection()
        await connection.execute(statement, [{f"p_{name}": value for name, value in row.items()} for row in known])
    for line in lines:
        if not line.known:
            await _begin(session, line, now)


async def _begin(session: AsyncSession, line: Line, now: datetime) -> None:
    row = await session.get(StationLink, line.station_id, with_for_update=True)
    hour = int(line.connected_at.timestamp() // 3600)
    before = row.connects if row is not None else {}
    connects = {key: number for key, number in before.items() if int(key) > hour - DAY_H - 1}
    connects[str(hour)] = connects.get(str(hour), 0) + 1
    if row is None:
        session.add(StationLink(**line.row(now), connects=connects))
        return
    row.connects = connects
    if row.connected_at <= line.connected_at:
        for name, value in line.row(now).items():
            setattr(row, name, value)
