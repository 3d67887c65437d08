"""Until when what a driver owes has to be paid."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import Driver
from konsento.payments import later, owed
from konsento.payments.bills import addressing, repository
from konsento.payments.owed import Owed
from konsento.settings import Settings


async def due_dates(session: AsyncSession, settings: Settings, found: Sequence[Owed]) -> dict[UUID, datetime | None]:
    """Return from when on what sessions owe keeps their driver from charging; None where a bill is still to come.

    What is on a bill has its date. Otherwise the days for paying at the end count, from the session's end or from when
    its bill was withdrawn.
    """
    ids = [one.session_id for one in found]
    days = timedelta(days=settings.pay_later_days)
    dates: dict[UUID, datetime | None] = {one.session_id: one.since + days for one in found}
    dates |= dict.fromkeys(await repository.agreed(session, ids))
    for row, bill in await repository.on_session(session, ids):
        dates[row.session_id] = bill.due_at if bill.withdrawn_at is None else bill.withdrawn_at + days
    return dates


async def is_overdue(session: AsyncSession, settings: Settings, driver_id: UUID, now: datetime) -> bool:
    """Tell whether a driver has owed something for too long to begin another charging."""
    found = await owed.of_driver(session, driver_id)
    if not found:
        return False
    return any(at is not None and at < now for at in (await due_dates(session, settings, found)).values())


async def may_be_billed(session: AsyncSession, settings: Settings, due: Owed, driver_id: UUID, now: datetime) -> bool:
    """Tell whether a driver may have a bill for what a session owes, which gives more time to pay it.

    Once only, not when that time is over already, and not for more than the operator lets a driver owe by bill.
    """
    driver = await session.get(Driver, driver_id)
    if driver is None or not await addressing.can_be_billed(session, settings, driver):
        return False
    if await repository.on_session(session, [due.session_id]):
        return False
    until = (await due_dates(session, settings, [due]))[due.session_id]
    if until is None or until < now:
        return False
    return await later.left(session, settings, driver_id, later.BILL) >= 0
