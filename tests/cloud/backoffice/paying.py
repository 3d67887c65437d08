"""A payment at a provider outside, for the pages about payments."""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from konsento.kit.ids import new_id
from konsento.models import Driver, Payment, PaymentPurpose, Refund, RefundKind, RefundState
from konsento.payments import beginning
from konsento.payments.beginning import Wish

from ..payments.scripted import ScriptedProvider

if TYPE_CHECKING:
    from .conftest import Office

NAME = "scripted"


def provider_of(office: Office) -> ScriptedProvider:
    """Return the provider of the office's server; it gets one if it has none."""
    desk, clock = office.bench.services.desk, office.bench.clock
    if NAME not in desk.external:
        desk.external[NAME] = ScriptedProvider(NAME, now=clock.now)
    provider = desk.external[NAME]
    assert isinstance(provider, ScriptedProvider)
    return provider


async def overpaid(office: Office, amount: int = 500) -> UUID:
    """Have a driver pay an amount that nobody is owed; returns the payment's id."""
    provider, services = provider_of(office), office.bench.services
    async with services.database.transaction() as session:
        driver_id = (await session.scalars(select(Driver.id).order_by(Driver.id))).first()
    assert driver_id is not None
    wish = Wish(
        payment_id=new_id(),
        driver_id=driver_id,
        provider=NAME,
        amount_minor=amount,
        currency="JPY",
        expires_at=services.clock.now() + timedelta(minutes=10),
        purpose=PaymentPurpose.BILL,
    )
    begun = await beginning.begin_hold(services, wish)
    provider.confirm(begun.payment.reference)
    await beginning.look(services, wish.payment_id)
    return wish.payment_id


async def failed_refund(office: Office, payment_id: UUID, amount: int = 100) -> UUID:
    """Have a refund of a payment be one that failed; returns its id."""
    refund_id = new_id()
    async with office.bench.services.database.transaction() as session:
        await session.get_one(Payment, payment_id)
        session.add(
            Refund(
                id=refund_id,
                payment_id=payment_id,
                kind=RefundKind.REFUND,
                state=RefundState.FAILED,
                amount_minor=amount,
                failure="lost_or_stolen_card",
                asked_at=office.bench.clock.now(),
            )
        )
    return refund_id
