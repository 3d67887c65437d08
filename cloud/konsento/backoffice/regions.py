"""Regions of the grid: which there are, and their rules beside what they would have found in the last 30 days."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import region_words as words
from konsento.backoffice.feeds import age_text
from konsento.backoffice.region_calendar import calendar
from konsento.backoffice.region_forms import NamesForm, RegionForm
from konsento.backoffice.render import office_page
from konsento.backoffice.who import GridKeeper, Member
from konsento.feeds import deciding
from konsento.grid import series, windows
from konsento.grid.areas import AREAS
from konsento.grid.regions import LONGEST_NAME, add_region, all_regions, change_region, name_of, rule_of
from konsento.grid.replay import replay
from konsento.grid.rule import Rule
from konsento.grid.rules import check_rule
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.models import GridRegion, GridSource, Site, StaffMember
from konsento.operations import audit
from konsento.services import Services
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

_AHEAD: Final = timedelta(hours=48)
_BACK: Final = timedelta(days=7)
"""For how old data the age is looked up."""


@dataclass(frozen=True, kw_only=True)
class RegionRow:
    """A region in the list."""

    region: GridRegion
    name: str
    window: str
    """The one that is in force now, or comes next; empty for none."""
    age: str
    """Of its newest forecast; empty where there is none."""
    sites: int


@router.get("/regions")
async def regions_page(request: Request, services: Wired, member: Member) -> Response:
    """List the regions."""
    language, now = language_of(request), services.clock.now()
    async with services.database.transaction() as session:
        found = await all_regions(session)
        coming = await windows.by_region(session, now, now + _AHEAD)
        newest = await series.newest(session, now - _BACK)
        counted = await session.execute(select(Site.region, func.count()).group_by(Site.region))
        sites = {row[0]: row[1] for row in counted}
    return office_page(
        request,
        "regions.html",
        member=member,
        rows=[
            RegionRow(
                region=region,
                name=name_of(region, language.code),
                window=_window(language, region, next(iter(coming.get(region.code, ())), None)),
                age=age_text(language, (now - newest[region.code]).total_seconds()) if region.code in newest else "",
                sites=sites.get(region.code, 0),
            )
            for region in found
        ],
    )


@router.get("/regions/new")
async def new_page(request: Request, services: Wired, member: GridKeeper, preset: str = "") -> Response:
    """Ask for a new region, beginning with an area that is known here."""
    form = NamesForm.preset(AREAS[preset]) if preset in AREAS else NamesForm()
    return await _new(request, services, member, form)


@router.post("/regions")
async def add(request: Request, services: Wired, member: GridKeeper, form: Annotated[NamesForm, Form()]) -> Response:
    """Add a region with the usual rule. It advises nobody before its rule has been looked at."""
    try:
        async with services.database.transaction() as session:
            wanted = form.named(form.code.strip())
            region = await add_region(session, wanted, Rule(), advises=False)
            await _note(session, services, member, "region.create", code=region.code, details=_said(region))
    except KonsentoError as error:
        return await _new(request, services, member, form, error)
    return RedirectResponse(_address(region.code), 303)


@router.get("/regions/{code}")
async def region_page(
    request: Request, code: str, services: Wired, member: Member, form: Annotated[RegionForm, Query()]
) -> Response:
    """Show a region and its rule, or the one in the form, beside what it would have found; nothing is saved."""
    return await _page(request, services, member, code, form=form if "reference" in request.query_params else None)


@router.post("/regions/{code}")
async def change(
    request: Request, code: str, services: Wired, member: GridKeeper, form: Annotated[RegionForm, Form()]
) -> Response:
    """Save a region and its rule, and have today and tomorrow decided anew."""
    try:
        async with services.database.transaction() as session:
            region = await _found(session, code, lock=True)
            before = _said(region)
            change_region(region, form.named(code), form.rule(), advises=form.advises)
            after = _said(region)
            details = {name: f"{before[name]} → {after[name]}" for name in after if before[name] != after[name]}
            if details:
                await _note(session, services, member, "region.change", code=code, details=details)
                if region.advises:
                    await deciding.soon(session, services, region)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _page(request, services, member, code, form=form, error=error)
    return RedirectResponse(f"{_address(code)}?saved=1", 303)


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    code: str,
    *,
    form: RegionForm | None,
    error: KonsentoError | None = None,
) -> Response:
    language, now = language_of(request), services.clock.now()
    async with services.database.transaction() as session:
        region = await _found(session, code)
        kept = RegionForm.of(region)
        rule = rule_of(region)
        if form is not None and error is None:
            try:
                rule = form.rule()
                check_rule(rule)
            except KonsentoError as wrong:
                error, rule = wrong, rule_of(region)
        if error is not None:
            problems.note(request, error)
        today = now.astimezone(ZoneInfo(region.time_zone)).date()
        days = await replay(session, region, rule, today)
        coming = await windows.in_force(session, code, now, now + _AHEAD)
        newest = (await series.newest(session, now - _BACK)).get(code)
        sites = list(await session.scalars(select(Site).where(Site.region == code).order_by(Site.name)))
        sources = list(
            await session.scalars(select(GridSource).where(GridSource.region == code).order_by(GridSource.name))
        )
    zone = ZoneInfo(region.time_zone)
    return office_page(
        request,
        "region.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        region=region,
        name=name_of(region, language.code),
        form=form or kept,
        previewed=form is not None and error is None and rule != rule_of(region),
        saved="saved" in request.query_params,
        lines=words.rule_lines(language, rule_of(region)),
        modes=words.choices(language, words.MODES),
        units=words.choices(language, words.UNITS),
        supplies=words.choices(language, words.SUPPLIES),
        calendar=calendar(language, days, region.time_zone),
        coming=[f"{language.moment(one.begin, zone)} – {language.clock(one.end, zone)}" for one in coming],
        age=age_text(language, (now - newest).total_seconds()) if newest is not None else "",
        sites=sites,
        sources=sources,
        longest_name=LONGEST_NAME,
    )


async def _new(
    request: Request, services: Services, member: StaffMember, form: NamesForm, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        there = {region.code for region in await all_regions(session)}
    return office_page(
        request,
        "region_new.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        form=form,
        longest_name=LONGEST_NAME,
        presets=[
            (area.code, f"{(area.name_ja if language.code == 'ja' else '') or area.name_en} ({area.code})")
            for area in AREAS.values()
            if area.code not in there
        ],
    )


async def _found(session: AsyncSession, code: str, *, lock: bool = False) -> GridRegion:
    region = await session.get(GridRegion, code, with_for_update=lock or None)
    if region is None:
        raise PageNotFound
    return region


async def _note(
    session: AsyncSession, services: Services, member: StaffMember, action: str, *, code: str, details: dict[str, str]
) -> None:
    await audit.note(session, services.clock.now(), member.id, action=action, subject=code, details=details)


def _said(region: GridRegion) -> dict[str, str]:
    """Return all that is said about a region, as the log keeps it."""
    names = {"name_en": region.name_en, "name_ja": region.name_ja, "time_zone": region.time_zone}
    return names | {"advises": "yes" if region.advises else "no"} | words.written(rule_of(region))


def _window(language: Language, region: GridRegion, window: windows.Window | None) -> str:
    if window is None:
        return ""
    zone = ZoneInfo(region.time_zone)
    return f"{language.moment(window.begin, zone)} – {language.clock(window.end, zone)}"


def _address(code: str) -> str:
    return f"/office/regions/{quote(code, safe='')}"
