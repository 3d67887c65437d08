"""Telling the driver, who wanted to know, that a session has ended, was interrupted or did not start.

Due work, so that it happens once the fact is committed, whoever dies in between. What is told is read when it is told.
"""

from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import links
from konsento.charging import repository
from konsento.kit.i18n import LANGUAGES, Language
from konsento.kit.work import Again, Job
from konsento.models import (
    ACTIVE,
    ChargingSession,
    Driver,
    DriverKind,
    LinkPurpose,
    Metering,
    PushSubscription,
    Receipt,
    SessionState,
)
from konsento.notifications import mail, push
from konsento.notifications.mail import Mail
from konsento.notifications.push import Notice
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.settlement.service import ReceiptView

INTERRUPTED: Final = "interrupted"
ENDED: Final = "ended"
FAILED: Final = "failed"
WHAT: Final = "what"


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
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None:
            return
        for browser in await push.subscriptions(session, session_id):
            await services.work.add(session, "push", str(browser.id), payload={WHAT: what})
        driver = await session.get_one(Driver, charging.driver_id)
        if driver.email and wants_mail(charging, driver):
            language = LANGUAGES.get(driver.locale) or LANGUAGES.default
            letter = await _mail(session, services, charging, driver, language=language, what=what)
            await mail.queue(session, services, letter, language)


async def tell_if_interrupted(services: Services, session_id: UUID) -> None:
    """Tell of an interruption that has lasted until now."""
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state not in ACTIVE:
            return
        if charging.state is SessionState.SUSPENDED or not charging.outlet.site.connected:
            await services.work.add(session, "tell", str(session_id), payload={WHAT: INTERRUPTED})


async def push_to(services: Services, subscription_id: UUID, what: str) -> None:
    """Send a notice to one browser; after the end of the session it is forgotten."""
    async with services.database.transaction() as session:
        browser = await session.get(PushSubscription, subscription_id)
        charging = await repository.session_by_id(session, browser.session_id) if browser is not None else None
        if browser is None or charging is None:
            return
        language = LANGUAGES.get(browser.locale) or LANGUAGES.default
        notice = await _notice(session, charging, language, what)
    await push.send(services, browser, notice)
    if what != INTERRUPTED:
        async with services.database.transaction() as session:
            await push.forget(session, subscription_id)


async def _notice(session: AsyncSession, charging: ChargingSession, language: Language, what: str) -> Notice:
    title, body = await _sentences(session, charging, language, what)
    return Notice(title=title, body=body, path=f"/s/{charging.id}")


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
) -> Mail:
    title, body = await _sentences(session, charging, language, what)
    paragraphs = [body]
    says = language.text("See the charging")
    if what == ENDED:
        bill = await settlement.receipt(session, charging.driver_id, charging.id)
        paragraphs += _receipt(language, bill)
        says = language.text("See the receipt")
    return Mail(
        recipient=driver.email,
        subject=title,
        paragraphs=tuple(paragraphs),
        link=(says, await _address(session, services, charging, driver)),
    )


async def _address(session: AsyncSession, services: Services, charging: ChargingSession, driver: Driver) -> str:
    """Return where a mail leads. A guest cannot sign in, so the link lets them in."""
    path = f"/s/{charging.id}"
    if driver.kind is DriverKind.GUEST:
        now = services.clock.now()
        path = f"/l/{await links.make(session, driver, purpose=LinkPurpose.GUEST, now=now, next_page=path)}"
    return f"{services.settings.public_url.rstrip('/')}{path}"


def _receipt(language: Language, bill: ReceiptView) -> list[str]:
    language = language.estimating(estimated=bill.metering is Metering.ESTIMATED)
    text, zone = language.text, ZoneInfo(bill.time_zone)
    began = language.moment(bill.started_at or bill.issued_at, zone)
    price = text("{price} / kWh", price=language.unit_price(bill.unit_price, bill.currency))
    return [
        text("Receipt number {number}, {site}, {when}.", number=str(bill.number), site=bill.site_name, when=began),
        text(
            "{energy} × {price} = {amount}, of which tax {rate}: {tax}.",
            energy=language.energy(bill.billed_wh),
            price=price,
            amount=language.money(bill.amount_minor, bill.currency),
            rate=language.percent(bill.tax_rate),
            tax=language.money(bill.tax_minor, bill.currency),
        ),
    ]
