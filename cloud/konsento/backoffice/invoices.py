"""One invoice or credit note, without its driver: whom it is made out to is not shown here."""

from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import Member, Number
from konsento.invoices import layout
from konsento.invoices import service as invoices
from konsento.invoices.errors import NoInvoice
from konsento.invoices.service import Document
from konsento.web.errors import PageNotFound
from konsento.web.invoices import pdf_file
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


@router.get("/invoices/{number}")
async def invoice_page(request: Request, number: Number, services: Wired, member: Member) -> Response:
    """Show a document as it was issued."""
    language = language_of(request)
    async with services.database.transaction() as session:
        document = await _document(session, number)
        others = (await invoices.documents(session, [document.session_id]))[document.session_id]
    issuer = document.content.issuer
    return office_page(
        request,
        "invoice.html",
        member=member,
        id=number,
        title=layout.title(language, document),
        label=document.label,
        issued_at=document.issued_at,
        zone=issuer.time_zone,
        session_id=document.session_id,
        issuer=[line for line in (issuer.name, issuer.address, layout.registration(language, document)) if line],
        lines=[layout.line_words(language, document, line) for line in document.content.lines],
        sums=[
            *layout.tax_lines(language, document),
            (language.text("Total, tax included"), language.money(document.total_minor, document.currency)),
        ],
        facts=[
            *layout.payment_facts(language, document),
            *layout.charging_facts(language, document.content.charging),
        ],
        others=[(one.id, layout.title(language, one), one.label) for one in others if one.id != number],
    )


@router.get("/invoices/{number}/pdf")
async def invoice_file(request: Request, number: Number, services: Wired, member: Member) -> Response:
    """Give a document as a PDF, made out to nobody."""
    async with services.database.transaction() as session:
        document = await _document(session, number)
    return await pdf_file(language_of(request), document)


async def _document(session: AsyncSession, number: UUID) -> Document:
    try:
        return await invoices.document_by_id(session, number)
    except NoInvoice:
        raise PageNotFound from None
