"""Tariffs in force and coming."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.errors import NoTariff
from konsento.models import Tariff
from konsento.pricing import Price, Rate
from konsento.pricing.following import Following, following_from


def price_of(tariff: Tariff, time_zone: str) -> Price:
    """Return what charging costs at a tariff, where the clock is that of `time_zone`.

    What its energy follows is left out (`catalogue.slots`).
    """
    return Price(
        currency=tariff.currency,
        tax_rate=tariff.tax_rate,
        tax_included=tariff.tax_included,
        rates=tuple(Rate.from_dict(rate) for rate in tariff.rates),
        min_minor=tariff.min_minor,
        max_minor=tariff.max_minor,
        time_zone=time_zone,
    )


def following_of(tariff: Tariff) -> Following | None:
    """Return what a tariff's price of energy follows; None for nothing."""
    return following_from(tariff.follows)


async def tariff_in_force(session: AsyncSession, name: str | None, at: datetime) -> Tariff:
    """Return the tariff of this name that counts at a moment. Raises `NoTariff`, also without a name."""
    query = (
        select(Tariff)
        .where(Tariff.name == name, Tariff.valid_from <= at, or_(Tariff.valid_to.is_(None), Tariff.valid_to > at))
        .order_by(Tariff.valid_from.desc())
        .limit(1)
    )
    tariff = await session.scalar(query)
    if tariff is None:
        raise NoTariff
    return tariff


async def tariffs_in_force(
    session: AsyncSession, at: datetime, names: Collection[str] | None = None
) -> dict[str, Tariff]:
    """Return the tariff of every name, or of these names, that counts at a moment."""
    query = (
        select(Tariff)
        .where(Tariff.valid_from <= at, or_(Tariff.valid_to.is_(None), Tariff.valid_to > at))
        .order_by(Tariff.name, Tariff.valid_from)
    )
    if names is not None:
        query = query.where(Tariff.name.in_(names))
    # Of several of one name the last one to begin counts.
    return {tariff.name: tariff for tariff in await session.scalars(query)}


async def tariffs_between(
    session: AsyncSession, begin: datetime, until: datetime, names: Collection[str]
) -> list[Tariff]:
    """Return the tariffs of these names that count at some moment of a time, by name and time."""
    query = (
        select(Tariff)
        .where(Tariff.name.in_(names), Tariff.valid_from < until)
        .where(or_(Tariff.valid_to.is_(None), Tariff.valid_to > begin))
        .order_by(Tariff.name, Tariff.valid_from)
    )
    return list(await session.scalars(query))


async def tariffs_from(session: AsyncSession, at: datetime) -> list[Tariff]:
    """Return every tariff that counts at a moment or will count later, by name and time."""
    query = (
        select(Tariff)
        .where(or_(Tariff.valid_to.is_(None), Tariff.valid_to > at))
        .order_by(Tariff.name, Tariff.valid_from)
    )
    return list(await session.scalars(query))
