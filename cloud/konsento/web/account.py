"""Sign-up, sign-in, sign-out."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from konsento.accounts import known, passwords, throttle
from konsento.accounts import service as accounts
from konsento.accounts.contact import normal_email
from konsento.accounts.errors import TooManyMails
from konsento.kit.errors import KonsentoError
from konsento.notifications import mail
from konsento.payments import balance
from konsento.services import Services
from konsento.web import problems
from konsento.web.cookies import new_token, sign_in_browser, sign_out_browser
from konsento.web.language import language_of
from konsento.web.letters import send_confirmation, send_sign_in
from konsento.web.passkeys import site_of
from konsento.web.render import page
from konsento.web.security import safe_next
from konsento.web.who import MaybeSignedIn, NextPage, Wired, address_of, known_cookie, token_of

router = APIRouter()


class SignInForm(BaseModel):
    """What a driver types to sign in. Nothing is refused here: the accounts say why in the driver's language."""

    email: str = ""
    password: str = ""
    next: str = "/"


class SignUpForm(SignInForm):
    """What a driver types for a new account; all but the mail address may be empty (patent paragraph [0080])."""

    name: str = ""
    phone: str = ""
    address: str = ""


@router.get("/signup")
async def sign_up_page(request: Request, driver: MaybeSignedIn, next_page: NextPage = "/") -> Response:
    """Show the form for a new account; who is signed in goes on."""
    if driver is not None:
        return RedirectResponse(safe_next(next_page), 303)
    return _form(request, "signup.html", SignUpForm(next=next_page))


@router.post("/signup")
async def sign_up(request: Request, services: Wired, form: Annotated[SignUpForm, Form()]) -> Response:
    """Make an account and sign this browser in. Where mails can be sent, the answer tells nothing of the address."""
    locale, links = language_of(request).code, mail.possible(services.settings)
    try:
        application = await accounts.apply(
            email=form.email,
            password=form.password,
            name=form.name,
            phone=form.phone,
            address=form.address,
            locale=locale,
            links=links,
        )
        async with services.database.transaction() as session:
            # Apart from the rest, so that a refusal counts as well.
            now = services.clock.now()
            await throttle.admit(session, address_of(request), now, services.settings.newcomers_per_hour)
        async with services.database.transaction() as session:
            driver = await accounts.sign_up(session, application, now, links=links)
            await balance.welcome(session, driver.id, services.settings, now)
            token = await new_token(session, services, request, driver)
        if links:
            with suppress(TooManyMails):  # the account page offers to send it again
                await send_confirmation(services, driver, address_of(request))
    except KonsentoError as error:
        return _form(request, "signup.html", form, error)
    return _go_on(services, token, form.next)


@router.get("/signin")
async def sign_in_page(request: Request, driver: MaybeSignedIn, next_page: NextPage = "/") -> Response:
    """Show the form to sign in; who is signed in goes on."""
    if driver is not None:
        return RedirectResponse(safe_next(next_page), 303)
    return _form(request, "signin.html", SignInForm(next=next_page))


@router.post("/signin")
async def sign_in(request: Request, services: Wired, form: Annotated[SignInForm, Form()]) -> Response:
    """Sign this browser in."""
    try:
        driver, token = await accounts.sign_in(
            services.database,
            services.clock,
            email=form.email,
            password=form.password,
            address=address_of(request),
            browser=accounts.browser_name(request.headers),
            instead_of=token_of(request) or None,
            mark=request.cookies.get(known_cookie(services), ""),
        )
        async with services.database.transaction() as session:
            mark = await known.mark(session, driver.id)
    except KonsentoError as error:
        return _form(request, "signin.html", form, error)
    return _go_on(services, token, form.next, mark)


@router.get("/signin/link")
async def link_form(request: Request, services: Wired, next_page: NextPage = "/") -> Response:
    """Ask where to send a link that signs in, in place of a password."""
    if not mail.possible(services.settings):
        return RedirectResponse(f"/signin?next={safe_next(next_page)}", 303)
    return _form(request, "signin_link.html", SignInForm(next=next_page))


@router.post("/signin/link")
async def mail_link(request: Request, services: Wired, form: Annotated[SignInForm, Form()]) -> Response:
    """Mail a link that signs in. The answer is the same, and as quick, whether or not there is such an account."""
    text = language_of(request).text
    try:
        email = normal_email(form.email)
    except KonsentoError as error:
        return _form(request, "signin_link.html", form, error)
    says = text("If there is an account with this address, a link to sign in is on its way to it.")
    answer = page(request, "mailbox.html", driver=None, text=says)
    # After the answer: making a link takes time, and there is nothing to make for an unknown address.
    answer.background = BackgroundTask(send_sign_in, services, email, address_of(request), safe_next(form.next))
    return answer


@router.post("/signout")
async def sign_out(request: Request, services: Wired) -> Response:
    """Sign this browser out."""
    token = token_of(request)
    if token:
        async with services.database.transaction() as session:
            await accounts.sign_out(session, token)
    answer = RedirectResponse("/", 303)
    sign_out_browser(answer, services)
    return answer


def _form(request: Request, template: str, form: SignInForm, error: KonsentoError | None = None) -> Response:
    if error is not None:
        problems.note(request, error)
    return page(
        request,
        template,
        driver=None,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else None,
        email=form.email[:254],
        name=form.name[:100] if isinstance(form, SignUpForm) else "",
        phone=form.phone[:32] if isinstance(form, SignUpForm) else "",
        address=form.address[:300] if isinstance(form, SignUpForm) else "",
        passkeys=site_of(request.app.state.services.settings) is not None,
        next=safe_next(form.next),
        mails=mail.possible(request.app.state.services.settings),
        minimum=passwords.MINIMUM,
    )


def _go_on(services: Services, token: str, next_page: str, mark: str = "") -> Response:
    answer = RedirectResponse(safe_next(next_page), 303)
    sign_in_browser(answer, services, token, mark)
    return answer
