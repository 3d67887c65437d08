"""A configuration folder for automations, and a clock that only moves when it is told to."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from blueprinted import GoOn, Make, Pigeonhole, pigeonhole, settled, use
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, device_id
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed


@pytest.fixture(autouse=True)
async def messages_of_home_assistant(hass: HomeAssistant) -> None:
    """Let Home Assistant have notifications of its own, as it always has."""
    assert await async_setup_component(hass, "persistent_notification", {})


@pytest.fixture
def make(hass: HomeAssistant, tmp_path: Path) -> Make:
    """Return what makes automations."""

    async def make(name: str, **values: Any) -> str:
        return await use(hass, tmp_path / "config", name, **values)

    return make


@pytest.fixture
async def office(hass: HomeAssistant) -> Pigeonhole:
    """Return who is told, `notify.office`."""
    return await pigeonhole(hass)


@pytest.fixture
async def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> GoOn:
    """Return what lets time pass. It is noon, on Tuesday, in Japan."""
    await hass.config.async_set_time_zone("Asia/Tokyo")
    freezer.move_to(datetime(2026, 12, 1, 12, tzinfo=dt_util.get_default_time_zone()))

    async def go_on(at: str = "", step: timedelta = timedelta(minutes=1), **span: float) -> None:
        now = dt_util.now()
        if at:
            hour, minute = map(int, at.split(":"))
            end = now.replace(hour=hour, minute=minute, second=0)
            if end <= now:
                end += timedelta(days=1)
            # Nothing is awaited on the way.
            step = end - now
        else:
            end = now + timedelta(**span)
        while (now := dt_util.now()) < end:
            freezer.move_to(min(now + step, end))
            async_fire_time_changed(hass)
            await settled()

    return go_on


@pytest.fixture
def both(hass: HomeAssistant, place: MockConfigEntry) -> dict[str, list[str]]:
    """Return both outlets as a target."""
    return {"device_id": [device_id(hass, place, FIRST), device_id(hass, place, SECOND)]}


@pytest.fixture
def first(hass: HomeAssistant, place: MockConfigEntry) -> str:
    """Return the device of the first outlet."""
    return device_id(hass, place, FIRST)
