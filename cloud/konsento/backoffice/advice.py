"""What advice to drivers brings about: how many were told, and how much they charge within the windows."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from babel.dates import format_skeleton
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from konsento.advice.effect import FEW, MONTHS, Energy, Group, MonthEffect, RegionEffect, SameDrivers, effect, share
from konsento.advice.policy import Dropped
from konsento.backoffice import advice_chart
from konsento.backoffice.advice_chart import Bar, Chart
from konsento.backoffice.render import office_page
from konsento.backoffice.who import Member
from konsento.backoffice.words import found_in
from konsento.kit.i18n import NBSP, Language, marked
from konsento.models import AdviceChannel, GridRegion
from konsento.services import Services
from konsento.web.csv import Rows, csv_file
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

GROUPS: Final = {
    Group.ADVISED: marked("With advice"),
    Group.BEFORE: marked("The same drivers before"),
    Group.WITHOUT: marked("Without advice"),
}
ALL_DRIVERS: Final = marked("All drivers")
DROPPED: Final[Mapping[str, str]] = {
    Dropped.OFF: marked("turned off"),
    Dropped.CHARGED: marked("had charged"),
    Dropped.WITHDRAWN: marked("windows withdrawn"),
    Dropped.OVER: marked("too late"),
    Dropped.GONE: marked("no browser left"),
}
_TOLD: Final = (
    marked("Days with windows"), marked("Days told of"), marked("Days corrected"), marked("Drivers told"),
    marked("Opened"), marked("Acted on"), marked("Mails"), marked("Notices"), marked("Waiting"),
)  # fmt: skip
_CHARGED: Final = (marked("Sessions"), marked("Energy (Wh)"), marked("Inside windows (Wh)"))


@dataclass(frozen=True, kw_only=True)
class Part:
    """How much of some energy flowed within the windows, in words."""

    share: str
    """A dash where nothing was charged."""
    of: str
    sessions: str
    few: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """A month in both tables."""

    name: str
    effect: MonthEffect
    opened: str
    acted: str
    mails: int
    notices: int
    dropped: list[str]
    parts: list[Part]
    """Of all drivers, and of each group."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A region as the page shows it."""

    region: GridRegion
    name: str
    rows: list[Row]
    """The newest first."""
    chart: Chart
    same: SameDrivers
    before: Part
    advised: Part
    change: str
    """Empty where it is of too few sessions."""


@router.get("/advice")
async def advice_page(
    request: Request, services: Wired, member: Member, region: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Show the last months of a region, or of the first one of which there is something to say; nobody is named."""
    language, found = language_of(request), await _effects(services)
    chosen = (
        next((one for one in found if one.region.code == region), None)
        or next((one for one in found if one.months), None)
        or next(iter(found), None)
    )
    return office_page(
        request,
        "advice.html",
        member=member,
        regions=[(one.region.code, _name(language, one.region)) for one in found],
        shown=_section(language, chosen) if chosen else None,
        heads=[language.text(name) for name in (ALL_DRIVERS, *GROUPS.values())],
        bars=(language.text(GROUPS[Group.ADVISED]), language.text("All others")),
        few=FEW,
        months=MONTHS,
    )


@router.get("/advice.csv")
async def advice_table(request: Request, services: Wired, _member: Member) -> Response:
    """Return the same as a file: a line for each region and month, the oldest first."""
    language = language_of(request)
    found = await _effects(services)

    async def parts() -> AsyncIterator[Rows]:
        for one in found:
            yield [_line(one, month) for month in one.months]

    return csv_file("advice", list(_columns(language)), parts())


async def _effects(services: Services) -> list[RegionEffect]:
    async with services.database.transaction() as session:
        return await effect(session, services.clock.now())


def _columns(language: Language) -> Iterator[str]:
    yield from (language.text(name) for name in (marked("Region"), marked("Month"), *_TOLD))
    for why in DROPPED.values():
        yield language.text("Not sent: {why}", why=language.text(why))
    for whose in (ALL_DRIVERS, *GROUPS.values()):
        for what in _CHARGED:
            yield language.text("{whose}: {what}", whose=language.text(whose), what=language.text(what))


def _line(one: RegionEffect, month: MonthEffect) -> tuple[object, ...]:
    told = month.told
    energies = (month.all_drivers, *(month.energy.get(group, Energy()) for group in GROUPS))
    return (
        one.region.code,
        month.month.name,
        *(told.window_days, told.days, told.corrected_days, told.advices, told.opened, told.acted),
        *(told.sent.get(channel, 0) for channel in (AdviceChannel.MAIL, AdviceChannel.PUSH)),
        told.waiting,
        *(told.dropped.get(why, 0) for why in DROPPED),
        *(cell for energy in energies for cell in (energy.sessions, _wh(energy.mwh), _wh(energy.inside_mwh))),
    )


def _name(language: Language, region: GridRegion) -> str:
    return (region.name_ja if language.code == "ja" else "") or region.name_en


def _section(language: Language, one: RegionEffect) -> Section:
    return Section(
        region=one.region,
        name=_name(language, one.region),
        rows=[_row(language, month) for month in reversed(one.months)],
        chart=advice_chart.drawn([_bars(language, month) for month in one.months]),
        same=one.same,
        before=_part(language, one.same.before),
        advised=_part(language, one.same.advised),
        change=_points(language, one.same.change),
    )


def _row(language: Language, month: MonthEffect) -> Row:
    told = month.told
    return Row(
        name=language.month(month.month.local),
        effect=month,
        opened=_of(language, told.opened, told.advices),
        acted=_of(language, told.acted, told.advices),
        mails=told.sent.get(AdviceChannel.MAIL, 0),
        notices=told.sent.get(AdviceChannel.PUSH, 0),
        dropped=[f"{found_in(language, DROPPED, why)} {count}" for why, count in sorted(told.dropped.items())],
        parts=[
            _part(language, energy)
            for energy in (month.all_drivers, *(month.energy.get(group, Energy()) for group in GROUPS))
        ],
    )


def _bars(language: Language, month: MonthEffect) -> advice_chart.Month:
    advised = month.energy.get(Group.ADVISED, Energy())
    others = month.energy.get(Group.BEFORE, Energy()) + month.energy.get(Group.WITHOUT, Energy())
    name, at = language.month(month.month.local), month.month.local
    return advice_chart.Month(
        label=format_skeleton("MMM", at, tzinfo=at.tzinfo, locale=language.dates),
        year=f"{at:%Y}",
        bars=[
            Bar(share=energy.share, few=energy.is_few, says=f"{name}, {whose}: {_percent(language, energy.share)}")
            for whose, energy in (
                (language.text(GROUPS[Group.ADVISED]), advised),
                (language.text("All others"), others),
            )
        ],
    )


def _part(language: Language, energy: Energy) -> Part:
    if not energy.sessions:
        return Part(share="–", of="", sessions="", few=False)
    return Part(
        share=_percent(language, energy.share),
        of=language.text(
            "{inside} of {energy} kWh",
            inside=_kwh(language, energy.inside_mwh),
            energy=_kwh(language, energy.mwh),
        ),
        sessions=language.text("sessions: {count}", count=energy.sessions),
        few=energy.is_few,
    )


def _of(language: Language, part: int, whole: int) -> str:
    """Return a number, with its part of the whole where that is of enough to say it."""
    if whole < FEW:
        return language.number(part)
    return f"{language.number(part)}{NBSP}({_percent(language, share(part, whole))})"


def _percent(language: Language, part: Decimal | None) -> str:
    return f"{language.number(part * 100, 1)}%" if part is not None else "–"


def _points(language: Language, change: Decimal | None) -> str:
    if change is None:
        return ""
    sign = "+" if change > 0 else "−" if change < 0 else "±"  # a minus as long as the plus
    return language.text("{points} percentage points", points=f"{sign}{language.number(abs(change) * 100, 1)}")


def _kwh(language: Language, mwh: int) -> str:
    return language.number(Decimal(mwh) / 1_000_000, 1)


def _wh(mwh: int) -> Decimal:
    return Decimal(mwh) / 1000
