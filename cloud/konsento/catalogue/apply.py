"""Bringing tariffs to what a provisioning file says.

A price is never overwritten: the old one ends, a new one begins.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import Tariff


@dataclass(frozen=True, kw_only=True)
class WantedTariff:
    """What a tariff shall be."""

    name: str
    unit_price: Decimal
    currency: str
    tax_rate: Decimal
    power_type: str
    supplier: str
    supplier_code: str = ""


async def apply_tariff(session: AsyncSession, wanted: WantedTariff, at: datetime) -> str | None:
    """Make a tariff, or follow it by a new one from `at` on; returns what was changed, None for nothing."""
    current = await session.scalar(select(Tariff).where(Tariff.name == wanted.name, Tariff.valid_to.is_(None)))
    values = vars(wanted)
    if current is not None:
        if all(getattr(current, name) == value for name, value in values.items()):
            return None
        current.valid_to = at
    session.add(Tariff(id=new_id(), valid_from=at, **values))
    await session.flush()
    return f"tariff {wanted.name}: {wanted.unit_price} {wanted.currency} per kWh"


async def tariff_names(session: AsyncSession) -> set[str]:
    """Return the names of all tariffs that have no end."""
    return set(await session.scalars(select(Tariff.name).where(Tariff.valid_to.is_(None))))
