"""Writing events that are simply the next ones of running sessions: two statements for a whole batch, without the ORM.

The sessions are changed only where they still are what the sums were made from: a wish to stop, another limit, or an
event that another process has taken in meanwhile is never written over. What is refused so, the caller takes one by
one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from konsento.charging.events import Told
from konsento.charging.meter import seconds
from konsento.charging.running import Running
from konsento.kit.db import Database
from konsento.models import SessionState


class Next(NamedTuple):
    """An event, and its session before and after it."""

    told: Told
    before: Running
    after: Running


_encode: Final = msgspec.json.Encoder().encode

# The columns of a batch and their types, in the order of the values in `_session` and `_event`.
_SESSION: Final = {
    "id": "uuid",
    "seq_no": "integer",
    "at": "timestamp",
    "delivered_mwh": "bigint",
    "metered_at": "timestamp",
    "metered_s": "integer",
    "seconds": "integer",
    "power_w": "integer",
    "drawn_mwh": "bigint",
    "drawn_at": "timestamp",
    "priced": "json",
    "was_state": "text",
    "was_begin_mwh": "bigint",
    "was_delivered_mwh": "bigint",
    "was_most_mwh": "bigint",
    "was_most_s": "integer",
}
_EVENT: Final = {
    "site_id": "uuid",
    "transaction_id": "text",
    "seq_no": "integer",
    "session_id": "uuid",
    "at": "timestamp",
    "offline": "boolean",
    "trigger": "text",
    "charging_state": "text",
    "remote_start_id": "integer",
    "evse_id": "integer",
    "seconds": "integer",
    "register_mwh": "bigint",
    "power_w": "integer",
}
_SITE: Final = {"id": "uuid"}

_UPDATE_SESSIONS: Final = """
WITH batch AS MATERIALIZED ({batch})
UPDATE charging_sessions
SET last_seq_no = batch.seq_no, last_update = batch.at, heard_at = {now}, delivered_mwh = batch.delivered_mwh,
    metered_at = batch.metered_at, metered_s = batch.metered_s, seconds = batch.seconds, power_w = batch.power_w,
    drawn_mwh = batch.drawn_mwh, drawn_at = batch.drawn_at, priced = batch.priced
FROM batch
WHERE charging_sessions.id = batch.id
  AND charging_sessions.last_seq_no = batch.seq_no - 1
  AND charging_sessions.state = batch.was_state
  AND charging_sessions.begin_mwh = batch.was_begin_mwh
  AND charging_sessions.delivered_mwh = batch.was_delivered_mwh
  AND charging_sessions.energy_cap_wh * 1000 = batch.was_most_mwh
  AND charging_sessions.time_limit_s IS NOT DISTINCT FROM batch.was_most_s
  AND charging_sessions.limit_change_id IS NULL
  AND charging_sessions.stop_requested_at IS NULL
RETURNING charging_sessions.id
"""
_INSERT_EVENTS: Final = """
INSERT INTO meter_events (
    site_id, transaction_id, seq_no, session_id, event_type, at, received_at, offline, trigger, charging_state,
    stopped_reason, remote_start_id, evse_id, seconds, begin_mwh, register_mwh, power_w)
SELECT site_id, transaction_id, seq_no, session_id, 'Updated', at, {now}, offline, trigger, charging_state,
    '', remote_start_id, evse_id, seconds, NULL, register_mwh, power_w
FROM ({batch}) AS batch
WHERE EXISTS (SELECT 1 FROM charging_sessions WHERE id = batch.session_id AND last_seq_no = batch.seq_no)
ON CONFLICT DO NOTHING
"""
_UPDATE_SITES: Final = "UPDATE sites SET last_seen = {now} WHERE id IN (SELECT id FROM ({batch}) AS batch)"


class _Statements(NamedTuple):
    update_sessions: str
    insert_events: str
    update_sites: str


def _statements(batch: str, column: str, casts: Mapping[str, str], now: str) -> _Statements:
    def statement(template: str, columns: Mapping[str, str]) -> str:
        values = ", ".join(
            f"{casts[kind].format(column.format(number))} AS {name}"
            for number, (name, kind) in enumerate(columns.items())
        )
        return template.format(batch=f"SELECT {values} FROM {batch}", now=now)  # noqa: S608  # of constants

    return _Statements(
        statement(_UPDATE_SESSIONS, _SESSION), statement(_INSERT_EVENTS, _EVENT), statement(_UPDATE_SITES, _SITE)
    )


# Times are text without a zone, UTC, as SQLite keeps them; ids are 32 hexadecimal digits there.
_TYPES: Final = tuple({*_SESSION.values(), *_EVENT.values()})
_BY_DIALECT: Final = {
    "sqlite": _statements("json_each(:batch)", "json_extract(value, '$[{}]')", dict.fromkeys(_TYPES, "{}"), ":now"),
    "postgresql": _statements(
        "jsonb_array_elements(CAST(:batch AS jsonb)) AS rows(value)",
        "(value ->> {})",
        {
            **{kind: f"CAST({{}} AS {kind})" for kind in _TYPES},
            "timestamp": "CAST({} AS timestamp) AT TIME ZONE 'UTC'",
        },
        "CAST(CAST(:now AS text) AS timestamp) AT TIME ZONE 'UTC'",
    ),
}


async def write(database: Database, nexts: Sequence[Next], now: datetime) -> set[UUID]:
    """Write and commit events, each of another session; returns the sessions of those that are refused."""
    if not nexts:
        return set()
    statements = _BY_DIALECT[database.engine.dialect.name]
    at = _time(now)
    batch = [
        _statement(statements.update_sessions, [_session(one) for one in nexts], at),
        _statement(statements.insert_events, [_event(one) for one in nexts], at),
    ]
    seen = sorted({one.after.site_id.hex for one in nexts if one.after.seen_at is now})
    if seen:
        batch.append(_statement(statements.update_sites, [(site,) for site in seen], at))
    taken, *_ = await database.run(batch)
    if len(taken) == len(nexts):
        return set()
    return {one.before.session_id for one in nexts} - {UUID(str(session_id)) for session_id in taken}


def _statement(statement: str, rows: list[tuple[Any, ...]], now: str) -> tuple[str, dict[str, str]]:
    return statement, {"batch": _encode(rows).decode(), "now": now}


def _session(one: Next) -> tuple[Any, ...]:
    before, after = one.before, one.after
    return (
        after.session_id.hex,
        after.last_seq_no,
        _time(one.told.event.timestamp),
        after.delivered_mwh,
        _time(after.last.at),
        after.last.seconds,
        after.seconds,
        after.power_w,
        after.drawn_mwh,
        _time(after.drawn_at),
        _encode(after.priced).decode() if after.priced is not None else None,
        SessionState.SUSPENDED if before.suspended else SessionState.CHARGING,
        before.begin_mwh,
        before.delivered_mwh,
        before.most_mwh,
        before.most_s,
    )


def _event(one: Next) -> tuple[Any, ...]:
    event, read = one.told.event, one.told.read
    info = event.transaction_info
    return (
        one.after.site_id.hex,
        info.transaction_id,
        event.seq_no,
        one.after.session_id.hex,
        _time(event.timestamp),
        event.offline,
        event.trigger_reason,
        info.charging_state or "",
        info.remote_start_id,
        event.evse.id if event.evse is not None else None,
        seconds(info.time_spent_charging),
        read.register_mwh,
        read.power_w,
    )


def _time(at: datetime) -> str:
    return at.isoformat(" ", "microseconds")[:26]
