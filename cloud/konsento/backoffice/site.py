"""One site: what is said about it, when it is open, its floor plan, its password, and its outlets live."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import repository
from konsento.backoffice.charger_view import charger_view
from konsento.backoffice.render import office_page
from konsento.backoffice.site_forms import SiteForm, hours_rows, profile_choices, read_hours, region_choices
from konsento.backoffice.sites import way_in
from konsento.backoffice.who import Member, SiteKeeper
from konsento.backoffice.words import DAYS, OUTLET_REASONS, OUTLET_TONES, OUTLETS, PRESENCE
from konsento.catalogue import service as catalogue
from konsento.charging import passwords
from konsento.charging.passwords import Outcome
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.models import FloorPlan, Outlet, OutletStatus, SecurityProfile, Site, StaffMember, Tariff
from konsento.ocpp import version_of
from konsento.operations import audit
from konsento.services import Services
from konsento.sites import hours, plans, setup
from konsento.sites import repository as site_rows
from konsento.sites import service as sites
from konsento.sites.errors import (
    BadHours,
    NotAPicture,
    PasswordsUnderWay,
    PictureTooLarge,
    TooManyOffers,
    UnknownSite,
    UnknownTariff,
)
from konsento.sites.holidays import country_of
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.offer_view import offer_view
from konsento.web.price_view import price_text
from konsento.web.who import Wired

router = APIRouter()

MOST_FIELDS: Final = 60
MORE_SLOTS: Final = 2
"""Empty fields for further prices."""


@dataclass(frozen=True, kw_only=True)
class OutletRow:
    """An outlet as the tables show it."""

    outlet: Outlet
    word: str
    tone: str
    reason: str
    offers: list[tuple[str, str]]
    """Name and price of what is sold; the price is empty where the tariff is not sold there now."""
    is_new: bool
    """Nobody has named and priced it yet."""


async def site_named(session: AsyncSession, station_id: str) -> Site:
    """Return the site of an address. Raises `PageNotFound`."""
    site = await sites.site_of_station(session, station_id)
    if site is None:
        raise PageNotFound
    return site


@router.get("/sites/{station_id}")
async def site_page(request: Request, station_id: str, services: Wired, member: Member) -> Response:
    """Show a site, to keepers with its forms."""
    return await _page(request, services, member, station_id)


@router.get("/sites/{station_id}/live")
async def live(request: Request, station_id: str, services: Wired, member: Member) -> Response:
    """Answer the state of the site and its outlets as they are now."""
    return await _page(request, services, member, station_id, template="site_now.html")


@router.post("/sites/{station_id}")
async def change(
    request: Request, station_id: str, services: Wired, member: SiteKeeper, form: Annotated[SiteForm, Form()]
) -> Response:
    """Change what is said about the site."""
    try:
        async with services.database.transaction() as session:
            site = await site_named(session, station_id)
            details = form.details(services.settings, SecurityProfile(site.security_profile))
            await setup.check_region(session, details)
            new = setup.change(site, details)
            await _note(session, services, member, "site.change", station_id, **new)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _page(request, services, member, station_id, form=form, error=error)
    return RedirectResponse(f"/office/sites/{station_id}", 303)


@router.post("/sites/{station_id}/hours")
async def change_hours(request: Request, station_id: str, services: Wired, member: SiteKeeper) -> Response:
    """Set when the site is open."""
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        fields = {key: [str(value) for value in form.getlist(key)] for key in form}
    try:
        async with services.database.transaction() as session:
            site = await site_named(session, station_id)
            new = setup.set_hours(site, read_hours(fields))
            await _note(session, services, member, "site.hours", station_id, **new)
    except BadHours as error:
        return await _page(request, services, member, station_id, error=error)
    return RedirectResponse(f"/office/sites/{station_id}#hours", 303)


@router.post("/sites/{station_id}/offers")
async def change_offers(
    request: Request,
    station_id: str,
    services: Wired,
    *,
    member: SiteKeeper,
    tariff: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Set what is sold at all outlets of the site."""
    names = [name for name in tariff or () if name]
    try:
        async with services.database.transaction() as session:
            site = await site_named(session, station_id)
            await check_in_force(session, names, services.clock.now())
            for outlet in await sites.outlets_of(session, site.id):
                setup.set_offers(outlet, names)
            await _note(session, services, member, "site.offers", station_id, tariffs=names)
    except (UnknownTariff, TooManyOffers) as error:
        return await _page(request, services, member, station_id, error=error)
    return RedirectResponse(f"/office/sites/{station_id}#outlets", 303)


@router.post("/sites/{station_id}/plan")
async def upload_plan(request: Request, station_id: str, services: Wired, member: SiteKeeper) -> Response:
    """Take a floor plan."""
    async with services.database.transaction() as session:
        await site_named(session, station_id)
    try:
        picture = await plans.read(await _uploaded(request))
    except (NotAPicture, PictureTooLarge) as error:
        return await _page(request, services, member, station_id, error=error)
    now = services.clock.now()
    async with services.database.transaction() as session:
        site = await site_named(session, station_id)
        await plans.keep(session, site, picture, now)
        size = {"width": picture.width, "height": picture.height, "bytes": len(picture.content)}
        await _note(session, services, member, "site.plan", station_id, **size)
    return RedirectResponse(f"/office/sites/{station_id}#plan", 303)


@router.post("/sites/{station_id}/plan/remove")
async def remove_plan(station_id: str, services: Wired, member: SiteKeeper) -> Response:
    """Take the floor plan away."""
    async with services.database.transaction() as session:
        if await plans.remove(session, await site_named(session, station_id)):
            await _note(session, services, member, "site.plan", station_id, removed=True)
    return RedirectResponse(f"/office/sites/{station_id}#plan", 303)


@router.get("/sites/{station_id}/plan")
async def plan_picture(station_id: str, services: Wired, member: Member) -> Response:
    """Return the floor plan's picture."""
    async with services.database.transaction() as session:
        plan = await site_rows.floor_plan(session, (await site_named(session, station_id)).id)
    if plan is None:
        raise PageNotFound
    # Its address changes with it.
    kept = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(plan.picture, media_type=plan.media_type, headers=kept)


@router.post("/sites/{station_id}/password")
async def new_password(
    request: Request,
    station_id: str,
    services: Wired,
    member: SiteKeeper,
    at_site: Annotated[bool, Form()] = False,
) -> Response:
    """Make another password, have the site take it over its line if that is wanted, and show it once."""
    try:
        if at_site:
            outcome, password = await passwords.change(services, station_id, member.id)
        else:
            outcome, password = None, await passwords.replace(services, station_id, member.id)
    except UnknownSite:
        raise PageNotFound from None
    except PasswordsUnderWay as error:
        return await _page(request, services, member, station_id, error=error)
    if outcome is Outcome.REFUSED:
        return await _page(request, services, member, station_id, refused=True)
    async with services.database.transaction() as session:
        site = await site_named(session, station_id)
    return office_page(
        request,
        "site_way_in.html",
        member=member,
        site=site,
        way=way_in(services.settings, site, password),
        is_new=False,
        taken=outcome is Outcome.TAKEN,
        silent=outcome is Outcome.UNCLEAR,
    )


async def _uploaded(request: Request) -> bytes:
    """Return the file of a form. Raises `NotAPicture`, `PictureTooLarge` before more is read than a plan may have."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise NotAPicture
    if int(length) > plans.MOST_BYTES + 4096:
        raise PictureTooLarge(megabytes=plans.MOST_BYTES // 2**20, megapixels=plans.MOST_PIXELS // 1_000_000)
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("picture")
        if not isinstance(file, UploadFile):
            raise NotAPicture
        return await file.read()


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    station_id: str,
    *,
    template: str = "site.html",
    form: SiteForm | None = None,
    error: KonsentoError | None = None,
    refused: bool = False,
) -> Response:
    if error is not None:
        problems.note(request, error)
    now = services.clock.now()
    language = language_of(request)
    async with services.database.transaction() as session:
        site = await site_named(session, station_id)
        outlets = await outlet_rows(session, language, site, now)
        plan = await site_rows.floor_plan(session, site.id)
        tariffs = await catalogue.tariffs_in_force(session, now)
        version = await version_of(session, station_id)
        regions = await region_choices(session, language)
        charger = await charger_view(session, language, site, [row.outlet for row in outlets], version)
    week = hours.parse(site.opening_hours)
    return office_page(
        request,
        template,
        member=member,
        status=error.status if error else 409 if refused else 200,
        problem=language.error(error) if error else None,
        refused=refused,
        site=site,
        outlets=outlets,
        opening=opening_text(language, site, now),
        at=now,
        form=form or SiteForm.of(site),
        zones=setup.time_zones(),
        regions=regions,
        presences=[(key, language.text(name)) for key, name in PRESENCE.items()],
        profiles=profile_choices(services.settings, language, SecurityProfile(site.security_profile)),
        unproven=site.security_profile == SecurityProfile.NONE,
        rows=[(row, language.text(DAYS[row.key])) for row in hours_rows(week)],
        by_week=week is not None,
        own_holidays=week is not None and week.holidays is not None,
        country=_country(language, site),
        plan=plan_view(plan),
        charger=charger,
        tariffs=tariff_choices(language, tariffs),
        slots=slots(_sold_everywhere(outlets)),
    )


async def check_in_force(session: AsyncSession, names: Iterable[str], now: datetime) -> None:
    """Raise `UnknownTariff` where one of them is no tariff in force."""
    wanted = set(names)
    if wanted and not wanted <= (await catalogue.tariffs_in_force(session, now)).keys():
        raise UnknownTariff


def _sold_everywhere(rows: Sequence[OutletRow]) -> list[str]:
    """Return what all outlets of a site sell alike; nothing where they differ."""
    sold = {tuple(row.outlet.tariff_names) for row in rows}
    return list(sold.pop()) if len(sold) == 1 else []


def tariff_choices(language: Language, tariffs: Mapping[str, Tariff]) -> list[tuple[str, str]]:
    """Return name and price of what can be chosen."""
    return [(name, price_text(language, catalogue.price_of(tariff, "UTC"))) for name, tariff in tariffs.items()]


def slots(names: Sequence[str]) -> list[str]:
    """Return what stands in the fields of a form for prices in order: the chosen ones, and some to add more."""
    chosen = [name for name in names if name]
    return (chosen + [""] * MORE_SLOTS)[: max(setup.MOST_OFFERS, len(chosen))]


def plan_view(plan: FloorPlan | None) -> dict[str, int] | None:
    """Return the size of a plan in thousandths of its width and height, and its version."""
    if plan is None:
        return None
    return {
        "width": 1000,
        "height": max(1, round(1000 * plan.height / plan.width)),
        "version": int(plan.changed_at.timestamp()),
    }


async def outlet_rows(session: AsyncSession, language: Language, site: Site, now: datetime) -> list[OutletRow]:
    """Return the outlets of a site by number."""
    outlets = await repository.outlets_at(session, site.id)
    on_sale = await catalogue.on_sale(session, now)
    rows = []
    for outlet in outlets:
        sold = {offer.name: offer_view(language, offer).price for offer in on_sale.offers_of(outlet)}
        gone = outlet.status_reason == sites.GONE
        # What an outlet said before its site went away says nothing.
        status = outlet.status if site.connected or gone else OutletStatus.UNKNOWN
        reason = OUTLET_REASONS.get(outlet.status_reason)
        rows.append(
            OutletRow(
                outlet=outlet,
                word=language.text(OUTLETS[status]),
                tone=OUTLET_TONES[status],
                reason=language.text(reason) if reason is not None else outlet.status_reason,
                offers=[(name, sold.get(name, "")) for name in outlet.tariff_names],
                is_new=not outlet.offers,
            )
        )
    return rows


def opening_text(language: Language, site: Site, now: datetime) -> str:
    """Return whether a site is open, and until or from when."""
    opening, zone = sites.opening(site, now), ZoneInfo(site.time_zone)
    if opening.is_open:
        if opening.closes is None:
            return language.text("always open")
        return language.text("open until {closes}", closes=opening.closes.astimezone(zone))
    if opening.opens is None:
        return language.text("closed until further notice")
    return language.text("closed, opens {opens}", opens=opening.opens.astimezone(zone))


def _country(language: Language, site: Site) -> str:
    code = country_of(site.time_zone)
    return str(language.dates.territories.get(code, code)) if code else ""


async def _note(
    session: AsyncSession, services: Services, member: StaffMember, action: str, station_id: str, **details: Any
) -> None:
    await audit.note(session, services.clock.now(), member.id, action=action, subject=station_id, details=details)
