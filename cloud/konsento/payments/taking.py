"""Taking what sessions came to, for many at once."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.work import WorkQueue
from konsento.ledger import service as ledger
from konsento.ledger.service import Resolution
from konsento.models import Payment, PaymentPurpose
from konsento.payments import balance, later, ledger_hold, lots
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
    held = [(one, wanted[one.session_id]) for one in await session.scalars(query) if one.session_id is not None]
    await _take(session, work, held, at)


async def take_at_once(session: AsyncSession, work: WorkQueue, payment: Payment, at: datetime) -> None:
    """Take all that was held just now within this database."""
    await _take(session, work, [(payment, payment.hold_minor)], at)


async def _take(session: AsyncSession, work: WorkQueue, held: Iterable[tuple[Payment, int]], at: datetime) -> None:
    entries: list[Resolution] = []
    from_balances: dict[UUID, int] = {}
    outside: list[str] = []
    for payment, due in held:
        # Who pays at the end owes it still: nothing was held.
        amount = 0 if payment.provider == later.NAME else due
        if not step(payment, Happening.TAKE if amount else Happening.RELEASE, at):
            continue
        payment.captured_minor = amount
        if payment.external:
            outside.append(str(payment.id))
            continue
        entries += ledger_hold.resolutions(payment, amount, at)
        if payment.provider == balance.NAME and payment.reference:
            from_balances[payment.id] = amount
        step(payment, Happening.TAKEN if amount else Happening.GONE, at)
    await work.add_all(session, WORK, outside)
    await ledger.write(session, entries)
    if from_balances:
        # The ledger's accounts are locked, and with them the lots.
        await lots.take(session, from_balances, at)
