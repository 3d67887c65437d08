"""What several suppliers sell at the outlets of these tests."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento import provisioning
from konsento.models import WITH_OFFERS, Metering, Outlet
from konsento.settings import Settings
from konsento.sites import setup

WIND = "B0012"
"""Code of a supplier that sells by contract."""
SUPPLY = f"""
[[power_types]]
word = "roof"
parent = "solar"
name_en = "Our own roof"
name_ja = "当店の屋根"

[[suppliers]]
code = "{WIND}"
name = "Kaze Power"
contact = "sales@kaze.example"
invoice_number = "T7000012050002"

[[suppliers.contracts]]
from = 2026-11-01T00:00:00Z
supplier_share = "0.7"
owner_share = "0.1"

[[tariffs]]
name = "roof"
unit_price = "30"
power_type = "roof"
supplier = "Sakura Energy"

[[tariffs]]
name = "wind"
unit_price = "42.5"
power_type = "wind"
supplier = "Kaze Power"
supplier_code = "{WIND}"
carbon_g_per_kwh = 25

[[tariffs]]
name = "by-time"
per_minute = "2"
power_type = "gas"
supplier = "Sakura Energy"
carbon_g_per_kwh = 490
"""


async def supply(session: AsyncSession, at: datetime) -> None:
    """Make suppliers, tariffs and a power type that are not sold at any outlet yet."""
    await provisioning.apply(session, provisioning.parse(SUPPLY), Settings(), at)


async def sell(
    session: AsyncSession,
    code: str,
    names: Sequence[str],
    metering: Metering = Metering.VERIFIED,
    metering_class: str = "",
) -> None:
    """Sell these at an outlet, in this order, by a meter of that kind."""
    outlet = await session.scalar(select(Outlet).where(Outlet.code == code).options(WITH_OFFERS))
    assert outlet is not None
    setup.set_offers(outlet, names)
    await session.execute(
        update(Outlet).where(Outlet.code == code).values(metering=metering, metering_class=metering_class)
    )
