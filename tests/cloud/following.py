"""Prices that follow the grid, and spot prices, in a test's database."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import update

from konsento.grid import spot
from konsento.grid.records import SpotSlot
from konsento.models import Tariff
from konsento.pricing.following import Following, FollowsSpot, FollowsWindows
from konsento.services import Services

from .recommended import REGION, recommend

SPOT = FollowsSpot(factor=Decimal(100), plus=Decimal(1000), floor=Decimal(1000), cap=Decimal(5000))
"""Of `demo`, whose energy costs 3,850 yen a kWh where no spot price is known."""
WINDOWS = FollowsWindows(inside=Decimal(2000))


async def follow(services: Services, following: Following, **columns: object) -> None:
    """Have every tariff follow that, whatever was said before; all sites lie in one region, without windows yet."""
    await recommend(services)
    async with services.database.transaction() as session:
        await session.execute(update(Tariff).values(follows=following.to_dict(), **columns))


async def traded(
    services: Services,
    begin: datetime,
    *prices: str,
    minutes: int = 30,
    currency: str = "JPY",
    region: str = REGION,
) -> None:
    """Have power cost that on the spot market, slot after slot."""
    slots = [
        SpotSlot(
            region=region,
            begin=begin + number * timedelta(minutes=minutes),
            minutes=minutes,
            price=Decimal(price),
            currency=currency,
        )
        for number, price in enumerate(prices)
    ]
    async with services.database.transaction() as session:
        await spot.keep(session, slots, services.clock.now())
