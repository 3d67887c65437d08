"""The due work of bills: making them, mailing them, reminding of them."""

import asyncio
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from konsento.kit.i18n import LANGUAGES, Language
from konsento.kit.work import Again, Job
from konsento.models import Driver
from konsento.notifications import mail
from konsento.notifications.mail import Attachment, Mail
from konsento.payments.bills import layout, making, repository
from konsento.payments.bills import service as bills
from konsento.payments.bills.names import label
from konsento.payments.bills.service import BillView, Standing
from konsento.services import Services
from konsento.settings import BillEvery

WORK: Final = "bills"
EVERY_S: Final = 3600.0
"""A month is billed, and somebody reminded, at most so much later than it is time."""


def install(services: Services) -> None:
    """Register the handlers."""

    @services.work.on(WORK)
    async def look(_job: Job) -> Again:
        await make_due(services)
        await look_at_due(services)
        return Again(EVERY_S)

    @services.work.on(making.SEND)
    async def send(job: Job) -> Again | None:
        await mail_bill(services, UUID(job.key))
        return None


async def begin(services: Services) -> None:
    """Have it done from now on."""
    async with services.database.transaction() as session:
        await services.work.add(session, WORK, "all")


async def make_due(services: Services) -> None:
    """Bill what is to be billed by now; a driver is a transaction."""
    async with services.database.transaction() as session:
        found = await repository.unbilled(session, _until(services))
    for driver_id, session_ids in found.items():
        async with services.database.transaction() as session:
            await making.make(session, services, driver_id, session_ids)


async def look_at_due(services: Services) -> None:
    """See which bills are paid, and remind of those that are not; a bill is a transaction."""
    async with services.database.transaction() as session:
        found = await repository.to_look_at(session, services.clock.now())
    for bill_id in found:
        async with services.database.transaction() as session:
            await making.look(session, services, bill_id)


async def mail_bill(services: Services, bill_id: UUID) -> None:
    """Mail a bill, or its reminder, to its driver; one that is paid meanwhile or withdrawn is not sent any more."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        view = await bills.bill_view(session, bill_id, now)
        driver = await session.get_one(Driver, view.bill.driver_id)
    if view.standing not in {Standing.OPEN, Standing.OVERDUE} or not driver.email:
        return
    language = LANGUAGES.get(driver.locale) or LANGUAGES.default
    content = await asyncio.to_thread(layout.pdf, language, view)
    file = Attachment(name=f"{label(view.bill)}.pdf", media_type="application/pdf", content=content)
    async with services.database.transaction() as session:
        await mail.queue(session, services, _letter(services, language, view, driver.email, file), language)
        sent = await repository.bill(session, bill_id, locked=True)
        if sent is not None and mail.possible(services.settings):
            sent.sent_at = now


def _until(services: Services) -> datetime | None:
    """Return before when a session has to be over to be billed now; None for any."""
    if services.settings.bill is not BillEvery.MONTH:
        return None
    here = services.clock.now().astimezone(ZoneInfo(services.settings.time_zone))
    return here.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)


def _letter(services: Services, language: Language, view: BillView, recipient: str, file: Attachment) -> Mail:
    text, bill = language.text, view.bill
    values = {
        "number": label(bill),
        "amount": language.money(view.left_minor, bill.currency),
        "day": language.day(bill.due_at, ZoneInfo(bill.time_zone)),
    }
    facts = "\n".join(f"{name}: {value}" for name, value in layout.slip(language, view))
    if view.standing is Standing.OVERDUE:
        subject = text("Please pay: bill {number}, {amount}", **values)
        says = text(
            "Bill {number} was to be paid by {day}, and {amount} of it has not come in. Until it is paid you cannot"
            " charge. If you paid in the last days, our mails have crossed: the bank needs some time.",
            **values,
        )
    else:
        subject = text("Your bill {number}: {amount}", **values)
        says = text("Your bill {number} is attached: please pay {amount} by {day}.", **values)
    address = f"{services.settings.public_url.rstrip('/')}/account/bills"
    return Mail(
        recipient=recipient,
        subject=subject,
        paragraphs=(says, facts),
        link=(text("Your bills"), address),
        attachments=(file,),
    )
