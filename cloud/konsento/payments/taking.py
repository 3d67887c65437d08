"""Taking what sessions came to, for many at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.work import WorkQueue
from konsento.ledger import service as ledger
from konsento.ledger.service import Resolution
from konsento.models import Payment, PaymentPurpose
from konsento.payments import later
from konsento.payments.life import WORK, Happening, step
from konsento.payments.providers import INTERNAL


async def take_all(session: AsyncSession, work: WorkQueue, wanted: Mapping[UUID, int], at: datetime) -> None:
    """Take amounts of what is held for sessions, at most all of it each; 0 releases the hold.

    Of an external hold this is only asked for: it is `capturing` or `releasing` until the provider has answered. What
    was decided before for a session stays: asked again it changes nothing.
    """
    query = (
        select(Payment)
        .where(Payment.session_id.in_(wanted), Payment.purpose == PaymentPurpose.SESSION)
        .order_by(Payment.id)  # in one order, as all locks
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    ours: list[Payment] = []
    outside: list[str] = []
    for payment in await session.scalars(query):
        if payment.session_id is None:
            continue
        # Where it is paid later nothing is held: what is billed stays owed.
        amount = 0 if payment.provider in later.NAMES else wanted[payment.session_id]
        if not step(payment, Happening.TAKE if amount else Happening.RELEASE, at):
            continue
        payment.captured_minor = amount
        if payment.external:
            outside.append(str(payment.id))
        else:
            ours.append(payment)
    await work.add_all(session, WORK, outside)
    await _resolve(session, ours, at)


async def take_at_once(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Take all that was held just now within this database."""
    step(payment, Happening.TAKE, at)
    payment.captured_minor = payment.hold_minor
    await _resolve(session, [payment], at)


async def _resolve(session: AsyncSession, taken: Sequence[Payment], at: datetime) -> None:
    """Book what is taken of holds within this database, 0 for what is released, and end them."""
    entries: list[Resolution] = []
    for payment in taken:
        entries += INTERNAL[payment.provider].resolutions(payment, payment.captured_minor, at)
    await ledger.write(session, entries)
    for name in {payment.provider for payment in taken}:
        amounts = {payment.id: payment.captured_minor for payment in taken if payment.provider == name}
        await INTERNAL[name].resolved(session, amounts, at)
    for payment in taken:
        step(payment, Happening.TAKEN if payment.captured_minor else Happening.GONE, at)
