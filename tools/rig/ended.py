"""Sessions that have ended and are not billed: what the measurements of settlement begin with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import insert

from konsento.kit.clock import ManualClock
from konsento.kit.db import Base, Database
from konsento.kit.ids import new_id
from konsento.kit.work import WorkQueue
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move
from konsento.models import (
    AccountKind,
    ChargingSession,
    Driver,
    LimitKind,
    MeterEvent,
    Outlet,
    OutletStatus,
    Payment,
    PaymentState,
    SessionState,
    Site,
)
from konsento.payments import fake
from konsento.pricing import Price

AT: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITES: Final = 20
DRIVERS: Final = 200
EVENT_S: Final = 300
"""Between two events."""
EVENT_MWH: Final = 200_000
HOLD_MINOR: Final = 1_000
AT_ONCE: Final = 1_000
PRICE: Final = Price.per_kwh(Decimal("38.5"), "JPY", Decimal("0.1"))


@dataclass(frozen=True, kw_only=True)
class Town:
    """Sites with an outlet each, and drivers."""

    outlets: Sequence[tuple[UUID, UUID]]
    """Site and outlet."""
    drivers: Sequence[UUID]


async def found(database: Database) -> Town:
    """Fill an empty database with sites and drivers."""
    sites, outlets, drivers = (
        [new_id() for _ in range(SITES)], [new_id() for _ in range(SITES)], [new_id() for _ in range(DRIVERS)]
    )  # fmt: skip
    async with database.transaction() as session:
        await session.execute(
            insert(Site),
            [
                {"id": site, "station_id": f"S{number}", "password_hash": "-", "name": "s", "time_zone": "Asia/Tokyo"}
                for number, site in enumerate(sites)
            ],
        )
        await session.execute(
            insert(Outlet),
            [
                {
                    "id": outlet, "site_id": site, "evse_id": 1, "code": f"K2{number:06}", "name": "o", "rated_w": 3000,
                    "volts": 200, "status": OutletStatus.AVAILABLE,
                }
                for number, (site, outlet) in enumerate(zip(sites, outlets, strict=True))
            ],
        )  # fmt: skip
        await session.execute(
            insert(Driver),
            [
                {"id": driver, "email": f"{number}@example.com", "locale": "en", "password_hash": "-", "created_at": AT}
                for number, driver in enumerate(drivers)
            ],
        )
    return Town(outlets=list(zip(sites, outlets, strict=True)), drivers=drivers)


async def end(database: Database, town: Town, number: int, *, events: int) -> list[UUID]:
    """Have so many sessions ended, each paid by the test card, with so many events each, and due to be billed."""
    ids: list[UUID] = []
    queue = WorkQueue(database, ManualClock(AT))
    for some in batched(range(number), AT_ONCE, strict=False):
        sessions = [_session(town, index) for index in some]
        payments = [_payment(session) for session in sessions]
        await _insert(database, ChargingSession, sessions)
        await _insert(database, MeterEvent, [event for session in sessions for event in _events(session, events)])
        await _insert(database, Payment, payments)
        async with database.transaction() as tx:
            await ledger.write(tx, [_hold(payment) for payment in payments])
            await queue.add_all(tx, "settle", [str(session["id"]) for session in sessions])
        ids += [session["id"] for session in sessions]
    return ids


async def _insert(database: Database, model: type[Base], rows: list[dict[str, Any]]) -> None:
    for some in batched(rows, AT_ONCE, strict=False):
        async with database.transaction() as session:
            await session.execute(insert(model), list(some))


def _session(town: Town, index: int) -> dict[str, Any]:
    site_id, outlet_id = town.outlets[index % len(town.outlets)]
    session_id = new_id()
    return {
        "id": session_id, "driver_id": town.drivers[index % len(town.drivers)], "outlet_id": outlet_id,
        "site_id": site_id, "state": SessionState.ENDED, "limit_kind": LimitKind.FULL, "limit_amount": 0,
        "energy_cap_wh": 100_000, "unit_price": Decimal("38.5"), "currency": "JPY", "tax_rate": Decimal("0.1"),
        "price": PRICE.to_dict(), "power_type": "solar", "supplier": "Sakura Energy", "supplier_code": "A0269",
        "supplier_share": Decimal("0.7"), "owner_share": Decimal("0.1"), "rated_w": 3000, "hold_minor": HOLD_MINOR,
        "remote_start_id": session_id.int % 2**31, "id_token": session_id.hex[-20:].upper(),
        "transaction_id": str(session_id), "created_at": AT, "start_expires_at": AT, "started_at": AT,
        "ended_at": AT, "end_reason": "EnergyLimitReached",
    }  # fmt: skip


def _events(session: dict[str, Any], number: int) -> list[dict[str, Any]]:
    return [
        {
            "site_id": session["site_id"], "transaction_id": session["transaction_id"], "seq_no": seq_no,
            "session_id": session["id"],
            "event_type": "Ended" if seq_no == number - 1 else "Updated" if seq_no else "Started",
            "at": AT + timedelta(seconds=EVENT_S * seq_no), "received_at": AT, "offline": False,
            "trigger": "MeterValuePeriodic", "seconds": EVENT_S * seq_no,
            "register_mwh": 1_000_000 + EVENT_MWH * seq_no + session["id"].int % 997,
        }
        for seq_no in range(number)
    ]  # fmt: skip


def _payment(session: dict[str, Any]) -> dict[str, Any]:
    payment_id = uuid5(session["id"], "payment")
    return {
        "id": payment_id, "session_id": session["id"], "driver_id": session["driver_id"], "provider": fake.NAME,
        "state": PaymentState.HELD, "currency": "JPY", "hold_minor": HOLD_MINOR,
        "reference": str(uuid5(payment_id, "hold")), "created_at": AT,
    }  # fmt: skip


def _hold(payment: dict[str, Any]) -> Move:
    owner = str(payment["driver_id"])
    return Move(
        id=UUID(payment["reference"]),
        reason="hold",
        at=AT,
        session_id=payment["session_id"],
        debit=AccountName(AccountKind.TEST_CARD, "JPY", owner),
        credit=AccountName(AccountKind.RECEIVABLE, "JPY", owner),
        amount_minor=HOLD_MINOR,
        pending=True,
    )
