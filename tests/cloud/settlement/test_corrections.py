"""Bills that are put right: what was too much comes back, what was too little is never asked for."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from konsento.kit.ids import new_id
from konsento.models import (
    AccountKind,
    Alarm,
    AlarmKind,
    ChargingSession,
    Correction,
    CorrectionReason,
    LedgerAccount,
    PaymentState,
    Receipt,
)
from konsento.payments import repository as payments
from konsento.settlement import correcting
from konsento.settlement.correcting import AFTER_S, Wanted
from konsento.settlement.errors import CannotGiveBack

from ..conftest import ENDED, STARTED, Core, event_of, whole_session

FULL = 5000
"""What a driver has at first."""


async def billed(core: Core) -> tuple[ChargingSession, int]:
    """Return an ordinary session that was billed, and for how much."""
    session = await core.start()
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    return session, FULL - await core.available()


async def late(core: Core) -> None:
    """Have what came after the bill looked at."""
    core.clock.advance(timedelta(seconds=AFTER_S))
    await core.work()


async def balances(core: Core) -> dict[AccountKind, int]:
    """Return what each kind of account has, credits less debits."""
    async with core.services.database.transaction() as tx:
        rows = await tx.execute(
            select(
                LedgerAccount.kind,
                func.sum(LedgerAccount.credits_posted - LedgerAccount.debits_posted),
            ).group_by(LedgerAccount.kind)
        )
        return {kind: int(amount) for kind, amount in rows}


async def corrections(core: Core) -> Sequence[Correction]:
    async with core.services.database.transaction() as tx:
        return list(await tx.scalars(select(Correction).order_by(Correction.created_at)))


async def alarms(core: Core, kind: AlarmKind) -> list[Alarm]:
    async with core.services.database.transaction() as tx:
        return list(await tx.scalars(select(Alarm).where(Alarm.kind == kind)))


async def give_back(core: Core, session_id: UUID, amount: int, correction_id: UUID | None = None) -> bool:
    wanted = Wanted(
        correction_id=correction_id or new_id(), amount_minor=amount, note="the cable was loose", member_id=None
    )
    async with core.services.database.transaction() as tx:
        return await correcting.give_back(tx, core.services.work, session_id, wanted, core.clock.now())


async def test_late_readings_that_prove_less_give_the_difference_back_by_themselves(core: Core) -> None:
    session = await core.start()
    # The placeholder at the start is only seen as one when the reading after it has come.
    await core.send(event_of(session, 0, "0", kind=STARTED))
    await core.send(event_of(session, 2, "100", kind=ENDED, seconds=90))
    core.clock.advance(timedelta(minutes=16))
    await core.work()
    before = FULL - await core.available()
    await core.send(event_of(session, 1, "99", seconds=4))
    await late(core)
    (correction,) = await corrections(core)

    after = FULL - await core.available()
    assert before > after
    assert (correction.reason, correction.amount_minor) == (CorrectionReason.LATE_READINGS, before - after)
    books = await balances(core)
    assert sum(books.values()) == 0
    assert books[AccountKind.SALES] + books[AccountKind.TAX] == after
    assert books[AccountKind.RECEIVABLE] == 0


async def test_late_readings_that_prove_more_are_told_the_operator_and_cost_the_driver_nothing(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 2, "1005", kind=ENDED, seconds=8))
    core.clock.advance(timedelta(minutes=16))
    await core.work()
    before = await core.available()
    await core.send(event_of(session, 3, "1010.2", seconds=12))
    await late(core)

    assert await core.available() == before
    assert await corrections(core) == []
    (alarm,) = await alarms(core, AlarmKind.LATE_READINGS)
    assert alarm.subject == str(session.id)


async def test_late_readings_that_prove_the_same_change_nothing(core: Core) -> None:
    session, amount = await billed(core)
    await core.send(event_of(session, 4, "1010.2", seconds=13))
    await late(core)

    assert FULL - await core.available() == amount
    assert await corrections(core) == []
    assert await alarms(core, AlarmKind.LATE_READINGS) == []


async def test_what_the_operator_gives_back_is_paid_back_once_and_the_receipt_stays(core: Core) -> None:
    session, amount = await billed(core)
    assert amount > 2
    correction_id = new_id()

    assert await give_back(core, session.id, amount - 1, correction_id)
    assert not await give_back(core, session.id, amount - 1, correction_id)

    assert await core.available() == FULL - 1
    (correction,) = await corrections(core)
    async with core.services.database.transaction() as tx:
        receipt = await tx.get_one(Receipt, session.id)
        payment = await payments.hold_of(tx, session.id)
    assert (correction.note, receipt.amount_minor) == ("the cable was loose", amount)
    assert payment is not None
    assert (payment.state, payment.refunded_minor) == (PaymentState.CAPTURED, amount - 1)
    assert sum((await balances(core)).values()) == 0


@pytest.mark.parametrize("too_much", [0, -1, 1])
async def test_no_more_than_was_billed_can_be_given_back(core: Core, too_much: int) -> None:
    session, amount = await billed(core)
    wanted = amount + 1 if too_much == 1 else too_much

    with pytest.raises(CannotGiveBack):
        await give_back(core, session.id, wanted)

    assert await core.available() == FULL - amount


async def test_all_of_it_in_two_parts_leaves_no_tax_behind(core: Core) -> None:
    session, amount = await billed(core)
    await give_back(core, session.id, amount // 2)
    await give_back(core, session.id, amount - amount // 2)

    with pytest.raises(CannotGiveBack):
        await give_back(core, session.id, 1)
    books = await balances(core)
    assert await core.available() == FULL
    assert (books[AccountKind.SALES], books.get(AccountKind.TAX, 0), books[AccountKind.RECEIVABLE]) == (0, 0, 0)


async def test_what_the_operator_gave_back_is_not_given_back_again_by_late_readings(core: Core) -> None:
    session, amount = await billed(core)
    await give_back(core, session.id, amount)
    await core.send(event_of(session, 4, "1010.2", seconds=13))
    await late(core)

    assert await core.available() == FULL
    assert len(await corrections(core)) == 1
    assert await alarms(core, AlarmKind.LATE_READINGS) == []
