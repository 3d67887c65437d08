"""What several resources are made of."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict

from konsento import pricing
from konsento.charging.limits import RequestedLimit, parse_limit
from konsento.kit.money import exponent, major_from_minor
from konsento.models import LimitKind, Outlet
from konsento.pricing import Component
from konsento.pricing.following import Following, FollowsSpot, FollowsWindows
from konsento.pricing.following import Follows as FollowedKind
from konsento.pricing.texts import clock
from konsento.sites import service as sites
from konsento.web.price_view import in_order

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_UNITS: Final = {LimitKind.ENERGY: "Wh", LimitKind.TIME: "s", LimitKind.MONEY: "minor"}

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d.*")


def _written_out(value: Any) -> Any:
    """Refuse the number of seconds that pydantic would take for a moment."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be a date and time as in 2026-11-22T01:58:00Z")
    return value


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out, json_schema_input_type=AwareDatetime),
    AfterValidator(lambda at: min(max(at, _EARLIEST), _LATEST)),
]
"""A moment in a question. Before 2000 and after 2200 there is nothing, so such moments are moved there."""
Whole = Annotated[int, Strict()]
"""An integer in a body: no text that reads like one."""
YesNo = Annotated[bool, Strict()]


class Asked(BaseModel):
    """What a program sends: fields that are not known are refused, so that a misspelt one is no silent default."""

    model_config = ConfigDict(extra="forbid")


class Money(BaseModel):
    """An amount of money."""

    amount_minor: int = Field(description="In minor units: yen, cents.", examples=[385])
    currency: str = Field(description="ISO 4217.", examples=["JPY"])
    amount: str = Field(description="The same as a decimal number in yen, euros.", examples=["385"])


class Band(BaseModel):
    """When a rate holds, by the clock of the site."""

    begins: str = Field(description="Of the day; past midnight it goes on the next day.", examples=["22:00"])
    ends: str = Field(examples=["06:00"])
    weekdays: list[int] = Field(description="On which it begins; 1 is Monday.", examples=[[1, 2, 3, 4, 5]])
    from_day: str = Field(description="First day of the season, month and day.", examples=["12-01"])
    to_day: str = Field(description="Last day of the season, month and day.", examples=["02-28"])


class Rate(BaseModel):
    """What one component of a price costs."""

    component: Component = Field(
        description="`energy`: per kWh; `time`: per minute of supply; `session`: once; `idle`: per minute of supply in"
        " which the car takes nothing, beside `time`.",
        examples=["energy"],
    )
    amount: str = Field(description="In yen, euros, tax included; a decimal number.", examples=["38.5"])
    band: Band | None = Field(description="Null: whenever no other rate of this component is in its band.")
    free_s: int = Field(description="Of standing idle: how long each stretch of it costs nothing, s.", examples=[0])


class Rates(BaseModel):
    """What charging costs."""

    per_kwh: str = Field(
        description="Per kWh outside of bands, in yen, euros, tax included; a decimal number.", examples=["38.5"]
    )
    rates: list[Rate] = Field(description="All that it costs. A component without a rate costs nothing.")
    minimum: Money | None = Field(description="The least that a charging costs in which energy flows; null for none.")
    maximum: Money | None = Field(description="The most that a charging costs; null for none.")
    currency: str = Field(description="ISO 4217.", examples=["JPY"])
    tax_rate: str = Field(description="Share of tax on the net price; a decimal number.", examples=["0.1"])


class PriceBasis(BaseModel):
    """What the price of energy was made from, where it follows recommended windows or the spot price."""

    why: pricing.Why = Field(
        description="`window`: in a recommended window; `outside`: in none; `spot`: by the spot price of a slot;"
        " `unknown`: the spot price of the slot is not known, so that the price is the one beside it.",
        examples=["spot"],
    )
    begins_at: datetime | None = Field(description="Of the window or the slot; null without one.")
    ends_at: datetime | None = Field(description="From then on a start has another price; null where that is open.")
    spot_price: str | None = Field(
        description="Per kWh without tax, in yen, euros; may be negative. Null where it plays no part.",
        examples=["12.35"],
    )


class Follows(BaseModel):
    """What the price of energy follows. A session has the price of the moment in which it is started."""

    kind: FollowedKind = Field(
        description="`windows`: energy costs less in recommended windows; `spot`: it is made from the spot price.",
        examples=["spot"],
    )
    inside: str | None = Field(description="Per kWh in a recommended window, tax included; null for `spot`.")
    floor: str | None = Field(description="The least per kWh, tax included; null for `windows`.", examples=["15"])
    cap: str | None = Field(description="The most per kWh, tax included; null for `windows`.", examples=["60"])


class Price(Rates):
    """What charging costs at an outlet."""

    id: str = Field(
        description="Another price has another one: a start names it with `price_id`.",
        examples=["5f0c1d5a6b7e8f90123456789abcdef0"],
    )
    basis: PriceBasis | None = Field(description="Null where the price follows nothing.")
    time_zone: str = Field(description="By whose clock the bands hold. IANA name.", examples=["Asia/Tokyo"])


class OpeningHours(BaseModel):
    """When sessions may start at a site."""

    hours: str = Field(
        description="As OpenStreetMap writes them, by the site's clock; empty: always.",
        examples=["Mo-Fr 08:00-20:00; PH off"],
    )
    open: bool = Field(description="Now.", examples=[True])
    changes_at: datetime | None = Field(description="When it closes, or opens; null where neither is in sight.")


class Site(BaseModel):
    """Where an outlet is."""

    id: UUID
    name: str = Field(examples=["Sakura Mall car park"])
    place: str = Field(description="May be empty.", examples=["Setagaya, Tokyo"])
    time_zone: str = Field(description="IANA name.", examples=["Asia/Tokyo"])
    region: str | None = Field(
        description="Code of the region of the grid in which it lies; null where none was chosen.", examples=["JP-A03"]
    )
    opening: OpeningHours
    connected: bool = Field(description="The server is in contact with it now.", examples=[True])


class AskedLimit(Asked):
    """What a session is to be limited by."""

    kind: LimitKind = Field(description="`full`: until the car takes no more.", examples=["energy"])
    amount: Whole = Field(
        default=0,
        ge=0,
        le=10**12,
        description="Wh, seconds or minor units, by the kind; left out for `full`.",
        examples=[6000],
    )

    def read(self, currency: str) -> RequestedLimit:
        """Check it. Raises `BadLimit`."""
        return parse_limit(self.kind, str(self.amount), _UNITS.get(self.kind), currency)


class Limit(BaseModel):
    """What a session is limited by."""

    kind: LimitKind = Field(examples=["energy"])
    amount: int = Field(description="Wh, seconds or minor units, by the kind; 0 for `full`.", examples=[6000])


def money(minor: int, currency: str) -> Money:
    """Return an amount in minor units."""
    major = major_from_minor(minor, currency)
    return Money(amount_minor=minor, currency=currency, amount=f"{major:.{exponent(currency)}f}")


def price(what: pricing.Price) -> Price:
    """Return the price of an outlet or a session."""
    said = rates(what).model_dump()
    return Price(**said, id=what.fingerprint, basis=_basis(what.basis), time_zone=what.time_zone)


def rates(what: pricing.Price) -> Rates:
    """Return a price, wherever it holds."""
    least, most = (
        money(amount, what.currency) if amount is not None else None for amount in (what.min_minor, what.max_minor)
    )
    return Rates(
        per_kwh=f"{what.unit_price:f}",
        rates=[
            Rate(
                component=rate.component,
                amount=f"{what.gross(rate):f}",
                band=_band(rate.band) if rate.band is not None else None,
                free_s=rate.free_s,
            )
            for rate in in_order(what)
        ],
        minimum=least,
        maximum=most,
        currency=what.currency,
        tax_rate=f"{what.tax_rate:f}",
    )


def _basis(basis: pricing.Basis | None) -> PriceBasis | None:
    if basis is None:
        return None
    spot = f"{basis.spot:f}" if basis.spot is not None else None
    return PriceBasis(why=basis.why, begins_at=basis.begin, ends_at=basis.end, spot_price=spot)


def follows(following: Following | None, what: pricing.Price) -> Follows | None:
    """Return what a price follows, with the tax in it; None for nothing."""

    def gross(asked: Decimal) -> str:
        return f"{what.gross(pricing.Rate(component=Component.ENERGY, price=asked)):f}"

    match following:
        case FollowsWindows():
            return Follows(kind=FollowedKind.WINDOWS, inside=gross(following.inside), floor=None, cap=None)
        case FollowsSpot():
            floor, cap = gross(following.floor), gross(following.cap)
            return Follows(kind=FollowedKind.SPOT, inside=None, floor=floor, cap=cap)
        case None:
            return None


def _band(band: pricing.Band) -> Band:
    return Band(
        begins=clock(band.from_minute),
        ends=clock(band.to_minute),
        weekdays=[day + 1 for day in sorted(band.weekdays)],
        from_day=band.from_day,
        to_day=band.to_day,
    )


def site_of(outlet: Outlet, at: datetime) -> Site:
    """Return where an outlet is; its site is loaded."""
    site = outlet.site
    opening = sites.opening(site, at)
    return Site(
        id=site.id,
        name=site.name,
        place=site.place,
        time_zone=site.time_zone,
        region=site.region,
        opening=OpeningHours(
            hours=site.opening_hours,
            open=opening.is_open,
            changes_at=opening.closes if opening.is_open else opening.opens,
        ),
        connected=site.connected,
    )


class Page[Item: BaseModel](BaseModel):
    """A part of a list."""

    items: Sequence[Item]
    next: str | None = Field(
        default=None,
        description="Address of the next part; null at the end. It also stands in the header `Link`.",
        examples=["https://charge.example/api/v1/sessions?cursor=eyJ…"],
    )
