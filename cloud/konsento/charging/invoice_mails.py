"""Invoices and credit notes in mails: attached, written out, and by a link that needs no signing in."""

import asyncio
from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import links as accounts
from konsento.charging import repository
from konsento.invoices import layout, links
from konsento.invoices import service as invoices
from konsento.invoices.errors import NoInvoice
from konsento.invoices.service import Document
from konsento.kit.i18n import LANGUAGES, Language
from konsento.kit.work import Again, Job
from konsento.models import ChargingSession, Driver, DriverKind, LinkPurpose
from konsento.notifications import mail
from konsento.notifications.mail import Attachment, Mail
from konsento.services import Services
from konsento.settlement.invoicing import CREDITED


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A document as it goes with a mail, in its driver's language."""

    document: Document
    language: Language
    file: Attachment


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on(CREDITED)
    async def credited(job: Job) -> Again | None:
        await tell_of_credit(services, UUID(job.key))
        return None


async def invoice_of(services: Services, session_id: UUID) -> Drawn | None:
    """Draw a session's invoice; None where there is none. Opens its own transaction: drawing takes a while."""
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        driver = await session.get(Driver, charging.driver_id) if charging is not None else None
        if driver is None:
            return None
        try:
            document = await invoices.own_invoice(session, driver.id, session_id)
        except NoInvoice:
            return None
    return await _drawn(driver, document)


async def attach(session: AsyncSession, services: Services, letter: Mail, drawn: Drawn | None) -> Mail:
    """Return a mail with a document: the file, and a link that opens it without signing in."""
    if drawn is None:
        return letter
    token = await links.make(session, drawn.document.id, services.clock.now())
    address = f"{services.settings.public_url.rstrip('/')}/i/{token}?lang={drawn.language.code}"
    says = drawn.language.text("The file, for {days} days without signing in", days=links.LIVES.days)
    return replace(letter, also=(says, address), attachments=(drawn.file,))


def written(language: Language, document: Document) -> list[str]:
    """Return what an invoice comes to, in a sentence for each line and one for all."""
    text = language.text
    sentences = []
    for line in document.content.lines:
        what, quantity, price, amount = layout.line_words(language, document, line)
        how = text("{energy} × {price}", energy=quantity, price=price) if price else quantity
        sentences.append(f"{what}: {how} = {amount}" if how else f"{what}: {amount}")
    total = language.money(document.total_minor, document.currency)
    taxes = ", ".join(f"{name}: {amount}" for name, amount in layout.tax_lines(language, document))
    sentences.append(f"{text('Total, tax included')}: {total}. {taxes}")
    return sentences


async def page_address(session: AsyncSession, services: Services, charging: ChargingSession, driver: Driver) -> str:
    """Return where a mail about a session leads. A guest cannot sign in, so the link lets them in."""
    path = f"/s/{charging.id}"
    if driver.kind is DriverKind.GUEST:
        now = services.clock.now()
        path = f"/l/{await accounts.make(session, driver, purpose=LinkPurpose.GUEST, now=now, next_page=path)}"
    return f"{services.settings.public_url.rstrip('/')}{path}"


async def tell_of_credit(services: Services, note_id: UUID) -> None:
    """Mail a credit note to its driver, who is told in any case: it is about their money."""
    async with services.database.transaction() as session:
        note = await invoices.document_by_id(session, note_id)
        charging = await repository.session_by_id(session, note.session_id)
        driver = await session.get(Driver, charging.driver_id) if charging is not None else None
        if driver is None or not driver.email:
            return
        note = await invoices.own_document(session, driver.id, note_id)
    drawn = await _drawn(driver, note)
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, note.session_id)
        if charging is None:
            return
        letter = _letter(drawn, driver, charging, await page_address(session, services, charging, driver))
        await mail.queue(session, services, await attach(session, services, letter, drawn), drawn.language)


def _letter(drawn: Drawn, driver: Driver, charging: ChargingSession, address: str) -> Mail:
    language, note = drawn.language, drawn.document
    text, amount = language.text, language.money(-note.total_minor, note.currency)
    when = language.moment(charging.started_at or charging.created_at, ZoneInfo(charging.outlet.site.time_zone))
    return Mail(
        recipient=driver.email,
        subject=text("Your bill is {amount} less", amount=amount),
        paragraphs=(
            text(
                "{outlet}, {when}: your bill is {amount} less. What you have paid too much comes back by the way you"
                " paid.",
                outlet=charging.outlet.name,
                when=when,
                amount=amount,
            ),
            text(
                "{title} {number} to invoice {invoice} is attached.",
                title=layout.title(language, note),
                number=note.label,
                invoice=note.content.credits_label,
            ),
        ),
        link=(text("See the receipt"), address),
    )


async def _drawn(driver: Driver, document: Document) -> Drawn:
    language = LANGUAGES.get(driver.locale) or LANGUAGES.default
    content = await asyncio.to_thread(layout.pdf, language, document)
    file = Attachment(name=f"{document.label}.pdf", media_type="application/pdf", content=content)
    return Drawn(document=document, language=language, file=file)
