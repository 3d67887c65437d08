"""Setting what a tariff is from a moment on: for provisioning files and for the back office.

A price that something may have been sold at is never overwritten: it ends, and a new one begins.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue import checks
from konsento.catalogue.errors import (
    BadCarbon,
    BadSupplierCode,
    SupplierMissing,
    TariffHasBegun,
    TariffNameMissing,
)
from konsento.kit.ids import new_id
from konsento.models import Tariff
from konsento.pricing import Component, Price, Rate
from konsento.pricing.following import Following, FollowsSpot, FollowsWindows
from konsento.pricing.price import plain

LONGEST_NAME: Final = 64
LONGEST_SUPPLIER: Final = 100
SUPPLIER_CODE: Final = "[A-Z0-9][A-Z0-9_-]{0,31}"
"""Form of a registration number (docs/contracts.md §4)."""
CARBON_BELOW: Final = 5_000
"""g of CO2 equivalent per kWh: several times that of the dirtiest power there is."""


@dataclass(frozen=True, kw_only=True)
class WantedTariff:
    """What a tariff shall be."""

    name: str
    rates: tuple[Rate, ...]
    currency: str
    tax_rate: Decimal
    tax_included: bool = True
    following: Following | None = None
    """What the price of energy follows; None for nothing."""
    min_minor: int | None = None
    max_minor: int | None = None
    power_type: str
    supplier: str
    supplier_code: str = ""
    """The supplier's registration number, empty for none."""
    carbon_g_per_kwh: int | None = None
    """None where it is not known."""

    @property
    def price(self) -> Price:
        """What charging costs at it, by a clock that is not said yet."""
        return Price(
            currency=self.currency,
            tax_rate=self.tax_rate,
            tax_included=self.tax_included,
            rates=self.rates,
            min_minor=self.min_minor,
            max_minor=self.max_minor,
        )

    def columns(self) -> dict[str, Any]:
        """Return what the tariff's row says."""
        said = {name: value for name, value in vars(self).items() if name != "following"}
        return said | {
            "rates": [rate.to_dict() for rate in self.rates],
            "unit_price": self.price.unit_price,
            "follows": self.following.to_dict() if self.following is not None else None,
        }


def check(wanted: WantedTariff) -> None:
    """Raise a subclass of `BadTariff` for what cannot be a tariff."""
    if not 0 < len(wanted.name) <= LONGEST_NAME:
        raise TariffNameMissing(most=LONGEST_NAME)
    if not 0 < len(wanted.supplier) <= LONGEST_SUPPLIER:
        raise SupplierMissing(most=LONGEST_SUPPLIER)
    if wanted.supplier_code and not re.fullmatch(SUPPLIER_CODE, wanted.supplier_code):
        raise BadSupplierCode
    checks.check_price(wanted.price)
    if wanted.following is not None:
        checks.check_following(wanted.price, wanted.following)
    if wanted.carbon_g_per_kwh is not None and not 0 <= wanted.carbon_g_per_kwh < CARBON_BELOW:
        raise BadCarbon(below=CARBON_BELOW)


def said(price: Price, following: Following | None) -> str:
    """Return the rates of a price, and what it follows, in short: for whoever reads a log."""
    per = {Component.ENERGY: "kWh", Component.TIME: "min", Component.SESSION: "session", Component.IDLE: "idle min"}
    parts = [
        f"{plain(rate.price)} {price.currency} per {per[rate.component]}{' in a band' if rate.band else ''}"
        for rate in price.rates
    ]
    match following:
        case FollowsWindows():
            parts.append(f"{plain(following.inside)} {price.currency} per kWh in recommended windows")
        case FollowsSpot():
            numbers = {name: plain(number) for name, number in vars(following).items()}
            parts.append("spot × {factor} + {plus} per kWh, from {floor} to {cap}".format(**numbers))
    return ", ".join(parts)


async def apply_tariff(session: AsyncSession, wanted: WantedTariff, at: datetime) -> str | None:
    """Make a tariff, or follow it by a new one from `at` on; returns what was changed, None for nothing.

    A price that is planned already for later still begins then. Raises a subclass of `BadTariff`.
    """
    check(wanted)
    rows = await _rows(session, wanted.name)
    current = next((row for row in rows if row.valid_from <= at and (row.valid_to is None or row.valid_to > at)), None)
    later = next((row for row in rows if row.valid_from > at), None)
    values = wanted.columns()
    if current is not None:
        if all(getattr(current, name) == value for name, value in values.items()):
            return None
        if current.valid_from == at:
            # It would hold for no time at all.
            await session.delete(current)
        else:
            current.valid_to = at
        await session.flush()
    until = later.valid_from if later is not None else None
    session.add(Tariff(id=new_id(), valid_from=at, valid_to=until, **values))
    await session.flush()
    return f"tariff {wanted.name}: {said(wanted.price, wanted.following)}"


async def withdraw(session: AsyncSession, tariff: Tariff, now: datetime) -> None:
    """Take back a price that has not begun; the one before it goes on. Raises `TariffHasBegun`."""
    if tariff.valid_from <= now:
        raise TariffHasBegun
    for row in await _rows(session, tariff.name):
        if row.valid_to == tariff.valid_from:
            row.valid_to = tariff.valid_to
    await session.delete(tariff)
    await session.flush()


async def _rows(session: AsyncSession, name: str) -> list[Tariff]:
    return list(await session.scalars(select(Tariff).where(Tariff.name == name).order_by(Tariff.valid_from)))


async def tariff_names(session: AsyncSession) -> set[str]:
    """Return the names of all tariffs that have no end."""
    return set(await session.scalars(select(Tariff.name).where(Tariff.valid_to.is_(None))))
