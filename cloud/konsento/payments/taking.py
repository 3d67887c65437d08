"""Taking what sessions came to, for many at once."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.work import WorkQueue
from konsento.ledger import service as ledger
from konsento.ledger.service import Resolution
from konsento.models import Payment, PaymentPurpose
from konsento.payments import ledger_hold
from konsento.payments.life import WORK, Happening, step


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
    )
    entries: list[Resolution] = []
    outside: list[str] = []
    for payment in await session.scalars(query):
        if payment.session_id is None:
            continue
        amount = wanted[payment.session_id]
        if not step(payment, Happening.TAKE if amount else Happening.RELEASE, at):
            continue
        payment.captured_minor = amount
        if payment.external:
            outside.append(str(payment.id))
        else:
            entries += ledger_hold.resolutions(payment, amount, at)
            step(payment, Happening.TAKEN if amount else Happening.GONE, at)
    await work.add_all(session, WORK, outside)
    await ledger.write(session, entries)
