"""Tokens with which programs of the operator use the API."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import Number, StaffManager
from konsento.kit.errors import KonsentoError
from konsento.models import StaffMember
from konsento.operations import audit
from konsento.services import Services
from konsento.staff import repository, tokens
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

DAYS = (1, 30, 90, 365)


class TokenForm(BaseModel):
    """Which program is to have a token, and for how long."""

    name: str = ""
    days: int = tokens.DEFAULT_DAYS


@router.get("/staff/tokens")
async def tokens_page(request: Request, services: Wired, member: StaffManager) -> Response:
    """List the tokens."""
    return await _page(request, services, member, TokenForm())


@router.post("/staff/tokens")
async def make_token(
    request: Request, services: Wired, member: StaffManager, form: Annotated[TokenForm, Form()]
) -> Response:
    """Make a token for a program that acts as this member, and show it, once."""
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            row, token = await tokens.make(session, member.id, name=form.name, days=form.days, now=now)
            await audit.note(
                session, now, member.id, action="staff.token", subject=str(row.id), details={"token": row.name}
            )
    except KonsentoError as error:
        problems.note(request, error)
        return await _page(request, services, member, form, error=error)
    return await _page(request, services, member, TokenForm(), token=token)


@router.post("/staff/tokens/{number}/end")
async def end_token(number: Number, services: Wired, member: StaffManager) -> Response:
    """Let a token let nobody in any more."""
    async with services.database.transaction() as session:
        ended = await tokens.end(session, number)
        await audit.note(
            session,
            services.clock.now(),
            member.id,
            action="staff.end-token",
            subject=str(number),
            details={"token": ended.name},
        )
    return RedirectResponse("/office/staff/tokens", 303)


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    form: TokenForm,
    *,
    token: str = "",
    error: KonsentoError | None = None,
) -> Response:
    async with services.database.transaction() as session:
        rows = await repository.tokens(session)
    now = services.clock.now()
    return office_page(
        request,
        "staff_tokens.html",
        member=member,
        status=error.status if error else 200,
        problem=language_of(request).error(error) if error else "",
        rows=[(row, who, row.expires_at <= now) for row, who in rows],
        token=token,
        form=form,
        days=DAYS,
    )
