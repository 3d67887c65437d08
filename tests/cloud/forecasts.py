"""Forecasts of a made-up region: sunny days with numbers that can be checked by hand."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import update

from konsento.grid import series
from konsento.grid.decisions import decide
from konsento.grid.finding import day_bounds
from konsento.grid.records import BalanceSlot, FirstType, Series, Supply
from konsento.grid.regions import find_region
from konsento.grid.rule import Rule
from konsento.kit.ids import new_id
from konsento.models import GridRegion, GridSource, Site
from konsento.services import Services

from .recommended import REGION

ZONE = "Asia/Tokyo"
DEMAND = 1000
"""kWh in each slot of half an hour."""


def slot(begin: datetime, surplus: int, share: int, *, minutes: int = 30, region: str = REGION) -> BalanceSlot:
    """Return a slot with so many percent of surplus and so many percent of the first type in supply."""
    supply = DEMAND * (100 + surplus) // 100
    return BalanceSlot(
        region=region,
        begin=begin,
        minutes=minutes,
        demand_kwh=DEMAND,
        supply_kwh=supply,
        supply=Supply.GENERATION,
        first_kwh=supply * share // 100,
        first=FirstType.WIND_SOLAR,
        series=Series.FORECAST,
    )


def sunny(day: date, sun: tuple[int, int] = (8, 16), zone: str = ZONE) -> list[BalanceSlot]:
    """Return a day with a surplus of 10 % and 40 % of sun in these hours of the clock, and else neither."""
    begin, end = day_bounds(day, zone)
    count = int((end - begin) / timedelta(minutes=30))
    hours = [begin + n * timedelta(minutes=30) for n in range(count)]
    first, last = (begin + timedelta(hours=hour) for hour in sun)
    return [slot(at, 10, 40) if first <= at < last else slot(at, -5, 10) for at in hours]


def shining(day: date) -> list[BalanceSlot]:
    """Return a day as it looks on a chart: sun from six to eighteen, and a surplus around noon."""
    begin, _ = day_bounds(day, ZONE)
    found = []
    for n in range(48):
        hour = n / 2
        sun = max(0, round(52 * (1 - ((hour - 12.5) / 6.5) ** 2)))
        found.append(slot(begin + n * timedelta(minutes=30), 10 if sun > 40 else -5, 8 + sun))
    return found


async def keep_forecast(
    services: Services, slots: Sequence[BalanceSlot], rule: Rule | None = None, *, name: str = "forecast"
) -> UUID:
    """Have a source tell these slots; returns the source. The region is there afterwards, and advises."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        if await session.get(GridRegion, REGION) is None:
            session.add(
                GridRegion(
                    code=REGION,
                    name_en="Tokyo",
                    name_ja="東京",
                    time_zone=ZONE,
                    rule=(rule or Rule()).to_dict(),
                    advises=True,
                )
            )
            await session.flush()
        source = GridSource(id=new_id(), name=f"{name} {new_id()}", format="jp_area", region=REGION)
        session.add(source)
        await session.flush()
        await series.keep(session, source.id, slots, now)
        return source.id


async def forecast_two_days(services: Services) -> None:
    """Have today and tomorrow be sunny where all sites lie, and both be decided."""
    today = services.clock.now().astimezone(ZoneInfo(ZONE)).date()
    days = (today, today + timedelta(days=1))
    await keep_forecast(services, [one for day in days for one in sunny(day)])
    async with services.database.transaction() as session:
        await session.execute(update(Site).values(region=REGION))
        for day in days:
            await decide(session, await find_region(session, REGION), day, services.clock.now())
