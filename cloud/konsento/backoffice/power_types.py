"""Power types: the standard ones, and the operator's own below them."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import SiteKeeper
from konsento.catalogue import power
from konsento.kit import typed
from konsento.kit.errors import KonsentoError
from konsento.models import StaffMember
from konsento.operations import audit
from konsento.services import Services
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.who import Wired
from konsento.web.words import power_text, power_type

router = APIRouter()


class PowerForm(BaseModel):
    """A power type, as typed."""

    word: str = ""
    parent: str = "solar"
    name_en: str = ""
    name_ja: str = ""


@router.get("/power-types")
async def power_types_page(request: Request, services: Wired, member: SiteKeeper) -> Response:
    """Show the tree."""
    return await _page(request, services, member, PowerForm())


@router.post("/power-types")
async def add(request: Request, services: Wired, member: SiteKeeper, form: Annotated[PowerForm, Form()]) -> Response:
    """Add a type below another one."""
    wanted = form.model_dump() | {"word": typed.plain(form.word).lower()}
    try:
        async with services.database.transaction() as session:
            row = await power.add_power_type(session, **wanted)
            await audit.note(
                session,
                services.clock.now(),
                member.id,
                action="power-type.add",
                subject=row.word,
                details={"parent": row.parent},
            )
    except KonsentoError as error:
        return await _page(request, services, member, form, error)
    return RedirectResponse("/office/power-types", 303)


@router.post("/power-types/{word}")
async def rename(
    request: Request, word: str, services: Wired, member: SiteKeeper, form: Annotated[PowerForm, Form()]
) -> Response:
    """Call an own type by other names."""
    try:
        async with services.database.transaction() as session:
            await power.rename_power_type(session, word, name_en=form.name_en, name_ja=form.name_ja)
            await audit.note(
                session, services.clock.now(), member.id, action="power-type.change", subject=word, details={}
            )
    except KonsentoError as error:
        return await _page(request, services, member, PowerForm(), error)
    return RedirectResponse("/office/power-types", 303)


@router.post("/power-types/{word}/remove")
async def remove(request: Request, word: str, services: Wired, member: SiteKeeper) -> Response:
    """Remove an own type that was never sold."""
    try:
        async with services.database.transaction() as session:
            await power.remove_power_type(session, word)
            await audit.note(
                session, services.clock.now(), member.id, action="power-type.remove", subject=word, details={}
            )
    except KonsentoError as error:
        return await _page(request, services, member, PowerForm(), error)
    return RedirectResponse("/office/power-types", 303)


async def _page(
    request: Request, services: Services, member: StaffMember, form: PowerForm, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        tree = await power.power_tree(session)
    return office_page(
        request,
        "power_types.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        rows=[
            (kind, power_text(language, kind.word, kind.names), language.text(power_type(kind.travels_as)))
            for kind in tree
        ],
        parents=[
            (kind.word, power_text(language, kind.word, kind.names)) for kind in tree if kind.depth + 1 < power.DEEPEST
        ],
        form=form,
        longest=power.LONGEST_NAME,
    )
