"""How long the pages of the back office take where much has happened.

200 sites, 2,000 outlets, 50,000 sessions with their events, payments and receipts, 200,000 frames, 20,000 entries of
the log, on SQLite. Each page is asked for in the process, by somebody who may see everything; no browser, no network.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final, cast
from uuid import UUID

import httpx
import pyotp
from sqlalchemy import Table, event, insert

from konsento.app import pages
from konsento.kit.bus import Bus
from konsento.kit.clock import ManualClock
from konsento.kit.db import Base, Database
from konsento.kit.ids import new_id
from konsento.kit.work import WorkQueue
from konsento.migrations import migrate
from konsento.models import (
    Alarm,
    AlarmKind,
    AuditEntry,
    ChargingSession,
    Direction,
    Driver,
    DriverKind,
    LimitKind,
    MeterEvent,
    Metering,
    OcppFrame,
    Outlet,
    OutletOffer,
    OutletStatus,
    Payment,
    PaymentState,
    PresenceCheck,
    Receipt,
    Role,
    SessionState,
    Severity,
    Site,
    Tariff,
)
from konsento.ocpp import LocalStationRouter
from konsento.operations import alarms
from konsento.services import Services
from konsento.settings import Settings
from konsento.sites import codes
from konsento.staff import service as staff
from rig.bench import Row, percentile

SITES: Final = 200
OUTLETS: Final = 10
"""Of each site."""
SESSIONS: Final = 50_000
EVENTS: Final = 4
"""Of each session; the one whose page is asked for has 1,500."""
FRAMES: Final = 200_000
DRIVERS: Final = 5_000
LOGGED: Final = 20_000
OVER: Final = 5_000
"""Alarms that have been."""
TIMES: Final = 20
FILES: Final = 3
"""How often those are asked for that are whole tables."""
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSWORD: Final = "mauve anchor tiny river"  # of a member who lives as long as the measurement
LETTERS: Final = codes.ALPHABET


def run() -> Sequence[Row]:
    """Fill a database and ask for every page."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "konsento.sqlite3"
        migrate(f"sqlite+aiosqlite:///{path}")
        return asyncio.run(_run(path))


async def _run(path: Path) -> Sequence[Row]:
    database = Database(f"sqlite+aiosqlite:///{path}")
    facts = await fill(database)
    rows: list[Row] = []
    async with _office(database) as (office, services):
        statements: list[str] = []
        event.listen(
            database.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(str(args[2]))
        )
        for name, method, address, data in _requests(facts):
            took = []
            for _ in range(FILES if address.partition("?")[0].endswith(".csv") else TIMES):
                statements.clear()
                began = perf_counter()
                answer = await office.request(method, f"/office{address}", data=data)
                took.append((perf_counter() - began) * 1000)
                if answer.status_code != 200:
                    raise RuntimeError(f"{address}: {answer.status_code}")
            rows.append(_row(name, took, len(statements), len(answer.content)))
        took = []
        for _ in range(TIMES):
            statements.clear()
            began = perf_counter()
            async with database.transaction() as session:
                await alarms.watch(session, services.clock.now())
            took.append((perf_counter() - began) * 1000)
        rows.append(_row("the look for alarms", took, len(statements), 0))
    await database.close()
    return rows


def _row(name: str, took: list[float], statements: int, size: int) -> Row:
    return {
        "page": name,
        "ms, median": round(median(took), 1),
        "p95": round(percentile(took, 95), 1),
        "statements": statements,
        "kB": round(size / 1000),
    }


def _requests(facts: dict[str, str]) -> Iterator[tuple[str, str, str, dict[str, str] | None]]:
    reason = {"reason": "a measurement"}
    for name, address in (
        ("overview", "/"),
        ("overview, live part", "/live"),
        ("sessions", "/sessions"),
        ("sessions, last page", "/sessions?page=1000"),
        ("sessions, by code", f"/sessions?text={facts['code']}"),
        ("sessions, by id", f"/sessions?text={facts['session']}"),
        ("sessions, by start request", f"/sessions?text={facts['request']}"),
        ("sessions, by transaction", f"/sessions?text={facts['transaction']}"),
        ("sessions, of a site in a week", f"/sessions?site={facts['site']}&since=2026-11-15&until=2026-11-21"),
        ("sessions, failed, by energy", "/sessions?state=failed&sort=energy"),
        ("sessions, as a file", "/sessions.csv"),
        ("session with 1,500 events", f"/sessions/{facts['session']}"),
        ("drivers", "/drivers"),
        ("alarms", "/alarms"),
        ("sessions, by amount of energy", "/sessions?sort=energy"),
        ("sessions, by site", "/sessions?sort=site"),
        ("sessions, billed 150", "/sessions?amount=150"),
        ("alarms, as a file", "/alarms.csv"),
        ("log", "/log"),
        ("log, about a session", f"/log?subject={facts['session']}"),
        ("log, by action", "/log?action=driver."),
        ("log, as a file", "/log.csv"),
        ("health", "/health"),
        ("staff", "/staff"),
        ("station", f"/stations/{facts['station']}"),
    ):
        yield name, "GET", address, None
    yield "sessions, by mail address", "POST", "/sessions", reason | {"email": facts["email"]}
    yield "drivers, search", "POST", "/drivers", reason | {"text": "r123"}
    yield "a driver", "POST", f"/drivers/{facts['driver']}", reason


@asynccontextmanager
async def _office(database: Database) -> AsyncIterator[tuple[httpx.AsyncClient, Services]]:
    clock = ManualClock(NOW)
    settings = Settings(public_url="http://konsento.test")
    services = Services(
        database=database,
        settings=settings,
        clock=clock,
        router=LocalStationRouter(),
        live=Bus(),
        work=WorkQueue(database, clock),
    )
    async with database.transaction() as session:
        await alarms.watch(session, NOW)
        _, invitation = await staff.add(session, email="a@example.com", name="", role=Role.ADMIN, now=NOW)
        secret = (await staff.enrolment(session, invitation, NOW)).totp_secret
    welcome = await staff.enrol(database, clock, invitation, password=PASSWORD, code=pyotp.TOTP(secret).at(NOW))
    transport = httpx.ASGITransport(pages(services))
    headers = {"Origin": "http://konsento.test", "Cookie": f"konsento_staff={welcome.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://konsento.test", headers=headers) as client:
        yield client, services


async def fill(database: Database) -> dict[str, str]:
    """Fill a migrated database; returns what to ask for."""
    chance = random.Random(5)  # noqa: S311  # the same every time
    sites = [_site(number) for number in range(SITES)]
    outlets = [_outlet(site, number, chance) for site in sites for number in range(1, OUTLETS + 1)]
    drivers = [_driver(number) for number in range(DRIVERS)]
    sessions = [_session(number, outlets, drivers, chance) for number in range(SESSIONS)]
    asked_for = sessions[-1 - SITES * OUTLETS]
    stations = {site["id"]: site["station_id"] for site in sites}
    billed = [(number, s) for number, s in enumerate(sessions, 1) if s["state"] is SessionState.SETTLED]
    tariff = {
        "id": new_id(), "name": "day", "unit_price": Decimal("38.5"), "currency": "JPY", "tax_rate": Decimal("0.1"),
        "power_type": "solar", "supplier": "Sakura Energy",
        "valid_from": NOW - timedelta(days=400), "valid_until": None,
    }  # fmt: skip
    await _insert(database, Tariff, [tariff])
    await _insert(database, Site, sites)
    await _insert(database, Outlet, outlets)
    await _insert(
        database, OutletOffer, [{"outlet_id": one["id"], "tariff_name": "day", "position": 0} for one in outlets]
    )
    await _insert(database, Driver, drivers)
    await _insert(database, ChargingSession, sessions)
    await _insert(database, Payment, [_payment(s) for s in sessions])
    await _insert(database, Receipt, [_receipt(number, s) for number, s in billed])
    await _insert(database, MeterEvent, [e for s in sessions for e in _events(s, 1500 if s is asked_for else EVENTS)])
    frames = [
        frame for s in [*sessions[-FRAMES // 4 :], *[asked_for] * 750] for frame in _frames(s, stations[s["site_id"]])
    ]
    await _insert(database, OcppFrame, frames[:FRAMES])
    await _insert(database, AuditEntry, [_entry(number, sessions, drivers) for number in range(LOGGED)])
    await _insert(database, Alarm, [_alarm(number, outlets) for number in range(OVER)])
    return {
        "session": str(asked_for["id"]),
        "transaction": asked_for["transaction_id"],
        "request": str(asked_for["remote_start_id"]),
        "code": outlets[5]["code"],
        "site": str(sites[3]["id"]),
        "station": sites[3]["station_id"],
        "driver": str(asked_for["driver_id"]),
        "email": drivers[7]["email"],
    }


async def _insert(database: Database, model: type[Base], rows: list[dict[str, Any]]) -> None:
    statement = insert(cast("Table", model.__table__))
    for some in batched(rows, 2000, strict=False):
        async with database.transaction() as session:
            await session.execute(statement, list(some))


def _site(number: int) -> dict[str, Any]:
    return {
        "id": new_id(), "station_id": f"station-{number:03}", "password_hash": "-",
        "name": f"Site {number:03}, car park",
        "place": "Tokyo", "time_zone": "Asia/Tokyo" if number % 2 else "Europe/Berlin", "connected": number % 20 != 0,
        "last_seen": NOW - timedelta(minutes=1 if number % 20 else 90), "latitude": None, "longitude": None,
        "opening_hours": "", "presence": PresenceCheck.NONE,
    }  # fmt: skip


def _outlet(site: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    return {
        "id": new_id(), "site_id": site["id"], "evse_id": number, "code": "".join(chance.choices(LETTERS, k=8)),
        "name": f"Outlet {number}, north wall", "rated_w": 3000, "volts": 200, "most_wh": None, "most_s": None,
        "metering": Metering.VERIFIED, "metering_class": "",
        "closed_note": None, "plan_x": None, "plan_y": None, "model": "", "firmware": "",
        "status": OutletStatus.FAULTED if chance.random() < 0.02 else OutletStatus.AVAILABLE, "status_reason": "",
        "last_seen": NOW,
    }  # fmt: skip


def _driver(number: int) -> dict[str, Any]:
    return {
        "id": new_id(), "kind": DriverKind.ACCOUNT, "email": f"driver{number}@example.com", "email_verified_at": None,
        "name": f"Driver {number}", "phone": "", "address": "", "locale": "en", "password_hash": None,
        "mail_wanted": False, "created_at": NOW - timedelta(days=200),
    }  # fmt: skip


def _session(
    number: int, outlets: list[dict[str, Any]], drivers: list[dict[str, Any]], chance: random.Random
) -> dict[str, Any]:
    outlet = outlets[number % len(outlets)]
    left = SESSIONS - number
    runs = left <= len(outlets) and left % 4 == 0
    state = SessionState.CHARGING if runs else SessionState.FAILED if number % 50 == 0 else SessionState.SETTLED
    at = NOW - timedelta(minutes=5 * left if left > len(outlets) else left / 20)
    started = at + timedelta(seconds=2) if state is not SessionState.FAILED else None
    return {
        "id": new_id(), "driver_id": chance.choice(drivers)["id"], "outlet_id": outlet["id"],
        "site_id": outlet["site_id"], "state": state, "limit_kind": LimitKind.ENERGY, "limit_amount": 6000,
        "energy_limit_wh": 6000, "energy_cap_wh": 6000, "time_limit_s": None, "unit_price": Decimal("38.5"),
        "currency": "JPY", "tax_rate": Decimal("0.1"), "power_type": "solar", "supplier": "Sakura Energy",
        "rated_w": 3000, "hold_minor": 231, "limit_change_id": None, "remote_start_id": 1_000_000 + number,
        "id_token": f"TOKEN{number:010}", "transaction_id": f"T-{number:08}", "created_at": at,
        "start_expires_at": at, "started_at": started,
        "ended_at": None if runs else at + timedelta(hours=2), "stop_requested_at": None, "stop_reason": "",
        "end_reason": "" if runs or not started else chance.choice(("EnergyLimitReached", "Remote", "EVDisconnected")),
        "failure": "OutletFaulted" if not started else "", "begin_mwh": 1_000_000,
        "delivered_mwh": chance.randrange(1, 6_000_000) if started else 0, "seconds": 7200, "power_w": 2900,
        "last_seq_no": EVENTS - 1, "last_update": NOW, "heard_at": NOW, "drawn_mwh": 0, "drawn_at": None,
        "mail_wanted": False,
    }  # fmt: skip


def _payment(s: dict[str, Any]) -> dict[str, Any]:
    ended = s["ended_at"] is not None
    return {
        "id": new_id(), "session_id": s["id"], "driver_id": s["driver_id"], "provider": "balance",
        "state": PaymentState.CAPTURED if ended else PaymentState.HELD, "currency": "JPY", "hold_minor": 231,
        "captured_minor": 200 if ended else 0, "reference": "", "created_at": s["created_at"],
        "resolved_at": s["ended_at"],
    }  # fmt: skip


def _receipt(number: int, s: dict[str, Any]) -> dict[str, Any]:
    wh = s["delivered_mwh"] // 1000
    amount = min(231, wh * 385 // 10_000)
    return {
        "session_id": s["id"], "number": number, "issued_at": s["ended_at"], "currency": "JPY",
        "measured_mwh": s["delivered_mwh"], "begin_mwh": 0, "end_mwh": s["delivered_mwh"], "billed_wh": wh,
        "unit_price": Decimal("38.5"), "amount_minor": amount, "tax_minor": amount // 11, "tax_rate": Decimal("0.1"),
        "hold_minor": 231, "released_minor": 231 - amount,
    }  # fmt: skip


def _events(s: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    for seq_no in range(number):
        at = s["created_at"] + timedelta(seconds=5 * seq_no)
        yield {
            "site_id": s["site_id"], "transaction_id": s["transaction_id"], "seq_no": seq_no, "session_id": s["id"],
            "event_type": "Updated" if seq_no else "Started", "at": at, "received_at": at, "offline": False,
            "trigger": "MeterValuePeriodic", "charging_state": "Charging", "stopped_reason": "",
            "remote_start_id": None, "evse_id": 1, "seconds": 5 * seq_no, "begin_mwh": None,
            "register_mwh": 1_000_000 + 4_000 * seq_no, "power_w": 2900,
        }  # fmt: skip


def _frames(s: dict[str, Any], station_id: str) -> Iterator[dict[str, Any]]:
    text = '{"eventType":"Updated","transactionInfo":{"transactionId":"' + s["transaction_id"] + '"}}'
    for number in range(4):
        yield {
            "id": new_id(), "at": s["created_at"] + timedelta(seconds=number), "station_id": station_id,
            "direction": Direction.OUT if number % 2 else Direction.IN,
            "type": "CALLRESULT" if number % 2 else "CALL", "action": "TransactionEvent", "message_id": str(number),
            "transaction_id": s["transaction_id"], "remote_start_id": None, "evse_id": None,
            "text": "{}" if number % 2 else text,
        }  # fmt: skip


def _entry(number: int, sessions: list[dict[str, Any]], drivers: list[dict[str, Any]]) -> dict[str, Any]:
    about, action = (sessions, "session.stop") if number % 2 else (drivers, "driver.look")
    subject: UUID = about[number % len(about)]["id"]
    return {
        "id": new_id(), "at": NOW - timedelta(minutes=LOGGED - number), "member_id": None, "action": action,
        "subject": str(subject), "details": {"reason": "asked for help by phone"},
    }  # fmt: skip


def _alarm(number: int, outlets: list[dict[str, Any]]) -> dict[str, Any]:
    at = NOW - timedelta(minutes=OVER - number)
    return {
        "id": new_id(), "kind": AlarmKind.OUTLET_FAULTED, "severity": Severity.WARNING,
        "subject": outlets[number % len(outlets)]["code"], "details": {"site": "Site"}, "opened_at": at,
        "last_seen": at,
        "count": 1, "note": "", "closed_at": at, "told": 0,
    }  # fmt: skip
