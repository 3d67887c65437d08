"""Signing in and out of the back office, and taking an invitation."""

from typing import Annotated

import segno
from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import FOLDER, MaybeMember, staff_cookie
from konsento.kit.errors import KonsentoError
from konsento.models import AlarmKind
from konsento.operations import alarms, audit
from konsento.services import Services
from konsento.staff import codes, passwords
from konsento.staff import service as staff
from konsento.staff.errors import TooManyTries
from konsento.staff.service import Enrolment
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.security import cookie_flags, safe_next
from konsento.web.who import Wired

router = APIRouter()


class SignInForm(BaseModel):
    """What a member types to sign in."""

    email: str = ""
    password: str = ""
    code: str = ""
    next: str = "/office/"


class EnrolmentForm(BaseModel):
    """What somebody with an invitation types."""

    password: str = ""
    code: str = ""


@router.get("/signin")
async def sign_in_page(
    request: Request, member: MaybeMember, next_page: Annotated[str, Query(alias="next")] = "/office/"
) -> Response:
    """Show the form; who is signed in goes on."""
    if member is not None:
        return RedirectResponse(_inside(next_page), 303)
    return _sign_in_form(request, SignInForm(next=next_page))


@router.post("/signin")
async def sign_in(request: Request, services: Wired, form: Annotated[SignInForm, Form()]) -> Response:
    """Sign this browser in."""
    try:
        member_id, token = await staff.sign_in(
            services.database,
            services.clock,
            email=form.email,
            password=form.password,
            code=form.code,
            address=_address(request),
        )
    except KonsentoError as error:
        if isinstance(error, TooManyTries):
            await _report(request, services)
        return _sign_in_form(request, form, error)
    before = request.cookies.get(staff_cookie(services))
    async with services.database.transaction() as session:
        if before:
            # Whoever was signed in here is so no more, and a token that somebody planted is worth nothing.
            await staff.sign_out(session, before)
        await audit.note(session, services.clock.now(), member_id, action="staff.sign-in")
    answer = RedirectResponse(_inside(form.next), 303)
    _remember(answer, services, token)
    return answer


@router.post("/signout")
async def sign_out(request: Request, services: Wired) -> Response:
    """Sign this browser out."""
    token = request.cookies.get(staff_cookie(services))
    if token:
        async with services.database.transaction() as session:
            now = services.clock.now()
            member = await staff.member_for_token(session, token, now)
            await staff.sign_out(session, token)
            if member is not None:
                await audit.note(session, now, member.id, action="staff.sign-out")
    answer = RedirectResponse("/office/signin", 303)
    answer.delete_cookie(staff_cookie(services), path=FOLDER, **cookie_flags(services.settings.public_url))
    return answer


@router.get("/invitation/{token}")
async def invitation_page(request: Request, token: str, services: Wired) -> Response:
    """Show what somebody with an invitation needs: a password of their own, and the key for their authenticator."""
    async with services.database.transaction() as session:
        shown = await staff.enrolment(session, token, services.clock.now())
    return _enrolment_form(request, services, shown)


@router.post("/invitation/{token}")
async def take_invitation(
    request: Request, token: str, services: Wired, form: Annotated[EnrolmentForm, Form()]
) -> Response:
    """Set password and authenticator, sign in, and show the recovery codes, once."""
    async with services.database.transaction() as session:
        shown = await staff.enrolment(session, token, services.clock.now())
    try:
        welcome = await staff.enrol(services.database, services.clock, token, password=form.password, code=form.code)
    except KonsentoError as error:
        return _enrolment_form(request, services, shown, error)
    async with services.database.transaction() as session:
        await audit.note(session, services.clock.now(), welcome.member_id, action="staff.enrol")
    answer = office_page(request, "welcome.html", member=None, codes=welcome.recovery_codes)
    _remember(answer, services, welcome.token)
    return answer


async def _report(request: Request, services: Services) -> None:
    """Tell whoever reads alarms that somebody is being slowed down."""
    async with services.database.transaction() as session:
        subject = _address(request) or "–"
        await alarms.report(session, services.clock.now(), AlarmKind.SIGN_INS_FAIL, subject)


def _sign_in_form(request: Request, form: SignInForm, error: KonsentoError | None = None) -> Response:
    if error is not None:
        problems.note(request, error)
    return office_page(
        request,
        "signin.html",
        member=None,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else None,
        email=form.email[:254],
        next=_inside(form.next),
    )


def _enrolment_form(
    request: Request, services: Services, shown: Enrolment, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    picture = segno.make(codes.address(shown.totp_secret, shown.email, services.settings.operator_name), error="m")
    return office_page(
        request,
        "invitation.html",
        member=None,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else None,
        email=shown.email,
        qr=picture.svg_inline(scale=5, border=3, light="#fff", omitsize=True, svgclass="qr", lineclass=None),
        key=" ".join(shown.totp_secret[i : i + 4] for i in range(0, len(shown.totp_secret), 4)),
        minimum=passwords.MINIMUM,
    )


def _remember(answer: Response, services: Services, token: str) -> None:
    answer.set_cookie(
        staff_cookie(services),
        token,
        max_age=int(staff.STAYS_SIGNED_IN.total_seconds()),
        path=FOLDER,
        **cookie_flags(services.settings.public_url),
    )


def _inside(next_page: str) -> str:
    """Return where to go after signing in: a page of the back office."""
    path = safe_next(next_page)
    return path if path.startswith("/office/") and not path.startswith("/office/signin") else "/office/"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
