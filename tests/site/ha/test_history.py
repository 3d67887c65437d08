"""What the dashboard's history and environment cards are told, held against the meters."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from hypothesis import given
from hypothesis import strategies as st
from parts import FIRST, SECOND, act, ask, device_id
from past import ran
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from simulated import SimulatedOutlet

from custom_components.konsento import footprint
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.session import LOCAL, Session
from custom_components.konsento.history import energy_of

FACTORS = Path(__file__).parents[3] / "cloud/konsento/environment/computation/factors/data"
HALF = timedelta(minutes=30)


@pytest.fixture
async def midnight(hass: HomeAssistant) -> datetime:
    """Return when today began in the site's time zone: Japan's, whose days are not those of UTC."""
    await hass.config.async_set_time_zone("Asia/Tokyo")
    return dt_util.as_utc(dt_util.start_of_local_day())


def day(midnight: datetime, number: int = 0) -> str:
    return (dt_util.as_local(midnight).date() + timedelta(days=number)).isoformat()


def days_of(answer: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {each["day"]: each["wh"] for each in answer["result"]["days"]}


async def test_energy_counts_for_the_day_on_which_it_flowed_by_the_clock_on_the_wall(
    hass: HomeAssistant, place: MockConfigEntry, midnight: datetime, hass_ws_client: WebSocketGenerator
) -> None:
    journal = place.runtime_data.site.journal
    yesterday = midnight - timedelta(days=1)
    await ran(journal, FIRST, 1, {yesterday - HALF: 1_500_000, yesterday: 1_400_250, yesterday + HALF: 100_000})
    await ran(journal, SECOND, 2, {yesterday + 4 * HALF: 700_000})
    await ran(journal, SECOND, 2, {yesterday + 8 * HALF: 50_000}, note="staff car")

    period = {"entry_id": place.entry_id, "start": day(midnight, -2), "end": day(midnight)}
    days = await ask(hass_ws_client, "energy_by_day", **period)
    sessions = await ask(hass_ws_client, "sessions", **period)

    assert days_of(days) == {
        day(midnight, -2): {FIRST: 1500},
        day(midnight, -1): {FIRST: 1500.25, SECOND: 750},
        day(midnight): {},
    }
    assert {each["source"] for each in days["result"]["days"]} == {"sessions"}
    listed = sessions["result"]["sessions"]
    assert sum(each["energy_wh"] for each in listed) == sum(sum(wh.values()) for wh in days_of(days).values())
    assert [each["note"] for each in listed] == ["staff car", None, None]
    assert [each["start"] for each in listed] == sorted((each["start"] for each in listed), reverse=True)


async def test_what_flows_now_is_there_at_once_and_agrees_with_the_register(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, hass_ws_client: WebSocketGenerator
) -> None:
    before = outlet.lifetime_mwh
    await act(hass, "start_session", device_id=device_id(hass, place, FIRST), energy=10)
    outlet.pass_time(7)

    today = dt_util.now().date().isoformat()
    period = {"entry_id": place.entry_id, "start": today, "end": today}
    days = await ask(hass_ws_client, "energy_by_day", **period)
    (session,) = (await ask(hass_ws_client, "sessions", **period))["result"]["sessions"]

    taken = (outlet.lifetime_mwh - before) / 1000
    assert taken > 5
    assert sum(sum(wh.values()) for wh in days_of(days).values()) == session["energy_wh"] == taken
    assert (session["local"], session["end"], session["end_reason"]) == (True, None, None)
    assert session["outlet"] == FIRST


async def test_a_row_says_what_the_owner_may_know_and_no_more(
    hass: HomeAssistant, place: MockConfigEntry, midnight: datetime, hass_ws_client: WebSocketGenerator
) -> None:
    start = midnight - timedelta(hours=6)
    await ran(
        place.runtime_data.site.journal,
        FIRST,
        1,
        {start: 2_000_000},
        power_type="solar",
        supplier="Kaze",
        server="gone",
    )
    period = {"entry_id": place.entry_id, "start": day(midnight, -1), "end": day(midnight)}

    (row,) = (await ask(hass_ws_client, "sessions", **period))["result"]["sessions"]

    assert row.pop("session_id")
    assert row == {
        "outlet": FIRST,
        "evse": 1,
        "start": start.isoformat(),
        "end": (start + HALF).isoformat(),
        "energy_wh": 2000,
        "seconds": 1800,
        "energy_limit_wh": 100_000,
        "time_limit_s": None,
        "end_reason": "energy_limit_reached",
        "local": False,
        "note": None,
        "power_type": "solar",
        "supplier": "Kaze",
        "management_server": None,
    }


@given(
    st.dictionaries(st.integers(900_000, 900_300), st.integers(1, 10**7), max_size=20),
    st.integers(0, 10**7),
    st.integers(0, 5 * 86_400),
)
def test_the_days_of_a_session_add_up_to_its_energy(parts: dict[int, int], unknown: int, lasted: int) -> None:
    start = datetime(2026, 5, 1, 14, 59, tzinfo=UTC)
    session = Session(
        id="any",
        server=LOCAL,
        remote_start_id=1,
        outlet=FIRST,
        evse=1,
        limits=Limits(energy_wh=1),
        expires_at=start,
        register_start_mwh=0,
        half_hours=tuple(sorted(parts.items())),
        # What an earlier version measured without noting when.
        energy_mwh=sum(parts.values()) + unknown,
        started_at=start,
        ended_at=start + timedelta(seconds=lasted),
    )
    assert sum(energy_of(session).values()) == session.energy_mwh


@pytest.mark.parametrize(
    "period",
    [
        {"start": "2026-05-02", "end": "2026-05-01"},
        {"start": "2020-01-01", "end": "2026-05-01"},
    ],
)
@pytest.mark.parametrize("command", ["sessions", "energy_by_day", "environment"])
async def test_a_period_that_cannot_be_is_refused_in_words(
    hass: HomeAssistant,
    place: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    command: str,
    period: dict[str, str],
) -> None:
    answer = await ask(hass_ws_client, command, entry_id=place.entry_id, **period)
    assert answer["error"]["translation_key"] == "bad_period"


# --- environment


async def test_the_environment_of_a_period_is_told_by_power_type_and_supplier(
    hass: HomeAssistant, place: MockConfigEntry, midnight: datetime, hass_ws_client: WebSocketGenerator
) -> None:
    hass.config_entries.async_update_entry(place, options={"grid_factor": 400})
    journal = place.runtime_data.site.journal
    start = midnight - timedelta(hours=12)
    await ran(journal, FIRST, 1, {start: 6_000_000}, power_type="Solar", supplier="Hikari")
    await ran(journal, SECOND, 2, {start: 3_000_000}, power_type="gas", supplier="Kaze")
    await ran(journal, SECOND, 2, {start + 4 * HALF: 1_000_000})

    answer = await ask(
        hass_ws_client, "environment", entry_id=place.entry_id, start=day(midnight, -1), end=day(midnight, -1)
    )

    told = answer["result"]
    assert (told["start"], told["end"], told["wh"]) == (day(midnight, -1), day(midnight, -1), 10_000)
    assert [(each["power_type"], each["wh"], each["g_per_kwh"]) for each in told["by_power_type"]] == [
        ("solar", 6000, 48),
        ("gas", 3000, 490),
        (None, 1000, None),
    ]
    assert {each["supplier"]: each["wh"] for each in told["by_supplier"]} == {"Hikari": 6000, "Kaze": 3000, None: 1000}
    assert told["renewable_share"] == pytest.approx(0.6)
    assert told["grid"] == {"g_per_kwh": 400, "source": None}
    assert told["co2_by_grid_g"] == pytest.approx(4000)
    assert told["co2_by_type_g"] == pytest.approx(6 * 48 + 3 * 490)
    assert told["without_factor_wh"] == 1000
    # Nothing leaves this site.
    assert told["measurements"] is None


async def test_a_factor_that_is_not_known_is_not_guessed(
    hass: HomeAssistant, place: MockConfigEntry, midnight: datetime, hass_ws_client: WebSocketGenerator
) -> None:
    hass.config.country = "FR"
    await ran(place.runtime_data.site.journal, FIRST, 1, {midnight - HALF: 6_000_000})

    told = (
        await ask(hass_ws_client, "environment", entry_id=place.entry_id, start=day(midnight, -1), end=day(midnight))
    )["result"]

    assert (told["wh"], told["grid"], told["co2_by_grid_g"]) == (6000, None, None)
    assert (told["renewable_share"], told["co2_by_type_g"], told["without_factor_wh"]) == (None, 0, 6000)


async def test_power_types_are_told_only_for_days_whose_sessions_are_known(
    hass: HomeAssistant, place: MockConfigEntry, midnight: datetime, hass_ws_client: WebSocketGenerator
) -> None:
    told = (
        await ask(hass_ws_client, "environment", entry_id=place.entry_id, start=day(midnight, -90), end=day(midnight))
    )["result"]
    assert told["start"] == day(midnight, -61)


@pytest.mark.parametrize(
    ("options", "country", "g_per_kwh"),
    [
        ({}, "JP", 423),
        ({"measurements": {"region": "JP-13112"}}, None, 423),
        ({"measurements": {"region": "JP-47201"}}, "JP", 707),
        ({"measurements": {"region": "JP-A10"}}, "JP", 707),
        ({"grid_factor": 0}, "JP", 0),
        ({"grid_factor": 58.5, "measurements": {"region": "FR"}}, "FR", 58.5),
        ({}, "FR", None),
        ({}, None, None),
    ],
)
def test_the_grid_has_the_factor_of_its_owner_or_of_its_country(
    options: dict[str, Any], country: str | None, g_per_kwh: float | None
) -> None:
    found = footprint.grid_factor(options, country)
    assert (found.g_per_kwh if found else None) == g_per_kwh


def test_factors_are_those_of_the_computation_system() -> None:
    rows = [row for name in ("ipcc.csv", "japan.csv") for row in csv.DictReader((FACTORS / name).open())]
    lifecycle = {row["power_type"]: float(row["value"]) for row in rows if row["kind"] == "lifecycle"}
    grid = {row["region"]: round(float(row["value"]) * 1_000_000) for row in rows if row["kind"] == "grid_average"}
    sources = {
        kind: {(row["title"], row["url"], row["edition"]) for row in rows if row["kind"] == kind}
        for kind in ("lifecycle", "grid_average")
    }

    # What nobody sells at an outlet has no word there.
    assert {kind: g for kind, g in lifecycle.items() if kind != "nuclear"} == footprint.LIFECYCLE
    assert grid == footprint.GRID_AVERAGE
    for kind, source in (("lifecycle", footprint.LIFECYCLE_SOURCE), ("grid_average", footprint.GRID_SOURCE)):
        assert sources[kind] == {(source["title"], source["url"], source["edition"])}
