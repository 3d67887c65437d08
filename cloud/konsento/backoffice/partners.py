"""Partners: other suppliers at the same sites and portals, and the names that sites have in common with them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.site import site_named
from konsento.backoffice.who import Number, PartnerKeeper
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.models import Partner, PartnerKind, PartnerSite, Site, StaffMember
from konsento.operations import audit
from konsento.partners import going, work
from konsento.partners import service as partners
from konsento.partners.errors import UnknownPartner
from konsento.services import Services
from konsento.sites import service as sites
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

KINDS = {PartnerKind.SUPPLIER: marked("Supplier"), PartnerKind.PORTAL: marked("Portal")}
PROBLEMS = {
    "NoName": marked("the site has no common name yet"),
    "NotAllowed": marked("its address is not on the public network"),
    "NotReached": marked("its server cannot be reached"),
    "Timeout": marked("its server does not answer in time"),
    "Refused": marked("its server refuses"),
    "TooLarge": marked("its answer is too large"),
    "NotUnderstood": marked("its answer cannot be read"),
}


class PartnerForm(BaseModel):
    """A partner, as typed."""

    kind: PartnerKind = PartnerKind.SUPPLIER
    name: str = ""
    base_url: str = ""
    key: str = ""
    """Empty: one is made, or stays."""


class SitesForm(BaseModel):
    """Where a partner sells, as chosen."""

    site: list[str] = []
    """Station ids."""


class NameForm(BaseModel):
    """What all servers call a site."""

    common_name: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteRow:
    """A site as the page of a partner shows it."""

    site: Site
    serves: bool
    told_at: datetime | None
    says: str
    """What its server says about the site, or why it does not."""
    tone: str


@router.get("/partners")
async def partners_page(request: Request, services: Wired, member: PartnerKeeper) -> Response:
    """List partners, and the common names of the sites."""
    return await _list(request, services, member, PartnerForm())


@router.post("/partners")
async def add(
    request: Request, services: Wired, member: PartnerKeeper, form: Annotated[PartnerForm, Form()]
) -> Response:
    """Add a partner."""
    try:
        async with services.database.transaction() as session:
            new = await partners.add(
                session,
                services.settings,
                services.clock.now(),
                kind=form.kind,
                name=form.name,
                base_url=form.base_url,
                key=form.key.strip(),
            )
            said = {"kind": new.kind.value, "name": new.name, "base_url": new.base_url}
            await _note(session, services, member, "partner.create", new.id, **said)
    except KonsentoError as error:
        return await _list(request, services, member, form, error)
    return RedirectResponse(f"/office/partners/{new.id}", 303)


@router.get("/partners/{number}")
async def partner_page(request: Request, number: Number, services: Wired, member: PartnerKeeper) -> Response:
    """Show a partner: its key, where it sells, what its server said last."""
    return await _page(request, services, member, number)


@router.post("/partners/{number}")
async def change(
    request: Request, number: Number, services: Wired, member: PartnerKeeper, form: Annotated[PartnerForm, Form()]
) -> Response:
    """Change what is said about a partner."""
    try:
        async with services.database.transaction() as session:
            found = await _found(session, number)
            await partners.change(
                session, services.settings, found, name=form.name, base_url=form.base_url, key=form.key.strip()
            )
            said = {"name": found.name, "base_url": found.base_url}
            # Of the key that there is another one; not which.
            await _note(session, services, member, "partner.change", found.id, new_key=bool(form.key.strip()), **said)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _page(request, services, member, number, form=form, error=error)
    return RedirectResponse(f"/office/partners/{number}", 303)


@router.post("/partners/{number}/sites")
async def choose_sites(
    number: Number, services: Wired, member: PartnerKeeper, form: Annotated[SitesForm, Form()]
) -> Response:
    """Set where a partner sells; its server is asked at once."""
    async with services.database.transaction() as session:
        found = await _found(session, number)
        chosen = await sites.sites_of_stations(session, form.site)
        await partners.serve(session, found, [site.id for site in chosen.values()])
        await work.looked_at(session, services, await partners.links_of(session, found.id))
        await _note(session, services, member, "partner.sites", found.id, sites=sorted(chosen))
    return RedirectResponse(f"/office/partners/{number}#sites", 303)


@router.post("/partners/{number}/remove")
async def remove(number: Number, services: Wired, member: PartnerKeeper) -> Response:
    """Remove a partner."""
    async with services.database.transaction() as session:
        found = await _found(session, number)
        await _note(session, services, member, "partner.remove", found.id, name=found.name)
        await partners.remove(session, found)
    return RedirectResponse("/office/partners", 303)


@router.post("/partners/sites/{station_id}")
async def name_site(
    request: Request, station_id: str, services: Wired, member: PartnerKeeper, form: Annotated[NameForm, Form()]
) -> Response:
    """Set what all servers call a site."""
    try:
        async with services.database.transaction() as session:
            site = await site_named(session, station_id)
            if await partners.set_common_name(session, site, form.common_name):
                await _note(session, services, member, "partner.site-name", station_id, common_name=site.common_name)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _list(request, services, member, PartnerForm(), error)
    return RedirectResponse("/office/partners#sites", 303)


async def _found(session: AsyncSession, number: UUID) -> Partner:
    try:
        return await partners.partner(session, number)
    except UnknownPartner:
        raise PageNotFound from None


async def _note(
    session: AsyncSession, services: Services, member: StaffMember, action: str, subject: object, **details: object
) -> None:
    await audit.note(session, services.clock.now(), member.id, action=action, subject=str(subject), details=details)


async def _sites(session: AsyncSession) -> list[Site]:
    return list(await session.scalars(select(Site).order_by(Site.name, Site.station_id)))


async def _list(
    request: Request, services: Services, member: StaffMember, form: PartnerForm, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        found = await partners.all_of(session)
        all_sites = await _sites(session)
    return office_page(
        request,
        "partners.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        rows=[(partner, language.text(KINDS[partner.kind])) for partner in found],
        sites=all_sites,
        kinds=[(kind.value, language.text(word)) for kind, word in KINDS.items()],
        form=form,
    )


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    *,
    form: PartnerForm | None = None,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    now = services.clock.now()
    async with services.database.transaction() as session:
        found = await _found(session, number)
        links = {link.site_id: link for link in await partners.links_of(session, number)}
        rows = [_row(language, site, links.get(site.id), now) for site in await _sites(session)]
    return office_page(
        request,
        "partner.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        partner=found,
        kind=language.text(KINDS[found.kind]),
        sells=found.kind is PartnerKind.SUPPLIER,
        form=form or PartnerForm(name=found.name, base_url=found.base_url),
        rows=rows,
        own_url=services.settings.public_url.rstrip("/"),
    )


def _row(language: Language, site: Site, link: PartnerSite | None, now: datetime) -> SiteRow:
    says, tone = "", ""
    if link is not None and link.problem:
        says, tone = language.text(PROBLEMS.get(link.problem, link.problem)), "bad"
    elif link is not None and link.told_at is not None:
        told = going.told_of(link, now)
        count = sum(len(outlet.offers) for outlet in told.outlets) if told is not None else 0
        says = language.text("offers at {count} outlets", count=len(told.outlets)) if told is not None and count else ""
        says, tone = (says, "") if says else (language.text("it does not know this site"), "wait")
    elif link is not None:
        says, tone = language.text("not asked yet"), "wait"
    return SiteRow(
        site=site, serves=link is not None, told_at=link.told_at if link is not None else None, says=says, tone=tone
    )
