"""What is still owed for a charging, on its receipt: because nothing was held for it, or it could not be taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.charging import service as charging
from konsento.kit.i18n import Language
from konsento.models import Driver, Payment
from konsento.payments import later, owed, wishes
from konsento.payments.bills import service as bills
from konsento.payments.bills import terms
from konsento.payments.bills.names import label
from konsento.payments.bills.service import BillView
from konsento.payments.owed import Owed
from konsento.payments.ways import Method, Way
from konsento.services import Services
from konsento.web.paying import pay_address, saved_cards
from konsento.web.quote_view import MethodView, way_views
from konsento.web.who import SessionNumber, SignedIn, Wired

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class Due:
    """What the receipt writes about it."""

    amount: str
    until: str
    """From when on it keeps the driver from charging; empty where a bill is still to come."""
    bill: tuple[UUID, str] | None
    """The bill that asks for it: id and number."""
    ways: list[MethodView]
    billable: bool
    """The driver may have a bill for it."""


@dataclass(frozen=True, kw_only=True)
class Open:
    """What is open of a session: owed, or being paid."""

    owed: Owed | None
    due_at: datetime | None
    """From when on it keeps the driver from charging; None where a bill is still to come."""
    bill: BillView | None
    """The one that asks for it."""
    methods: Sequence[Method]
    paying: Payment | None


async def open_of(session: AsyncSession, services: Services, driver: Driver, session_id: UUID) -> Open:
    """Return what is open of a driver's settled session."""
    due = await owed.of_session(session, driver.id, session_id)
    dates = await terms.due_dates(session, services.settings, [due] if due is not None else [])
    return Open(
        owed=due,
        due_at=dates.get(session_id),
        bill=await bills.of_session(session, session_id, services.clock.now()),
        methods=await wishes.ways_to_pay(session, services, driver.id, due) if due is not None else [],
        paying=await owed.paying_for(session, session_id),
    )


async def due_view(services: Services, language: Language, driver: Driver, found: Open, zone_name: str) -> Due | None:
    """Describe it; None where nothing is owed, or it is being paid."""
    if found.owed is None:
        return None
    at_once = [way for way in found.methods if way.provider != later.BILL]
    saved, _ = await saved_cards(services, driver, at_once)
    return Due(
        amount=language.money(found.owed.amount_minor, found.owed.currency),
        until=language.day(found.due_at, ZoneInfo(zone_name)) if found.due_at is not None else "",
        bill=(found.bill.bill.id, label(found.bill.bill)) if found.bill is not None else None,
        ways=way_views(language, at_once, saved),
        billable=len(at_once) < len(found.methods),
    )


@router.post("/s/{session_id}/pay")
async def pay(
    number: SessionNumber, services: Wired, driver: SignedIn, provider: Annotated[str, Form()] = ""
) -> Response:
    """Pay what is owed. Paid already, or being paid, the receipt says so."""
    async with services.database.transaction() as session:
        await charging.progress(session, driver.id, number)
    begun = await wishes.pay_owed(services, driver.id, number, Way.read(provider), return_url=pay_address(services))
    if begun is None or not begun.payment.external:
        return RedirectResponse(f"/s/{number}", 303)
    return RedirectResponse(f"/pay/{begun.payment.id}", 303)
