"""What is still owed for a charging, on its receipt: because nothing was held for it, or it could not be taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.charging import service as charging
from konsento.kit.i18n import Language
from konsento.models import Driver, Payment, PaymentPurpose
from konsento.payments import beginning, later, owed, ways
from konsento.payments import service as payments
from konsento.payments.beginning import Wish
from konsento.payments.errors import UnknownMethod
from konsento.payments.owed import Owed
from konsento.payments.service import Hold
from konsento.payments.ways import Method, Way
from konsento.services import Services
from konsento.web.paying import pay_address, saved_cards
from konsento.web.quote_view import MethodView, way_views
from konsento.web.who import SessionNumber, SignedIn, Wired

router = APIRouter()

PATIENCE: Final = timedelta(hours=1)
"""How long the payment of what is owed waits for the driver."""


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
    offered = await ways.methods(session, services, driver.id, PaymentPurpose.BILL) if due is not None else []
    return Open(
        owed=due,
        methods=[way for way in offered if due is not None and way.available_minor >= due.amount_minor],
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
    receipt = RedirectResponse(f"/s/{number}", 303)
    way = Way.read(provider)
    async with services.database.transaction() as session:
        await charging.progress(session, driver.id, number)
        # Of two tabs the second finds that the first has paid.
        await later.lock(session, services.settings, driver.id)
        found = await open_of(session, services, driver, number)
        if found.owed is None:
            return receipt
        chosen = next((one for one in found.methods if one.way == Way(provider=way.provider, method=way.method)), None)
        if chosen is None:
            raise UnknownMethod
        if not chosen.external:
            wanted = Hold(
                session_id=number,
                driver_id=driver.id,
                amount_minor=found.owed.amount_minor,
                currency=found.owed.currency,
                provider=chosen.provider,
            )
            await payments.pay_owed(session, wanted, services.clock.now())
            return receipt
        payment_id = await owed.next_payment(session, number)
    wish = Wish(
        payment_id=payment_id,
        driver_id=driver.id,
        provider=way.provider,
        amount_minor=found.owed.amount_minor,
        currency=found.owed.currency,
        expires_at=services.clock.now() + PATIENCE,
        purpose=PaymentPurpose.BILL,
        session_id=number,
        method=way.method,
        card=way.card,
        return_url=pay_address(services, payment_id),
    )
    begun = await beginning.begin_hold(services, wish)
    return RedirectResponse(f"/pay/{begun.payment.id}", 303)
