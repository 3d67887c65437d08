"""A driver's invoices and credit notes as files, and whom they are made out to."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.invoices import layout, links, recipients
from konsento.invoices import service as invoices
from konsento.invoices.service import Document
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.models import Driver
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import SessionNumber, SignedIn, Wired, session_number

router = APIRouter()


class RecipientForm(BaseModel):
    """Whom documents are to be made out to; nothing typed is nobody."""

    name: str = ""
    address: str = ""


@router.get("/invoices/{number}.pdf")
async def invoice_file(request: Request, number: str, services: Wired, driver: SignedIn) -> Response:
    """Give one of the driver's own documents as a PDF."""
    async with services.database.transaction() as session:
        document = await invoices.own_document(session, driver.id, session_number(number))
    return await pdf_file(language_of(request), document)


@router.get("/i/{token}")
async def invoice_of_mail(request: Request, token: str, services: Wired) -> Response:
    """Give the document that a mail's link is of, as a PDF. Open to everybody who has the link."""
    async with services.database.transaction() as session:
        document = await links.follow(session, token, services.clock.now())
    return await pdf_file(language_of(request), document)


@router.get("/account/recipient")
async def recipient_page(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Ask whom invoices are made out to from now on."""
    async with services.database.transaction() as session:
        name, address = await recipients.of_driver(session, driver.id)
    return _form(request, driver, "/account/recipient", RecipientForm(name=name, address=address))


@router.post("/account/recipient")
async def name_recipient(
    request: Request, services: Wired, driver: SignedIn, form: Annotated[RecipientForm, Form()]
) -> Response:
    """Have invoices made out to somebody from now on."""
    try:
        async with services.database.transaction() as session:
            await recipients.name_for_all(session, driver.id, form.name, form.address)
    except KonsentoError as error:
        return _form(request, driver, "/account/recipient", form, error)
    return RedirectResponse("/account", 303)


@router.get("/s/{session_id}/recipient")
async def recipient_of_one_page(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Ask whom the documents of one session are made out to."""
    async with services.database.transaction() as session:
        name, address = await recipients.of_session(session, driver.id, number)
    return _form(request, driver, f"/s/{number}/recipient", RecipientForm(name=name, address=address))


@router.post("/s/{session_id}/recipient")
async def name_recipient_of_one(
    request: Request, number: SessionNumber, services: Wired, driver: SignedIn, form: Annotated[RecipientForm, Form()]
) -> Response:
    """Have the documents of one session made out to somebody."""
    try:
        async with services.database.transaction() as session:
            await recipients.name_for_session(session, driver.id, number, form.name, form.address)
    except KonsentoError as error:
        return _form(request, driver, f"/s/{number}/recipient", form, error)
    return RedirectResponse(f"/s/{number}", 303)


async def pdf_file(language: Language, document: Document) -> Response:
    """Return a document as a PDF that the browser shows, under its number."""
    content = await asyncio.to_thread(layout.pdf, language, document)
    headers = {"Content-Disposition": f'inline; filename="{document.label}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


def _form(
    request: Request, driver: Driver, action: str, form: RecipientForm, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    return page(
        request,
        "recipient.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else None,
        action=action,
        for_all=action == "/account/recipient",
        name=form.name[:100],
        address=form.address[:300],
    )
