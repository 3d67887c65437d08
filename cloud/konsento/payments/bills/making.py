"""Making bills, and reminding of them."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import Bill, BillSession, Driver
from konsento.payments import later, owed
from konsento.payments.bills import addressing, repository
from konsento.payments.desk import Till
from konsento.payments.owed import Owed
from konsento.settings import Settings

log = logging.getLogger(__name__)

SEND: Final = "bill-send"
"""The work that mails a bill, or its newest reminder; its key is the bill's id."""
REMINDERS: Final = 3
"""So often a driver is reminded."""


async def make(session: AsyncSession, services: Till, driver_id: UUID, session_ids: Collection[UUID]) -> list[Bill]:
    """Bill what these sessions of a driver still owe and is on no bill yet, in each currency; none where nothing is.

    What is being paid at this moment is left out, and stays for the next time.
    """
    # Of two who make one at once the second finds what the first has made.
    settings, at = services.settings, services.clock.now()
    await later.lock(session, settings, driver_id)
    driver = await session.get_one(Driver, driver_id)
    on_one = {row.session_id for row, _ in await repository.on_session(session, session_ids) if row.counts}
    due = [
        one
        for one in await owed.of_driver(session, driver_id)
        if one.session_id in session_ids and one.session_id not in on_one
    ]
    made = []
    for currency in sorted({one.currency for one in due}):
        bill = await _made(session, settings, driver, [one for one in due if one.currency == currency], at)
        if not bill.by_post:
            await services.work.add(session, SEND, str(bill.id))
        log.info("bill %d: %d sessions", bill.number, len(due))
        made.append(bill)
    return made


async def _made(session: AsyncSession, settings: Settings, driver: Driver, due: Sequence[Owed], at: datetime) -> Bill:
    address = await addressing.of_driver(session, driver.id)
    due_at = at + timedelta(days=settings.bill_days)
    bill = Bill(
        id=new_id(),
        number=await repository.take_number(session),
        driver_id=driver.id,
        currency=due[0].currency,
        amount_minor=sum(one.amount_minor for one in due),
        issued_at=at,
        due_at=due_at,
        payee=settings.operator_name,
        payee_address=settings.operator_address,
        bank=settings.bill_bank,
        iban=settings.bill_iban,
        time_zone=settings.time_zone,
        by_post=address is not None,
        recipient=address.name if address is not None else driver.name,
        recipient_address=address.address if address is not None else "",
        look_at=due_at,
        reminders=0,
    )
    session.add(bill)
    await session.flush()
    printed = await repository.printed(session, [one.session_id for one in due])
    for position, one in enumerate(due):
        charging, receipt, label = printed[one.session_id]
        site = charging.outlet.site
        session.add(
            BillSession(
                bill_id=bill.id,
                session_id=one.session_id,
                position=position,
                amount_minor=one.amount_minor,
                invoice_label=label,
                place=", ".join(filter(None, (site.name, charging.outlet.name)))[:200],
                charged_at=charging.started_at or receipt.issued_at,
                counts=True,
            )
        )
    await session.flush()
    return bill


async def look(session: AsyncSession, services: Till, bill_id: UUID) -> None:
    """Look at a bill whose time has come: it is paid, or its driver is reminded, a few times."""
    at = services.clock.now()
    bill = await repository.bill(session, bill_id, locked=True)
    if bill is None or bill.look_at is None or bill.look_at > at:
        return
    ids = [row.session_id for row in (await repository.rows_of(session, [bill.id]))[bill.id]]
    lefts = await owed.left(session, bill.driver_id, ids)
    if all(left <= 0 for left in lefts.values()):
        bill.settled_at, bill.look_at = at, None
        return
    bill.look_at = at + timedelta(days=services.settings.bill_reminder_days)
    being_paid = [await owed.paying_for(session, session_id) for session_id in ids if lefts[session_id] > 0]
    if bill.reminders < REMINDERS and not all(being_paid):
        bill.reminders += 1
        bill.sent_at = None
        if not bill.by_post:
            await services.work.add(session, SEND, str(bill.id))
