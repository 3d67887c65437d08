"""Sign-up, sign-in, sign-out."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.accounts import passwords
from konsento.accounts import service as accounts
from konsento.kit.errors import KonsentoError
from konsento.payments import balance
from konsento.services import Services
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.security import cookie_flags, safe_next
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
            driver = await accounts.sign_up(session, application, now)
            await balance.welcome(session, driver.id, services.settings)
            token = await accounts.remember(session, driver.id, now)
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
    address = request.client.host if request.client else ""
    try:
        token = await accounts.sign_in(
            services.database, services.clock, email=form.email, password=form.password, address=address
        )
    except KonsentoError as error:
        return _form(request, "signin.html", form, error)
    return _go_on(services, token, form.next)


@router.post("/signout")
async def sign_out(request: Request, services: Wired) -> Response:
    """Sign this browser out."""
    token = request.cookies.get(COOKIE)
    if token:
        async with services.database.transaction() as session:
            await accounts.sign_out(session, token)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE, **cookie_flags(services.settings.public_url))
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
        next=safe_next(form.next),
        minimum=passwords.MINIMUM,
    )


def _go_on(services: Services, token: str, next_page: str) -> Response:
    answer = RedirectResponse(safe_next(next_page), 303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(accounts.STAYS_SIGNED_IN.total_seconds()),
        **cookie_flags(services.settings.public_url),
    )
    return answer
