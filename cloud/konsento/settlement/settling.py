"""Billing ended sessions: many at once, each exactly once.

All of it is one transaction. What others wait for (the operator's own accounts, the counter of receipts) is locked
last, so that two processes settle side by side.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.invoices import service as invoices
from konsento.kit.db import after_commit
from konsento.ledger import service as ledger
from konsento.models import AlarmKind, ChargingSession, Receipt, SessionState
from konsento.operations import alarms
from konsento.payments import taking
from konsento.payments.bills import repository as bill_rows
from konsento.rewards import service as rewards
from konsento.rewards.facts import Settled
from konsento.services import Services
from konsento.settings import BillEvery
from konsento.settlement import billing, bills, booking, repository
from konsento.settlement.billing import Due
from konsento.settlement.measurement import missing
from konsento.webhooks import service as webhooks
from konsento.webhooks.service import EventType

log = logging.getLogger(__name__)

GAP_PATIENCE: Final = timedelta(minutes=15)
"""How long a bill waits for events that are missing in the middle; the registers at both ends are enough for it."""
EVIDENCE: Final = "evidence"
"""The due work that asks a site for them."""


async def settle(session: AsyncSession, services: Services, session_ids: Collection[UUID], *, wait: bool) -> None:
    """Bill those of the sessions that have ended and are not billed.

    With `wait` those whose events are not complete are left to the work that asks their sites; without, they are billed
    by the events that are there.
    """
    ended = await repository.ended(session, session_ids)
    events = await repository.events_of_all(session, ended)
    now = services.clock.now()
    unsure = {charging.id for charging in ended if wait and more_may_come(charging, events[charging.id], now)}
    await services.work.add_all(session, EVIDENCE, [str(session_id) for session_id in unsure])
    dues = [billing.due(charging, events[charging.id]) for charging in ended if charging.id not in unsure]
    if dues:
        discounts = await rewards.discounts_for(session, {due.charging.id: due.bill.total_minor for due in dues})
        await _bill(session, services, [due.less(discounts.get(due.charging.id, ())) for due in dues], now)


def more_may_come(charging: ChargingSession, events: Sequence[Any], now: datetime) -> bool:
    """Tell whether events of a session are missing that its site may still deliver."""
    if charging.transaction_id is None or not missing(events):
        return False
    last = max((event.received_at for event in events), default=charging.ended_at or now)
    return now - last < GAP_PATIENCE


async def _bill(session: AsyncSession, services: Services, dues: Sequence[Due], at: datetime) -> None:
    billed = [due.charging for due in dues]
    for due in dues:
        await _note_doubts(session, due, at)
        due.charging.delivered_mwh = due.measured.mwh
        due.charging.begin_mwh = due.measured.begin_mwh
        due.charging.state = SessionState.SETTLED  # from `ended` alone, as the table of `charging.life` has it
    after_commit(session, lambda: _tell(services, billed, at))
    await webhooks.emit_all(session, services, billed, EventType.SETTLED)
    await services.work.add_all(session, "tell", [str(one.id) for one in billed], payload={"what": "ended"})
    await taking.take_all(session, services.work, {due.charging.id: due.amount_minor for due in dues}, at)
    facts = [Settled(charging=due.charging, usage=due.usage, bill=due.bill) for due in dues]
    await rewards.settled(session, services.settings, facts, at)
    await ledger.write(session, [entry for due in dues for entry in booking.billed(due.charging, due.split, at)])
    last = await repository.take_numbers(session, repository.RECEIPTS, len(dues))
    session.add_all(_receipt(due, number, at) for number, due in enumerate(dues, last - len(dues) + 1))
    await session.flush()
    session.add_all(line for due in dues for line in due.lines())
    await invoices.issue(session, services.settings, [one.id for one in billed], at)
    if services.settings.bill is not BillEvery.MONTH and await bill_rows.agreed(session, [one.id for one in billed]):
        await services.work.add(session, bills.WORK, "all")
    log.info("%d sessions settled, receipts until %d", len(dues), last)


async def _note_doubts(session: AsyncSession, due: Due, at: datetime) -> None:
    session_id, doubtful = due.charging.id, due.measured.doubtful
    if doubtful:
        log.warning("session %s: %d readings make no sense and bill nothing", session_id, doubtful)
        await alarms.report(session, at, AlarmKind.METER_DOUBTFUL, str(session_id), {"readings": doubtful})
    if unheld := due.unheld_minor:
        log.warning("session %s: %d more than held; the driver does not pay it", session_id, unheld)


def _receipt(due: Due, number: int, at: datetime) -> Receipt:
    charging, measured, split = due.charging, due.measured, due.split
    return Receipt(
        session_id=charging.id,
        number=number,
        issued_at=at,
        currency=charging.currency,
        measured_mwh=measured.mwh,
        begin_mwh=measured.begin_mwh,
        end_mwh=measured.end_mwh,
        billed_wh=measured.mwh // 1000,
        unit_price=charging.unit_price,
        amount_minor=split.amount_minor,
        tax_minor=split.tax_minor,
        tax_rate=charging.tax_rate,
        hold_minor=charging.hold_minor,
        released_minor=charging.hold_minor - split.amount_minor,
    )


def _tell(services: Services, billed: Sequence[ChargingSession], at: datetime) -> None:
    for one in billed:
        services.live.publish(one.id)
        if one.ended_at is not None:
            # By two clocks, so it may seem to be billed before it ended.
            services.metrics.settlement_lag.observe(max(0.0, (at - one.ended_at).total_seconds()))
