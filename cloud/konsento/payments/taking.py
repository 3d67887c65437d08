"""Taking what sessions came to, for many at once."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.ledger import service as ledger
from konsento.models import Payment, PaymentState
from konsento.payments import ledger_hold


async def take_all(session: AsyncSession, wanted: Mapping[UUID, int], at: datetime) -> None:
    """Take amounts of what is held for sessions, at most all of it each; 0 releases the hold.

    What was decided before for a session stays: asked again it changes nothing.
    """
    query = (
        select(Payment)
        .where(Payment.session_id.in_(wanted), Payment.state == PaymentState.HELD)
        .order_by(Payment.id)  # in one order, as all locks
        .with_for_update()
    )
    entries = []
    for payment in await session.scalars(query):
        amount = wanted[payment.session_id]
        entries += ledger_hold.resolutions(payment, amount, at)
        payment.state = PaymentState.CAPTURED if amount else PaymentState.RELEASED
        payment.captured_minor = amount
        payment.resolved_at = at
    await ledger.write(session, entries)
