"""The people of the back office: invite, change, disable."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import Number, StaffManager
from konsento.backoffice.words import ROLES
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES
from konsento.models import Role, StaffMember
from konsento.notifications import mail
from konsento.notifications.mail import Mail
from konsento.operations import audit
from konsento.services import Services
from konsento.staff import repository
from konsento.staff import service as staff
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


class InvitationForm(BaseModel):
    """Who is to work here."""

    email: str = ""
    name: str = ""
    role: Role = Role.VIEWER


@router.get("/staff")
async def staff_page(request: Request, services: Wired, member: StaffManager) -> Response:
    """List the members."""
    return await _page(request, services, member)


@router.post("/staff")
async def invite(
    request: Request, services: Wired, member: StaffManager, form: Annotated[InvitationForm, Form()]
) -> Response:
    """Make a member, and show the link of the invitation, once."""
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            made, token = await staff.add(session, email=form.email, name=form.name, role=form.role, now=now)
            link = _link(services, token)
            await _mail(session, services, request, made.email, link)
            await audit.note(
                session, now, member.id, action="staff.invite", subject=str(made.id), details={"role": form.role.value}
            )
    except KonsentoError as error:
        return await _page(request, services, member, form=form, error=error)
    return await _page(request, services, member, link=link, invited=made.email)


@router.post("/staff/{number}/role")
async def change_role(number: Number, services: Wired, member: StaffManager, role: Annotated[Role, Form()]) -> Response:
    """Give a member another role."""
    async with services.database.transaction() as session:
        await staff.change_role(session, number, role)
        await _note(session, services, member, "staff.role", number, role=role.value)
    return RedirectResponse("/office/staff", 303)


@router.post("/staff/{number}/disable")
async def disable(number: Number, services: Wired, member: StaffManager) -> Response:
    """Let nobody sign in as this member any more."""
    async with services.database.transaction() as session:
        await staff.disable(session, number, services.clock.now())
        await _note(session, services, member, "staff.disable", number)
    return RedirectResponse("/office/staff", 303)


@router.post("/staff/{number}/enable")
async def enable(number: Number, services: Wired, member: StaffManager) -> Response:
    """Let a disabled member sign in again."""
    async with services.database.transaction() as session:
        await staff.enable(session, number)
        await _note(session, services, member, "staff.enable", number)
    return RedirectResponse("/office/staff", 303)


@router.post("/staff/{number}/reset")
async def reset(request: Request, number: Number, services: Wired, member: StaffManager) -> Response:
    """Take password and authenticator away, end all sign-ins, and show a new invitation."""
    async with services.database.transaction() as session:
        token = await staff.reset(session, number, services.clock.now())
        link = _link(services, token)
        reset_member = await session.get_one(StaffMember, number)
        await _mail(session, services, request, reset_member.email, link)
        await _note(session, services, member, "staff.reset", number)
    if number == member.id:
        return RedirectResponse(f"/office/invitation/{token}", 303)
    return await _page(request, services, member, link=link, invited=reset_member.email)


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    *,
    form: InvitationForm | None = None,
    error: KonsentoError | None = None,
    link: str = "",
    invited: str = "",
) -> Response:
    if error is not None:
        problems.note(request, error)
    async with services.database.transaction() as session:
        members = await repository.members(session)
        invitations = await repository.invitations(session)
    language = language_of(request)
    return office_page(
        request,
        "staff.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        members=members,
        invitations=invitations,
        roles=[(role, language.text(name)) for role, name in ROLES.items()],
        form=form or InvitationForm(),
        link=link,
        invited=invited,
    )


async def _note(
    session: AsyncSession, services: Services, member: StaffMember, action: str, number: UUID, **details: str
) -> None:
    await audit.note(
        session, services.clock.now(), member.id, action=action, subject=str(number), details=dict(details)
    )


def _link(services: Services, token: str) -> str:
    return f"{services.settings.public_url.rstrip('/')}/office/invitation/{token}"


async def _mail(session: AsyncSession, services: Services, request: Request, recipient: str, link: str) -> None:
    if not mail.possible(services.settings):
        return
    language = LANGUAGES.get(language_of(request).code) or LANGUAGES.default
    operator = services.settings.operator_name
    await mail.queue(
        session,
        services,
        Mail(
            recipient=recipient,
            subject=language.text("Your access to the back office of {operator}", operator=operator),
            paragraphs=(
                language.text("You have been invited to the back office of {operator}.", operator=operator),
                language.text(
                    "Choose a password and set up an authenticator app with this link. It works once, for 24 hours."
                ),
            ),
            link=(language.text("Take the invitation"), link),
        ),
        language,
    )
