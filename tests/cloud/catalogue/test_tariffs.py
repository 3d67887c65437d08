"""Tariffs: whatever was set and withdrawn, every moment has the price that was said for it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue import service as catalogue
from konsento.catalogue.apply import WantedTariff, apply_tariff, withdraw
from konsento.catalogue.errors import BadTariff, NoTariff
from konsento.kit.db import Database
from konsento.pricing import Band, Component, Rate

from ..databases import Template

DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)


def energy(price: str | int, band: Band | None = None) -> Rate:
    return Rate(component=Component.ENERGY, price=Decimal(price), band=band)


PRICE = WantedTariff(
    name="day",
    rates=(energy(38),),
    currency="JPY",
    tax_rate=Decimal("0.1"),
    power_type="solar",
    supplier="Sakura Energy",
)
MOMENTS = st.integers(min_value=0, max_value=8)
STEPS = st.lists(st.tuples(st.sampled_from(["set", "withdraw"]), MOMENTS, st.integers(1, 3)), max_size=12)


@dataclass
class Plan:
    """What was said, the simple way: from which day which price."""

    prices: dict[int, int] = field(default_factory=dict)

    def at(self, day: int) -> int | None:
        begun = [begin for begin in self.prices if begin <= day]
        return self.prices[max(begun)] if begun else None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_every_moment_has_the_price_that_was_said_for_it(
    migrated: Template, steps: list[tuple[str, int, int]]
) -> None:
    plan = Plan()
    database = Database(migrated.url)
    async with AsyncSession(database.engine) as session:  # rolled back at its end
        for what, day, price in steps:
            at = START + day * DAY
            if what == "set":
                if plan.at(day) != price:
                    plan.prices[day] = price
                await apply_tariff(session, replace(PRICE, rates=(energy(price),)), at)
                continue
            for row in await catalogue.tariffs_from(session, START - DAY):
                if row.valid_from == at:
                    await withdraw(session, row, START - DAY)
                    del plan.prices[day]
        assert [await price_at(session, day) for day in range(10)] == [plan.at(day) for day in range(10)]
        rows = await catalogue.tariffs_from(session, START - DAY)
        assert [row.valid_to for row in rows] == [*[row.valid_from for row in rows[1:]], None][: len(rows)]
    await database.close()


async def price_at(session: AsyncSession, day: int) -> Decimal | None:
    try:
        return (await catalogue.tariff_in_force(session, "day", START + day * DAY)).unit_price
    except NoTariff:
        return None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"supplier": "x" * 101},
        {"rates": (energy(-1),)},
        {"rates": (energy("1E-9"),)},
        {"tax_rate": Decimal(1)},
    ],
)
async def test_what_cannot_be_a_tariff_gets_in_by_no_way(migrated: Template, wrong: dict[str, object]) -> None:
    database = Database(migrated.url)
    with pytest.raises(BadTariff):
        async with database.transaction() as session:
            await apply_tariff(session, replace(PRICE, **wrong), START)
    await database.close()
