"""All sites, and a new one: what it needs to be linked is shown once."""

from dataclasses import dataclass
from io import BytesIO
from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from konsento.backoffice import asked, repository
from konsento.backoffice.render import office_page
from konsento.backoffice.site_forms import SiteForm, profile_choices, region_choices, usual_profile
from konsento.backoffice.who import Member, SiteKeeper
from konsento.backoffice.words import PRESENCE
from konsento.kit.errors import KonsentoError
from konsento.models import Site, StaffMember
from konsento.operations import audit
from konsento.services import Services
from konsento.settings import Settings
from konsento.sites import pending, setup
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class WayIn:
    """What the control system of a site needs to be linked."""

    address: str
    station_id: str
    password: str
    line: str
    """All three in one, for the form of the Home Assistant integration."""
    qr: str
    """The line as a QR code, SVG."""


def way_in(settings: Settings, site: Site, password: str) -> WayIn:
    """Return how to link a site."""
    address = settings.public_ocpp_url
    scheme, _, rest = address.partition("://")
    line = f"{scheme}://{quote(site.station_id, safe='')}:{quote(password, safe='')}@{rest}"
    picture = BytesIO()
    segno.make(line, error="m", micro=False).save(picture, kind="svg", xmldecl=False, omitsize=True, light="#fff")
    return WayIn(
        address=address, station_id=site.station_id, password=password, line=line, qr=picture.getvalue().decode()
    )


@router.get("/sites")
async def sites_page(request: Request, services: Wired, member: Member) -> Response:
    """List the sites; the script of the page asks for the same again every few seconds."""
    return await _list(request, services, member, "sites.html")


@router.get("/sites/live")
async def live(request: Request, services: Wired, member: Member) -> Response:
    """Answer the inner part of the page as it is now."""
    return await _list(request, services, member, "sites_now.html")


async def _list(request: Request, services: Services, member: StaffMember, template: str) -> Response:
    async with services.database.transaction() as session:
        sites = await repository.sites_now(session)
        unsold = await repository.unsold_outlets(session)
        waiting = await pending.waiting(session)
    return office_page(
        request, template, member=member, sites=sites, unsold=unsold, waiting=waiting, at=services.clock.now()
    )


@router.get("/sites/new")
async def new_page(request: Request, services: Wired, member: SiteKeeper) -> Response:
    """Ask what is said about a new site."""
    async with services.database.transaction() as session:
        others = await repository.time_zones(session)
    # Mostly where the others are.
    form = SiteForm(time_zone=asked.usual_zone(others.values(), "Asia/Tokyo"))
    return await _form(request, services, member, form)


@router.post("/sites")
async def create(request: Request, services: Wired, member: SiteKeeper, form: Annotated[SiteForm, Form()]) -> Response:
    """Make a site and show how to link it, once: the password is not kept."""
    try:
        async with services.database.transaction() as session:
            details = form.details(services.settings, usual_profile(services.settings))
            site, password = await setup.create(session, details, services.clock.now(), form.station_id)
            await audit.note(
                session,
                services.clock.now(),
                member.id,
                action="site.create",
                subject=site.station_id,
                details={"name": site.name, "place": site.place, "time_zone": site.time_zone},
            )
    except KonsentoError as error:
        return await _form(request, services, member, form, error)
    return office_page(
        request,
        "site_way_in.html",
        member=member,
        site=site,
        way=way_in(services.settings, site, password),
        is_new=True,
        taken=False,
        silent=False,
    )


async def _form(
    request: Request, services: Services, member: StaffMember, form: SiteForm, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        regions = await region_choices(session, language)
    return office_page(
        request,
        "site_new.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        form=form,
        zones=setup.time_zones(),
        regions=regions,
        presences=[(key, language.text(name)) for key, name in PRESENCE.items()],
        profiles=profile_choices(
            services.settings, language, form.security_profile or usual_profile(services.settings)
        ),
    )
