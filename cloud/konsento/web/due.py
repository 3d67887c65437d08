"""What is still owed for a charging, on its receipt: because nothing was held for it, or it could not be taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.charging import service as charging
from konsento.kit.i18n import Language
from konsento.models import Driver, Payment
from konsento.payments import owed, wishes
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
    """From when on it keeps the driver from charging."""
    ways: list[MethodView]


@dataclass(frozen=True, kw_only=True)
class Open:
    """What is open of a session: owed, or being paid."""

    owed: Owed | None
    methods: Sequence[Method]
    paying: Payment | None


async def open_of(session: AsyncSession, services: Services, driver: Driver, session_id: UUID) -> Open:
    """Return what is open of a driver's settled session."""
    due = await owed.of_session(session, driver.id, session_id)
    return Open(
        owed=due,
        methods=await wishes.ways_to_pay(session, services, driver.id, due.amount_minor) if due is not None else [],
        paying=await owed.paying_for(session, session_id),
    )


async def due_view(services: Services, language: Language, driver: Driver, found: Open, zone_name: str) -> Due | None:
    """Describe it; None where nothing is owed, or it is being paid."""
    if found.owed is None:
        return None
    saved, _ = await saved_cards(services, driver, found.methods)
    late = found.owed.since + timedelta(days=services.settings.pay_later_days)
    return Due(
        amount=language.money(found.owed.amount_minor, found.owed.currency),
        until=language.day(late, ZoneInfo(zone_name)),
        ways=way_views(language, found.methods, saved),
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
