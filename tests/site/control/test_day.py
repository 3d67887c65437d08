"""Today's energy: the days add up to what was measured, whatever was missed at midnight."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.konsento.control.day import DayEnergy
from custom_components.konsento.control.journal import Journal

MONDAY = datetime(2026, 10, 26, 12, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """Return an open journal."""
    opened = Journal(tmp_path / "journal.sqlite3")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def day(tmp_path: Path) -> DayEnergy:
    """Return one that has read nothing; its journal is not used."""
    return DayEnergy(Journal(tmp_path / "unused.sqlite3"))


def test_an_outlet_that_is_new_has_used_nothing_yet(day: DayEnergy) -> None:
    day.take("a", 5_000, MONDAY)
    assert day.energy_mwh(MONDAY.date()) == 0


def test_outlets_are_added_up(day: DayEnergy) -> None:
    for outlet, register in (("a", 100), ("b", 900), ("a", 150), ("b", 1000)):
        day.take(outlet, register, MONDAY)
    assert day.energy_mwh(MONDAY.date()) == 150


def test_a_new_day_begins_with_nothing_before_any_outlet_has_reported(day: DayEnergy) -> None:
    day.take("a", 100, MONDAY)
    day.take("a", 400, MONDAY)
    assert day.energy_mwh(TUESDAY.date()) == 0


def test_an_outlet_that_was_away_at_midnight_brings_what_it_took_meanwhile(day: DayEnergy) -> None:
    day.take("a", 100, MONDAY)
    day.take("a", 400, MONDAY)
    day.take("a", 460, WEDNESDAY)
    assert day.energy_mwh(WEDNESDAY.date()) == 60


@pytest.mark.parametrize("nothing", [None, 0])
def test_an_outlet_that_has_not_said_its_register_yet_makes_no_spike(day: DayEnergy, nothing: int | None) -> None:
    for register in (5_000, 5_200, nothing, 5_300):
        day.take("a", register, MONDAY)
    assert day.energy_mwh(MONDAY.date()) == 300


def test_a_register_that_begins_anew_takes_nothing_back_and_has_counted_from_nothing(day: DayEnergy) -> None:
    for register in (5_000, 5_200, 10, 60):
        day.take("a", register, MONDAY)
    assert day.energy_mwh(MONDAY.date()) == 260


def test_another_register_adds_nothing(day: DayEnergy) -> None:
    for register in (5_000_000, 5_000_200, 9_000_000_000, 9_000_000_050, 7_000_000_000, 7_000_000_001):
        day.take("a", register, MONDAY)
    assert day.energy_mwh(MONDAY.date()) == 251


async def test_what_an_earlier_version_kept_goes_on(journal: Journal) -> None:
    await journal.remember("day", "a", {"day": "2026-10-26", "base_mwh": 100, "last_mwh": 400})
    day = DayEnergy(journal)
    await day.open()
    day.take("a", 450, MONDAY)
    assert day.energy_mwh(MONDAY.date()) == 350


async def test_a_restart_forgets_nothing(journal: Journal) -> None:
    day = DayEnergy(journal)
    day.take("a", 100, MONDAY)
    day.take("a", 400, MONDAY)
    await day.save()

    later = DayEnergy(journal)
    await later.open()
    assert later.energy_mwh(MONDAY.date()) == 300
    later.take("a", 450, MONDAY)
    assert later.energy_mwh(MONDAY.date()) == 350
    later.take("a", 500, TUESDAY)
    assert later.energy_mwh(TUESDAY.date()) == 50


async def test_a_removed_outlet_counts_for_its_last_day_and_is_forgotten(journal: Journal) -> None:
    day = DayEnergy(journal)
    day.take("a", 100, MONDAY)
    day.take("a", 400, MONDAY)
    await day.save()
    await day.keep([], MONDAY.date())
    assert day.energy_mwh(MONDAY.date()) == 300
    await day.keep([], TUESDAY.date())

    assert await journal.remembered("day") == {}


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(0, 1), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_the_days_add_up_to_what_was_measured(steps: list[tuple[int, int, bool]]) -> None:
    day = DayEnergy(Journal(Path("unused")))
    register, today, total = 1_000, MONDAY, 0
    day.take("a", register, today)
    heard = register
    for taken, days, present in steps:
        if days:
            total += day.energy_mwh(today.date())
            today += timedelta(days=days)
        register += taken
        if present:
            day.take("a", register, today)
            heard = register
    assert total + day.energy_mwh(today.date()) == heard - 1_000
