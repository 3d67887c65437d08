"""Telling the driver, who wanted to know, that a session has ended, was interrupted or did not start.

Due work, so that it happens once the fact is committed, whoever dies in between. What is told is read when it is told.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import invoice_mails, repository
from konsento.charging.invoice_mails import Drawn
from konsento.kit.i18n import LANGUAGES, Language
from konsento.kit.work import Again, Job
from konsento.kit.work_table import Work
from konsento.models import (
    ACTIVE,
    ChargingSession,
    Driver,
    DriverKind,
    Metering,
    PushSubscription,
    Receipt,
    SessionState,
)
from konsento.notifications import mail, push
from konsento.notifications.mail import Mail
from konsento.notifications.push import Notice
from konsento.rewards.texts import earned
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.settlement.service import ReceiptView

INTERRUPTED: Final = "interrupted"
ENDED: Final = "ended"
FAILED: Final = "failed"
WHAT: Final = "what"
TOLD_AGAIN: Final = timedelta(hours=4)
"""Outlets that take turns are interrupted again and again: so soon after the last notice nobody wants another."""
KEPT_S: Final = 4 * 3600
"""How long a push service keeps a notice about a session for a phone that is off, s."""


def install(services: Services) -> None:
    """Register the handlers."""

    @services.work.on("tell")
    async def tell(job: Job) -> Again | None:
        await tell_driver(services, UUID(job.key), str(job.payload[WHAT]))
        return None

    @services.work.on("interrupted")
    async def interrupted(job: Job) -> Again | None:
        await tell_if_interrupted(services, UUID(job.key))
        return None

    @services.work.on("push")
    async def send_push(job: Job) -> Again | None:
        await push_to(services, UUID(job.key), str(job.payload[WHAT]))
        return None


def wants_mail(charging: ChargingSession, driver: Driver) -> bool:
    """Tell whether the driver gets mails about this session. A guest has no other way back to it."""
    return charging.mail_wanted or driver.mail_wanted or driver.kind is DriverKind.GUEST


async def tell_driver(services: Services, session_id: UUID, what: str) -> None:
    """Mail the driver where that is wanted, and have every browser told that wanted to be."""
    # Before the transaction that writes: drawing it takes longer than anybody should wait.
    drawn = await _wanted_invoice(services, session_id) if what == ENDED else None
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None:
            return
        for browser in await push.subscriptions(session, session_id):
            await services.work.add(session, "push", str(browser.id), payload={WHAT: what})
        driver = await session.get_one(Driver, charging.driver_id)
        if driver.email and wants_mail(charging, driver):
            language = LANGUAGES.get(driver.locale) or LANGUAGES.default
            letter = await _mail(session, services, charging, driver, language=language, what=what, drawn=drawn)
            letter = await invoice_mails.attach(session, services, letter, drawn)
            await mail.queue(session, services, letter, language)


async def _wanted_invoice(services: Services, session_id: UUID) -> Drawn | None:
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        driver = await session.get(Driver, charging.driver_id) if charging is not None else None
        if charging is None or driver is None or not driver.email or not wants_mail(charging, driver):
            return None
    return await invoice_mails.invoice_of(services, session_id)


async def tell_if_interrupted(services: Services, session_id: UUID) -> None:
    """Tell of an interruption that has lasted until now, unless another one was told not long ago."""
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state not in ACTIVE:
            return
        last = await session.get(Work, ("tell", str(session_id)))
        if last is not None and services.clock.now() - last.due_at < TOLD_AGAIN:
            return
        if charging.state is SessionState.SUSPENDED or not charging.outlet.site.connected:
            await services.work.add(session, "tell", str(session_id), payload={WHAT: INTERRUPTED})


async def push_to(services: Services, subscription_id: UUID, what: str) -> None:
    """Send a notice to one browser; after the end of the session, or where it wants none any more, it is forgotten."""
    async with services.database.transaction() as session:
        browser = await session.get(PushSubscription, subscription_id)
        charging = await repository.session_by_id(session, browser.session_id) if browser is not None else None
        if browser is None or charging is None:
            return
        language = LANGUAGES.get(browser.locale) or LANGUAGES.default
        notice = await _notice(session, charging, language, what)
    taken = await push.send(services, browser, notice)
    if what != INTERRUPTED or not taken:
        async with services.database.transaction() as session:
            await push.forget(session, subscription_id)


async def _notice(session: AsyncSession, charging: ChargingSession, language: Language, what: str) -> Notice:
    title, body = await _sentences(session, charging, language, what)
    return Notice(title=title, body=body, path=f"/s/{charging.id}", topic=charging.id.hex, kept_s=KEPT_S)


async def _sentences(
    session: AsyncSession, charging: ChargingSession, language: Language, what: str
) -> tuple[str, str]:
    language = language.estimating(estimated=charging.metering is Metering.ESTIMATED)
    text, outlet = language.text, charging.outlet.name
    receipt = await session.get(Receipt, charging.id)
    if what == ENDED and receipt is not None:
        return text("Your charging has ended"), text(
            "{outlet}: {energy} for {amount}.",
            outlet=outlet,
            energy=language.energy(receipt.billed_wh),
            amount=language.money(receipt.amount_minor, receipt.currency),
        )
    if what == FAILED:
        return text("Your charging did not start"), text("{outlet}: nothing is charged.", outlet=outlet)
    if charging.state is SessionState.SUSPENDED and not charging.delivered_mwh:
        return text("Your charging waits"), text(
            "{outlet}: it does not supply yet. It starts by itself; only measured energy is billed.", outlet=outlet
        )
    return text("Your charging is interrupted"), text(
        "{outlet}: supply has paused, or there is no contact. It keeps to your limit; only measured energy is billed.",
        outlet=outlet,
    )


async def _mail(
    session: AsyncSession,
    services: Services,
    charging: ChargingSession,
    driver: Driver,
    *,
    language: Language,
    what: str,
    drawn: Drawn | None,
) -> Mail:
    title, body = await _sentences(session, charging, language, what)
    paragraphs = [body]
    says = language.text("See the charging")
    if what == ENDED:
        bill = await settlement.receipt(session, charging.driver_id, charging.id)
        paragraphs += _receipt(language, bill, drawn)
        says = language.text("See the receipt")
    return Mail(
        recipient=driver.email,
        subject=title,
        paragraphs=tuple(paragraphs),
        link=(says, await invoice_mails.page_address(session, services, charging, driver)),
    )


def _receipt(language: Language, bill: ReceiptView, drawn: Drawn | None) -> list[str]:
    began = language.moment(bill.started_at or bill.issued_at, ZoneInfo(bill.time_zone))
    said = language.text(
        "Receipt number {number}, {site}, {when}.", number=str(bill.number), site=bill.site_name, when=began
    )
    billed = invoice_mails.written(language, drawn.document) if drawn is not None else []
    return [said, *billed, *earned(language, bill.given)]
