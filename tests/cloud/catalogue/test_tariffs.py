"""Tariffs: whatever was set and withdrawn, every moment has the price that was said for it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue import service as catalogue
from konsento.catalogue.apply import WantedTariff, apply_tariff, withdraw
from konsento.catalogue.checks import overlap
from konsento.catalogue.errors import BadTariff, NoTariff
from konsento.kit.db import Database
from konsento.pricing import Band, Component, Rate

from ..databases import Template
from ..examples import up_to
from ..pricing.prices import BANDS

DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)


def energy(price: str | int, band: Band | None = None) -> Rate:
    return Rate(component=Component.ENERGY, price=Decimal(price), band=band)


NIGHT = Band(from_minute=22 * 60, to_minute=6 * 60)
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


@settings(max_examples=up_to(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
        {"rates": ()},
        {"rates": (energy(1),) * 21},
        {"rates": (energy(1), energy(2))},
        {"rates": (energy(1, NIGHT),)},
        {"rates": (energy(1), energy(2, NIGHT), energy(3, Band(from_minute=300)))},
        {"rates": (energy(1), energy(2, replace(NIGHT, weekdays=frozenset())))},
        {"rates": (energy(1), energy(2, replace(NIGHT, from_day="02-30")))},
        {"rates": (energy(1), energy(2, replace(NIGHT, to_minute=1441)))},
        {"rates": (replace(energy(1), free_s=60),)},
        {"rates": (replace(energy(1), component=Component.IDLE),)},
        {"rates": (energy("0.12345678"),), "tax_rate": Decimal("0.1234"), "tax_included": False},
        {"min_minor": -1},
        {"max_minor": 10**6},
        {"min_minor": 200, "max_minor": 100},
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


@pytest.mark.parametrize(
    ("other", "both"),
    [
        (Band(from_minute=6 * 60, to_minute=22 * 60), False),
        (Band(from_minute=5 * 60, to_minute=7 * 60), True),
        (Band(from_minute=5 * 60, to_minute=7 * 60, from_day="06-01", to_day="08-31"), True),
        (Band(from_minute=0, to_minute=60), True),
    ],
)
def test_bands_overlap_where_a_minute_of_any_day_is_in_both(other: Band, *, both: bool) -> None:
    assert overlap(NIGHT, other) is both
    assert overlap(other, NIGHT) is both


def test_a_night_reaches_into_the_day_after() -> None:
    friday = replace(NIGHT, weekdays=frozenset({4}))
    summer = replace(NIGHT, from_day="06-01", to_day="08-31")

    assert overlap(friday, Band(to_minute=60, weekdays=frozenset({5})))
    assert not overlap(friday, Band(to_minute=60, weekdays=frozenset({4})))
    assert overlap(summer, Band(to_minute=60, from_day="09-01", to_day="09-30"))
    assert not overlap(summer, Band(from_minute=360, to_minute=1320, from_day="09-01", to_day="09-30"))
    assert not overlap(summer, replace(NIGHT, from_day="09-02", to_day="09-30"))


@given(
    one=BANDS,
    other=BANDS,
    moments=st.lists(st.tuples(st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.integers(0, 1439))),
)
def test_where_bands_do_not_overlap_no_moment_has_two_rates(
    one: Band, other: Band, moments: list[tuple[date, int]]
) -> None:
    moments += [(date(2024, 1, 1) + timedelta(days=at), one.from_minute) for at in range(0, 366, 5)]

    if any(one.has(*moment) and other.has(*moment) for moment in moments):
        assert overlap(one, other)
