"""What several resources are made of."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict

from konsento.charging.limits import RequestedLimit, parse_limit
from konsento.kit.money import exponent, major_from_minor
from konsento.models import LimitKind, Outlet
from konsento.sites import service as sites

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


class Price(BaseModel):
    """What energy costs."""

    per_kwh: str = Field(description="Per kWh in yen, euros, tax included; a decimal number.", examples=["38.5"])
    currency: str = Field(description="ISO 4217.", examples=["JPY"])
    tax_rate: str = Field(description="Share of tax on the net price; a decimal number.", examples=["0.1"])


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


def price(unit_price: Decimal, currency: str, tax_rate: Decimal) -> Price:
    """Return a price per kWh."""
    return Price(per_kwh=f"{unit_price:f}", currency=currency, tax_rate=f"{tax_rate:f}")


def site_of(outlet: Outlet, at: datetime) -> Site:
    """Return where an outlet is; its site is loaded."""
    site = outlet.site
    opening = sites.opening(site, at)
    return Site(
        id=site.id,
        name=site.name,
        place=site.place,
        time_zone=site.time_zone,
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
