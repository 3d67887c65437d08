"""Days of before the journal: from the recorder's statistics of the lifetime registers."""

from datetime import datetime, timedelta
from unittest.mock import MagicMock

import pytest
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.models import StatisticData, StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from parts import FIRST, ask
from past import ran
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import WebSocketGenerator


@pytest.fixture(autouse=True)
def integration(
    recorder_mock: Recorder, enable_custom_integrations: None, mock_async_zeroconf: MagicMock, socket_enabled: None
) -> None:
    """As for all tests of a site, in a Home Assistant that records, which has to be so from its beginning."""


@pytest.fixture
async def recorded(hass: HomeAssistant, place: MockConfigEntry) -> MockConfigEntry:
    """Return the site in a Home Assistant that records, in Japan."""
    await hass.config.async_set_time_zone("Asia/Tokyo")
    return place


def record(hass: HomeAssistant, hours: dict[datetime, float]) -> None:
    """Write hourly statistics of the lifetime register of A1, kWh, as the recorder keeps them."""
    metadata = StatisticMetaData(
        has_mean=False,
        has_sum=True,
        mean_type=StatisticMeanType.NONE,
        name=None,
        source="recorder",
        statistic_id="sensor.a1_lifetime_energy",
        unit_class="energy",
        unit_of_measurement="kWh",
    )
    # The sum counts from the first reading.
    first = min(hours.values())
    rows = [StatisticData(start=hour, state=kwh, sum=kwh - first) for hour, kwh in sorted(hours.items())]
    async_import_statistics(hass, metadata, rows)


async def test_older_days_come_from_the_registers_and_newer_ones_from_the_sessions_never_from_both(
    hass: HomeAssistant, recorded: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    midnight = dt_util.as_utc(dt_util.start_of_local_day())
    old = midnight - timedelta(days=75)
    hour = timedelta(hours=1)
    record(
        hass,
        {
            old - 2 * hour: 100.0,
            # Two kWh before midnight in Japan, three after it; the recorder knows of yesterday, too.
            old - hour: 102.0,
            old: 103.5,
            old + hour: 105.0,
            midnight - 2 * hour: 105.0,
            midnight - hour: 109.0,
        },
    )
    await async_wait_recording_done(hass)
    await ran(recorded.runtime_data.site.journal, FIRST, 1, {midnight - 2 * hour: 4_000_500})

    def day(moment: datetime) -> str:
        return dt_util.as_local(moment).date().isoformat()

    answer = await ask(
        hass_ws_client,
        "energy_by_day",
        entry_id=recorded.entry_id,
        start=day(old - 2 * hour),
        end=day(midnight),
    )

    days = {each["day"]: each for each in answer["result"]["days"]}
    assert days[day(old - 2 * hour)] == {"day": day(old - 2 * hour), "source": "statistics", "wh": {FIRST: 2000}}
    assert days[day(old)]["wh"] == {FIRST: 3000}
    # Nothing is known of that day.
    assert days[day(old + timedelta(days=1))]["wh"] == {}
    assert days[day(midnight - hour)] == {"day": day(midnight - hour), "source": "sessions", "wh": {FIRST: 4000.5}}
    assert len(days) == 77
