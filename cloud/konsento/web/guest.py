"""Charging without an account: a mail address for the receipt is enough."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.accounts import guests, throttle
from konsento.kit.errors import KonsentoError
from konsento.payments import ways
from konsento.web import problems
from konsento.web.cookies import new_token, sign_in_browser
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.security import safe_next
from konsento.web.who import MaybeSignedIn, NextPage, Wired, address_of

router = APIRouter()


class GuestForm(BaseModel):
    """What a guest types. Nothing is refused here: the accounts say why in the guest's language."""

    email: str = ""
    phone: str = ""
    next: str = "/"


@router.get("/guest")
async def guest_page(request: Request, services: Wired, driver: MaybeSignedIn, next_page: NextPage = "/") -> Response:
    """Ask a guest for a mail address; who is signed in goes on. Open to everybody."""
    async with services.database.transaction() as session:
        methods = await ways.methods(session, services, None)
    if driver is not None or not methods:
        # Without a way to pay for guests there are none.
        return RedirectResponse(safe_next(next_page) if driver else f"/signin?next={safe_next(next_page)}", 303)
    return _form(request, GuestForm(next=next_page))


@router.post("/guest")
async def begin(request: Request, services: Wired, form: Annotated[GuestForm, Form()]) -> Response:
    """Make a guest and let this browser go on as it. Open to everybody."""
    locale = language_of(request).code
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            await throttle.admit(session, address_of(request), now, services.settings.newcomers_per_hour)
            guest = await guests.begin(session, email=form.email, phone=form.phone, locale=locale, now=now)
            token = await new_token(session, services, request, guest)
    except KonsentoError as error:
        return _form(request, form, error)
    answer = RedirectResponse(safe_next(form.next), 303)
    sign_in_browser(answer, services, token)
    return answer


def _form(request: Request, form: GuestForm, error: KonsentoError | None = None) -> Response:
    if error is not None:
        problems.note(request, error)
    return page(
        request,
        "guest.html",
        driver=None,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else None,
        email=form.email[:254],
        phone=form.phone[:32],
        next=safe_next(form.next),
    )
