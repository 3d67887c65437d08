"""Prices: what is in force and coming, new ones, and what charging costs at them."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import asked, repository
from konsento.backoffice.price_forms import PriceForm
from konsento.backoffice.price_preview import Preview, following_lines, following_text, preview_of
from konsento.backoffice.render import office_page
from konsento.backoffice.who import Number, SiteKeeper
from konsento.catalogue import service as catalogue
from konsento.catalogue.apply import LONGEST_NAME, LONGEST_SUPPLIER, WantedTariff, apply_tariff, check, said, withdraw
from konsento.catalogue.errors import PriceUnchanged, TariffNameTaken
from konsento.catalogue.power import Kind, check_power_type, power_tree
from konsento.grid.regions import all_regions
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.kit.power_words import power_text
from konsento.models import StaffMember, Tariff
from konsento.operations import audit
from konsento.pricing import Component, Price, Usage, bill, energy_for_time, time_for_energy
from konsento.pricing.following import Following
from konsento.pricing.texts import weekday_names
from konsento.services import Services
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.price_view import PriceLine, line_text, price_lines, price_text
from konsento.web.who import Wired

router = APIRouter()

EXAMPLE_W: Final = 3000
EXAMPLE_S: Final = 3600
EXAMPLE_WH: Final = 6000


@dataclass(frozen=True, kw_only=True)
class Costs:
    """A price and what charging costs at it, as they are read."""

    per_kwh: str
    """The headline."""
    beside: str
    """What is asked for beside energy, in one line."""
    lines: list[PriceLine]
    """All that it consists of."""
    follows: list[PriceLine]
    """What the price of energy follows; empty for nothing."""
    following: str
    """The same in one line."""
    tax: str
    hour: str
    """One hour at 3 kW."""
    energy: str
    """6 kWh at 3 kW."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """What a charging of the operator's choice costs."""

    sentence: str
    lines: list[tuple[str, str]]
    """What for, and how much."""
    total: str


@dataclass(frozen=True, kw_only=True)
class TariffRow:
    """A line of the table."""

    tariff: Tariff
    coming: bool
    costs: Costs
    power: str
    first: bool
    """The first line of its name: where it is used is said there."""
    used: list[repository.TariffUse]


@router.get("/prices")
async def prices_page(request: Request, services: Wired, member: SiteKeeper) -> Response:
    """List what is in force and coming."""
    return await _list(request, services, member)


@router.get("/prices/new")
async def new_page(request: Request, services: Wired, member: SiteKeeper, of: str = "") -> Response:
    """Ask for a new tariff, or for a new price of one."""
    form = PriceForm.fresh(services.settings)
    if of:
        async with services.database.transaction() as session:
            form = PriceForm.following(await _newest(session, of, services.clock.now()))
    return await _form(request, services, member, form)


@router.post("/prices")
async def set_price(
    request: Request, services: Wired, member: SiteKeeper, form: Annotated[PriceForm, Form()]
) -> Response:
    """Show what a price would mean, and set it once that is confirmed."""
    now, language = services.clock.now(), language_of(request)
    try:
        async with services.database.transaction() as session:
            zone = await _zone(session)
            begins = form.moment(now, zone)
            wanted = form.wanted(services.settings.currency)
            await _check_name(session, form, wanted, now)
            check(wanted)
            await check_power_type(session, wanted.power_type)
            price = replace(wanted.price, time_zone=zone)
            example = _example(language, price, form.example(begins, zone))
            shown = await _preview(session, language, price, wanted.following, region=form.try_region, now=now)
            if form.sure:
                await _set(session, member, wanted, now, begins)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _form(request, services, member, form, error=error)
    if form.sure:
        return RedirectResponse("/office/prices", 303)
    return await _form(
        request,
        services,
        member,
        form,
        costs=_costs(language, price, begins, wanted.following),
        example=example,
        begins=begins,
        preview=shown,
    )


async def _check_name(session: AsyncSession, form: PriceForm, wanted: WantedTariff, now: datetime) -> None:
    """Raise `PageNotFound` where there is nothing to follow, `TariffNameTaken` where a new one would follow another."""
    if form.of:
        await _newest(session, form.of, now)
    elif wanted.name in {tariff.name for tariff in await catalogue.tariffs_from(session, now)}:
        raise TariffNameTaken(name=wanted.name)


async def _set(
    session: AsyncSession, member: StaffMember, wanted: WantedTariff, now: datetime, begins: datetime
) -> None:
    if await apply_tariff(session, wanted, begins) is None:
        raise PriceUnchanged
    price = wanted.price
    details = {
        "rates": said(price, wanted.following),
        "unit_price": f"{price.unit_price:f}",
        "tax_rate": f"{wanted.tax_rate:f}",
        "tax_included": wanted.tax_included,
        "minimum": wanted.min_minor,
        "maximum": wanted.max_minor,
        "power_type": wanted.power_type,
        "supplier": wanted.supplier,
        "supplier_code": wanted.supplier_code,
        "begins": begins.isoformat(),
    }
    await audit.note(session, now, member.id, action="price.set", subject=wanted.name, details=details)


@router.post("/prices/{number}/withdraw")
async def take_back(request: Request, number: Number, services: Wired, member: SiteKeeper) -> Response:
    """Take back a price that has not begun."""
    now = services.clock.now()
    try:
        async with services.database.transaction() as session:
            tariff = await _numbered(session, number)
            details = {"unit_price": f"{tariff.unit_price:f}", "begins": tariff.valid_from.isoformat()}
            await audit.note(session, now, member.id, action="price.withdraw", subject=tariff.name, details=details)
            await withdraw(session, tariff, now)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _list(request, services, member, error)
    return RedirectResponse("/office/prices", 303)


async def _numbered(session: AsyncSession, number: UUID) -> Tariff:
    tariff = await session.get(Tariff, number)
    if tariff is None:
        raise PageNotFound
    return tariff


async def _newest(session: AsyncSession, name: str, now: datetime) -> Tariff:
    """Return the price of a tariff that is in force, or begins first. Raises `PageNotFound`."""
    for tariff in await catalogue.tariffs_from(session, now):
        if tariff.name == name:
            return tariff
    raise PageNotFound


async def _zone(session: AsyncSession) -> str:
    return asked.usual_zone((await repository.time_zones(session)).values())


async def _preview(
    session: AsyncSession,
    language: Language,
    price: Price,
    following: Following | None,
    *,
    region: str,
    now: datetime,
) -> Preview | None:
    """Return how a price changes over time in the region that is asked for, else in the first one; None for neither."""
    if following is None:
        return None
    regions = await all_regions(session)
    chosen = next((one for one in regions if one.code == region), regions[0] if regions else None)
    return await preview_of(session, language, price, following, region=chosen, now=now) if chosen is not None else None


def _costs(language: Language, price: Price, at: datetime, following: Following | None) -> Costs:
    hour, energy = (
        bill(price, Usage.steady(begin=at, mwh=wh * 1000, supply_s=time_for_energy(EXAMPLE_W, wh))).total_minor
        for wh in (energy_for_time(EXAMPLE_W, EXAMPLE_S), EXAMPLE_WH)
    )
    headline = next((rate for rate in price.rates if rate.component is Component.ENERGY and rate.band is None), None)
    beside = replace(price, rates=tuple(rate for rate in price.rates if rate is not headline))
    return Costs(
        per_kwh=language.unit_price(price.unit_price, price.currency),
        beside=price_text(language, beside) if beside.rates else "",
        lines=price_lines(language, price),
        follows=following_lines(language, price, following),
        following=following_text(language, price, following),
        tax=language.percent(price.tax_rate),
        hour=language.money(hour, price.currency),
        energy=language.money(energy, price.currency),
    )


def _example(language: Language, price: Price, usage: Usage) -> Example:
    """Work out what the operator wants to know before a price is set."""
    due, zone = bill(price, usage), ZoneInfo(price.time_zone)
    total = language.money(due.total_minor, price.currency)
    return Example(
        sentence=language.text(
            "{energy} in {time} from {begin} on costs {amount}.",
            energy=language.energy(usage.mwh // 1000),
            time=language.duration(usage.supply_s),
            begin=language.moment(usage.begin, zone),
            amount=total,
        ),
        lines=[
            (line_text(language, line, price.currency), language.money(line.amount_minor, price.currency))
            for line in due.lines
        ],
        total=total,
    )


async def _uses(session: AsyncSession) -> dict[str, list[repository.TariffUse]]:
    by_name = defaultdict(list)
    for use in await repository.tariff_uses(session):
        by_name[use.tariff_name].append(use)
    return by_name


async def _list(
    request: Request, services: Services, member: StaffMember, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    now = services.clock.now()
    language = language_of(request)
    async with services.database.transaction() as session:
        tariffs = await catalogue.tariffs_from(session, now)
        tree = await power_tree(session)
        uses = await _uses(session)
        zone = await _zone(session)
    seen: set[str] = set()
    rows = []
    for tariff in tariffs:
        rows.append(
            TariffRow(
                tariff=tariff,
                coming=tariff.valid_from > now,
                costs=_costs(
                    language,
                    catalogue.price_of(tariff, zone),
                    max(now, tariff.valid_from),
                    catalogue.following_of(tariff),
                ),
                power=_power(language, tree.kind(tariff.power_type)),
                first=tariff.name not in seen,
                used=uses.get(tariff.name, []),
            )
        )
        seen.add(tariff.name)
    return office_page(
        request,
        "prices.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        rows=rows,
        zone=zone,
    )


async def _form(
    request: Request,
    services: Services,
    member: StaffMember,
    form: PriceForm,
    *,
    error: KonsentoError | None = None,
    costs: Costs | None = None,
    example: Example | None = None,
    begins: datetime | None = None,
    preview: Preview | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        zone = await _zone(session)
        tree = await power_tree(session)
        uses = (await _uses(session)).get(form.of, [])
        regions = await all_regions(session)
    return office_page(
        request,
        "price_new.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        form=form,
        costs=costs,
        example=example,
        preview=preview,
        regions=[(one.code, (one.name_ja if language.code == "ja" else "") or one.name_en) for one in regions],
        rows=form.rows(),
        weekdays=list(enumerate(weekday_names(language))),
        begins=begins.astimezone(ZoneInfo(zone)) if begins is not None and form.begins else None,
        used=uses,
        zone=zone,
        longest_name=LONGEST_NAME,
        longest_supplier=LONGEST_SUPPLIER,
        currency=language.currency_sign(services.settings.currency),
        powers=[(kind.word, _power(language, kind)) for kind in tree if kind.sold],
        power=_power(language, tree.kind(form.power_type)),
    )


def _power(language: Language, kind: Kind) -> str:
    return power_text(language, kind.word, kind.names)
