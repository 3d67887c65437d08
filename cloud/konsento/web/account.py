"""Sign-up, sign-in, sign-out."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.accounts import passwords, throttle
from konsento.accounts import service as accounts
from konsento.accounts.contact import normal_email
from konsento.accounts.errors import TooManyMails
from konsento.kit.errors import KonsentoError
from konsento.models import Driver, LinkPurpose
from konsento.notifications import mail
from konsento.payments import balance
from konsento.services import Services
from konsento.web import problems
from konsento.web.cookies import sign_in_browser, sign_out_browser
from konsento.web.language import language_of
from konsento.web.letters import send_link
from konsento.web.render import page
from konsento.web.security import safe_next
from konsento.web.who import COOKIE, MaybeSignedIn, Wired

router = APIRouter()

NextPage = Annotated[str, Query(alias="next")]


class SignInForm(BaseModel):
    """What a driver types to sign in. Nothing is refused here: the accounts say why in the driver's language."""

    email: str = ""
    password: str = ""
    next: str = "/"


class SignUpForm(SignInForm):
    """What a driver types for a new account."""

    name: str = ""


@router.get("/signup")
async def sign_up_page(request: Request, driver: MaybeSignedIn, next_page: NextPage = "/") -> Response:
    """Show the form for a new account; who is signed in goes on."""
    if driver is not None:
        return RedirectResponse(safe_next(next_page), 303)
    return _form(request, "signup.html", SignUpForm(next=next_page))


@router.post("/signup")
async def sign_up(request: Request, services: Wired, form: Annotated[SignUpForm, Form()]) -> Response:
    """Make an account and sign this browser in."""
    locale = language_of(request).code
    try:
        application = await accounts.apply(email=form.email, password=form.password, name=form.name, locale=locale)
        async with services.database.transaction() as session:
            now = services.clock.now()
            await throttle.admit(session, address_of(request), now, services.settings.newcomers_per_hour)
            driver = await accounts.sign_up(session, application, now)
            await balance.welcome(session, driver.id, services.settings)
            token = await accounts.remember(session, driver, now, accounts.browser_name(request.headers))
            if mail.possible(services.settings):
                await send_link(session, services, driver, LinkPurpose.VERIFY_EMAIL, next_page="/account")
    except KonsentoError as error:
        return _form(request, "signup.html", form, error)
    return _go_on(services, driver, token, form.next)


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
        )
    except KonsentoError as error:
        return _form(request, "signin.html", form, error)
    return _go_on(services, driver, token, form.next)


@router.get("/signin/link")
async def link_form(request: Request, services: Wired, next_page: NextPage = "/") -> Response:
    """Ask where to send a link that signs in, in place of a password."""
    if not mail.possible(services.settings):
        return RedirectResponse(f"/signin?next={safe_next(next_page)}", 303)
    return _form(request, "signin_link.html", SignInForm(next=next_page))


@router.post("/signin/link")
async def mail_link(request: Request, services: Wired, form: Annotated[SignInForm, Form()]) -> Response:
    """Mail a link that signs in. The answer is the same whether or not there is such an account."""
    text = language_of(request).text
    try:
        email = normal_email(form.email)
    except KonsentoError as error:
        return _form(request, "signin_link.html", form, error)
    with suppress(TooManyMails):
        async with services.database.transaction() as session:
            driver = await accounts.by_email(session, email)
            if driver is not None:
                await send_link(session, services, driver, LinkPurpose.SIGN_IN, next_page=safe_next(form.next))
    says = text("If there is an account with this address, a link to sign in is on its way to it.")
    return page(request, "mailbox.html", driver=None, text=says)


@router.post("/signout")
async def sign_out(request: Request, services: Wired) -> Response:
    """Sign this browser out."""
    token = request.cookies.get(COOKIE)
    if token:
        async with services.database.transaction() as session:
            await accounts.sign_out(session, token)
    answer = RedirectResponse("/", 303)
    sign_out_browser(answer, services)
    return answer


def address_of(request: Request) -> str:
    """Return the network address of the browser; only ever used hashed, to slow down guessing."""
    return request.client.host if request.client else ""


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
        next=safe_next(form.next),
        mails=mail.possible(request.app.state.services.settings),
        minimum=passwords.MINIMUM,
    )


def _go_on(services: Services, driver: Driver, token: str, next_page: str) -> Response:
    answer = RedirectResponse(safe_next(next_page), 303)
    sign_in_browser(answer, services, driver, token)
    return answer
