"""Outlets with their state and price, what a session would cost, and the tariffs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from konsento.api.errors import BadCursor
from konsento.api.offers import MeteringBasis, PowerOffer, metering_of, power_offer
from konsento.api.paging import Part, page
from konsento.api.problems import declared, language_of
from konsento.api.schemas import (
    Asked,
    AskedLimit,
    Follows,
    Limit,
    Money,
    Page,
    Price,
    Rates,
    Site,
    follows,
    money,
    price,
    rates,
    site_of,
)
from konsento.api.who import ReadsOutlets
from konsento.catalogue import service as catalogue
from konsento.catalogue.errors import NoTariff, OfferGone
from konsento.charging import errors as charging_errors
from konsento.charging.quote import Quote
from konsento.kit.i18n import Language
from konsento.models import Metering, OutletStatus, PresenceCheck
from konsento.models import Outlet as OutletRow
from konsento.payments.errors import BalanceTooLow
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import (
    NotOnSaleYet,
    OutletBusy,
    OutletDisabled,
    OutletFaulty,
    OutletOffline,
    OutletOutOfOrder,
    OutletOutOfOrderFor,
    SiteClosed,
    SiteClosedForLong,
    UnknownOutlet,
)
from konsento.web.place import place_of
from konsento.web.who import Wired

router = APIRouter(tags=["Outlets"])

BAD_LIMITS: Final = (
    charging_errors.UnknownLimitKind,
    charging_errors.LimitNotPositive,
    charging_errors.LimitTooLarge,
    charging_errors.LimitTooSmall,
    charging_errors.LimitAboveOutlets,
    charging_errors.NothingToHold,
)
"""Why a limit that a program sends can be refused."""
OBSTACLES: Final = (
    OutletBusy,
    OutletOffline,
    OutletFaulty,
    OutletDisabled,
    OutletOutOfOrder,
    OutletOutOfOrderFor,
    SiteClosed,
    SiteClosedForLong,
    NotOnSaleYet,
)
"""Why nothing can be started at an outlet."""

Code = Annotated[
    str, Path(max_length=64, description="The code on its label, however it is typed.", examples=["K7F29Q"])
]


class Reason(BaseModel):
    """Why something is not possible, or did not happen."""

    code: str = Field(description="Stable name, for programs.", examples=["OutletBusy"])
    detail: str = Field(description="A sentence for a person.", examples=["This outlet is in use. Take another one."])


class Outlet(BaseModel):
    """One socket on a wall."""

    code: str = Field(description="Names it in every request.", examples=["K7F29Q"])
    name: str = Field(examples=["Outlet 1, north wall"])
    site: Site
    status: OutletStatus = Field(description="What the site last said.", examples=["available"])
    can_start: bool = Field(description="Nothing speaks against a start now.", examples=[True])
    obstacle: Reason | None = Field(
        description="What speaks against it; null where nothing does. Its `code` is one of "
        + ", ".join(f"`{error.__name__}`" for error in (*OBSTACLES, NoTariff))
        + "."
    )
    rated_w: int = Field(description="The most that it supplies, W.", examples=[3000])
    volts: int = Field(examples=[200])
    most_wh: int | None = Field(description="The most energy of one session here, Wh; null for no own maximum.")
    most_s: int | None = Field(description="The longest session here, s; null for no own maximum.")
    offers: list[PowerOffer] = Field(
        description="What can be bought here now, in the operator's order; the first one counts for who does not "
        "choose. Empty where nothing can be sold."
    )
    metering: MeteringBasis
    price: Price | None = Field(
        description="Of a session that begins now with the first offer; null where nothing can be sold."
    )
    power_type: str | None = Field(description="Where the power of the first offer comes from.", examples=["solar"])
    supplier: str | None = Field(description="Who sells the first offer.", examples=["Sakura Energy"])
    last_seen: datetime | None = Field(description="When the site last told its status.")
    presence: PresenceCheck = Field(
        description="How the driver shows before a start that they stand there (`POST /presence-checks`).",
        examples=["none"],
    )
    page: str = Field(
        description="Its page for a person; the QR code on the wall holds this address.",
        examples=["https://charge.example/o/K7F29Q"],
    )


class AskedOutlets(Part):
    """Which outlets are asked for."""

    q: str = Field(
        default="", max_length=100, pattern=r"^[^\x00-\x1f]*$", description="A part of code, names or place."
    )


class AskedQuote(Asked):
    """What would be charged."""

    outlet: str = Field(max_length=64, description="The outlet's code.", examples=["K7F29Q"])
    limit: AskedLimit
    offer: str = Field(
        default="", max_length=64, description="Which of the outlet's offers; left out, the first.", examples=["day"]
    )


class Offer(BaseModel):
    """What a session would come to, paid in one way."""

    pay_with: str = Field(description="Way to pay, as `pay_with` of a start takes it.", examples=["balance"])
    limit: Limit
    energy_limit_wh: int | None = Field(description="Null where only time limits it.", examples=[6000])
    time_limit_s: int | None = Field(description="Null where only energy limits it.", examples=[None])
    estimated_wh: int = Field(description="By the limit, or at the rated power.", examples=[6000])
    estimated_s: int = Field(description="By the limit, or at the rated power.", examples=[7200])
    estimated: Money = Field(description="Price of the estimated energy and time.")
    hold: Money = Field(description="What is held until the bill is made: the most that it can cost.")
    price: Price
    offer: str = Field(description="Name of what is bought.", examples=["day"])
    power_type: str = Field(examples=["solar"])
    supplier: str = Field(examples=["Sakura Energy"])
    carbon_g_per_kwh: int | None = Field(examples=[25])
    metering: Metering = Field(description="`estimated`: the energies are equivalents.", examples=["verified"])


class Offers(BaseModel):
    """The ways in which the driver can pay it, the usual one first."""

    outlet: str = Field(examples=["K7F29Q"])
    offers: list[Offer]


class TariffInForce(BaseModel):
    """A price that counts now."""

    name: str = Field(examples=["day"])
    price: Rates
    follows: Follows | None = Field(
        description="What the price of energy follows, of which `price` is the one without it; null for nothing."
    )
    power_type: str = Field(examples=["solar"])
    supplier: str = Field(examples=["Sakura Energy"])
    valid_from: datetime
    valid_to: datetime | None = Field(description="Not valid any more at this moment; null for open.")


class Tariffs(BaseModel):
    """The tariffs that count now."""

    items: list[TariffInForce]


@router.get("/outlets", responses=declared(BadCursor))
async def list_outlets(
    request: Request, services: Wired, caller: ReadsOutlets, asked: Annotated[AskedOutlets, Query()]
) -> Page[Outlet]:
    """List outlets.

    By code. `q` finds those in whose code, names or place it occurs.
    """
    async with services.database.transaction() as session:
        rows = await sites.find(session, asked.q, asked.after_text(), asked.limit + 1)
        on_sale = await catalogue.on_sale(session, services.clock.now())
    language = language_of(request)

    def item(row: OutletRow) -> Outlet:
        return outlet_of(services, language, row, on_sale.offers_of(row))

    return page(request, asked, rows, item, lambda row: [row.code])


@router.get("/outlets/{code}", responses=declared(UnknownOutlet))
async def get_outlet(request: Request, code: Code, services: Wired, caller: ReadsOutlets) -> Outlet:
    """Get an outlet.

    Its state and price now.
    """
    async with services.database.transaction() as session:
        row = await sites.outlet_by_code(session, code)
        offers = await catalogue.offers_of(session, row, services.clock.now())
    return outlet_of(services, language_of(request), row, offers)


@router.post(
    "/quotes", responses=declared(UnknownOutlet, NoTariff, OfferGone, NotOnSaleYet, BalanceTooLow, *BAD_LIMITS)
)
async def create_quote(services: Wired, caller: ReadsOutlets, asked: AskedQuote) -> Offers:
    """Ask what a session would cost.

    Holds nothing and promises nothing: the price that counts is that of the start. Until full, the hold depends on
    the way to pay.
    """
    async with services.database.transaction() as session:
        place = await place_of(session, services, asked.outlet, caller.driver, asked.offer)
    if place.gone:
        raise OfferGone
    if not asked.offer:
        # As the start does: for a person the pages remember what was chosen last, a program says what it wants.
        place = replace(place, offer=place.offers[0])
    quotes = place.quotes(asked.limit.read(place.tariff.currency))
    offers = [offer(str(way.way), quote) for way, quote in quotes if way is not None]
    return Offers(outlet=place.outlet.code, offers=offers)


@router.get("/tariffs", responses=declared())
async def list_tariffs(services: Wired, caller: ReadsOutlets) -> Tariffs:
    """List the tariffs in force.

    With the power types and suppliers that sessions can have now.
    """
    async with services.database.transaction() as session:
        rows = await catalogue.tariffs_in_force(session, services.clock.now())
        tree = await catalogue.power_tree(session)
    return Tariffs(
        items=[
            TariffInForce(
                name=row.name,
                price=rates(catalogue.price_of(row, "UTC")),
                follows=follows(catalogue.following_of(row), catalogue.price_of(row, "UTC")),
                power_type=tree.kind(row.power_type).travels_as,
                supplier=row.supplier,
                valid_from=row.valid_from,
                valid_to=row.valid_to,
            )
            for row in rows.values()
        ]
    )


def outlet_of(services: Services, language: Language, row: OutletRow, sold: Sequence[catalogue.Offer]) -> Outlet:
    """Describe an outlet, whose site and offers are loaded, with what is sold there now."""
    now = services.clock.now()
    first = next(iter(sold), None)
    tariff = first.tariff if first is not None else None
    error = sites.obstacle(row, now) or (NoTariff() if tariff is None else None)
    return Outlet(
        code=row.code,
        name=row.name,
        site=site_of(row, now),
        status=row.status,
        can_start=error is None,
        obstacle=Reason(code=error.code, detail=language.error(error)) if error is not None else None,
        rated_w=row.rated_w,
        volts=row.volts,
        most_wh=row.most_wh,
        most_s=row.most_s,
        offers=[power_offer(language, one) for one in sold],
        metering=metering_of(language, row),
        price=price(first.price) if first is not None else None,
        power_type=first.power_type if first is not None else None,
        supplier=first.supplier if first is not None else None,
        last_seen=row.last_seen,
        presence=row.site.presence,
        page=f"{services.settings.public_url.rstrip('/')}/o/{row.code}",
    )


def offer(provider: str, quote: Quote) -> Offer:
    """Describe a quote."""
    return Offer(
        pay_with=provider,
        limit=Limit(kind=quote.requested.kind, amount=quote.requested.amount),
        energy_limit_wh=quote.energy_limit_wh,
        time_limit_s=quote.time_limit_s,
        estimated_wh=quote.estimated_wh,
        estimated_s=quote.estimated_s,
        estimated=money(quote.estimated_minor, quote.currency),
        hold=money(quote.hold_minor, quote.currency),
        price=price(quote.price),
        offer=quote.sold.offer,
        power_type=quote.sold.power_type,
        supplier=quote.sold.supplier,
        carbon_g_per_kwh=quote.sold.carbon_g_per_kwh,
        metering=quote.sold.metering,
    )
