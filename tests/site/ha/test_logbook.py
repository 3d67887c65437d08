"""The activity log in plain words, as Home Assistant's pages ask for it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import MagicMock

import pytest
from csms import Csms, start_request
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_load_integrations
from homeassistant.setup import async_setup_component
from parts import FIRST, act, device_id, link
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.const import DOMAIN
from custom_components.konsento.control.windows import Window
from custom_components.konsento.control.words import EndReason, OutletState


@pytest.fixture(autouse=True)
def integration(
    recorder_mock: Recorder, enable_custom_integrations: None, mock_async_zeroconf: MagicMock, socket_enabled: None
) -> None:
    """Have a recorder before Home Assistant begins; the rest as for the other tests."""


@pytest.fixture
async def logged(hass: HomeAssistant, place: MockConfigEntry) -> AsyncIterator[MockConfigEntry]:
    """Return a site whose activity is logged."""
    assert await async_setup_component(hass, "logbook", {})
    yield place
    await hass.async_block_till_done()


@pytest.fixture
def read(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> Any:
    """Return what asks for the sentences about devices, all without one."""

    async def ask(*devices: str) -> list[str]:
        await async_wait_recording_done(hass)
        socket = await hass_ws_client(hass)
        start = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        wish: dict[str, Any] = {"type": "logbook/get_events", "start_time": start}
        if devices:
            wish["device_ids"] = list(devices)
        await socket.send_json_auto_id(wish)
        answer = await socket.receive_json()
        ours = [row for row in answer["result"] if row.get("domain") == "konsento"]
        return [f"{row['name']} {row['message']}" for row in ours]

    return ask


async def speak(hass: HomeAssistant, language: str) -> None:
    """Let Home Assistant have another language, and its texts loaded as it does itself."""
    await hass.config.async_update(language=language)
    await async_load_integrations(hass, {DOMAIN})


def show(outlet: SimulatedOutlet, **values: Any) -> None:
    for name, value in values.items():
        setattr(outlet, name, value)
    outlet.changed()


async def live(hass: HomeAssistant, outlet: SimulatedOutlet) -> None:
    """Run a session of the owner that is suspended, goes on and reaches its limit, and some trouble afterwards."""
    await act(hass, "start_session", evse=1, energy=1.5)
    await hass.async_block_till_done()
    show(outlet, state=OutletState.SUSPENDED, fault="meter_silent", energy_mwh=250_000, supply_s=300.0)
    await until(hass, lambda: _last(hass) == "session_suspended")
    show(outlet, state=OutletState.SUPPLYING, fault="")
    await until(hass, lambda: _last(hass) == "session_resumed")
    outlet._end(EndReason.ENERGY_LIMIT)
    show(outlet, energy_mwh=1_500_000, supply_s=5400.0)
    await until(hass, lambda: _last(hass) == "session_ended")
    show(outlet, fault="welded_contact")
    show(outlet, fault="", more={"button": True})
    show(outlet, online=False, more={})
    show(outlet, online=True)
    await hass.async_block_till_done()


def _last(hass: HomeAssistant) -> str | None:
    news = hass.states.get("event.a1_news")
    assert news
    told: str | None = news.attributes["event_type"]
    return told


async def test_what_happens_at_an_outlet_is_told_in_plain_words(
    hass: HomeAssistant, logged: MockConfigEntry, outlet: SimulatedOutlet, read: Any
) -> None:
    await live(hass, outlet)

    assert await read(device_id(hass, logged, FIRST)) == [
        "A1 was asked for a local session",
        "A1 began a local session",
        "A1 has a problem: Meter silent",
        "A1 suspended a local session at 0.25 kWh: The outlet protects itself",
        "A1 no longer has this problem: Meter silent",
        "A1 went on with a local session at 0.25 kWh",
        "A1 reached the energy limit of a local session",
        "A1 ended a local session after 1.50 kWh in 1 h 30 min: Energy limit reached",
        "A1 has a problem: Contact welded",
        "A1 may be tampered with: Contact welded",
        "A1 no longer has this problem: Contact welded",
        "A1 had its button pressed",
        "A1 can no longer be reached",
        "A1 can be reached again",
    ]


async def test_a_house_that_speaks_japanese_reads_japanese(
    hass: HomeAssistant, logged: MockConfigEntry, outlet: SimulatedOutlet, read: Any
) -> None:
    await speak(hass, "ja")
    await live(hass, outlet)

    told = await read(device_id(hass, logged, FIRST))
    assert told[0] == "A1 で所有者の充電が求められました"
    assert "A1 で所有者の充電が終わりました（1.50 kWh、1時間30分、電力量の上限に到達）" in told
    assert "A1 に問題が起きました：接点の溶着" in told
    assert told[-1] == "A1 との接続が回復しました"


async def test_what_a_driver_and_a_server_do_is_told_without_the_driver(
    hass: HomeAssistant, logged: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms, read: Any
) -> None:
    part = await link(hass, logged, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    await csms.ask("RequestStartTransaction", start_request(1))
    await csms.ask("RequestStartTransaction", start_request(2))
    outlet._end(EndReason.IDLE)
    outlet.changed()
    await csms.until(lambda: csms.last() == "Ended")
    await csms.stop()
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "off")

    assert await read() == [
        "A1 was asked for a driver's session",
        "A1 began a driver's session",
        "A1 was asked for a driver's session",
        "A1 refused a driver's session: In use",
        "A1 ended a driver's session after 0.00 kWh in 0 s: Car takes nothing any more",
        "Kaze Denki can no longer be reached",
    ]
    assert await read(device_id(hass, logged, part.subentry_id)) == ["Kaze Denki can no longer be reached"]


async def test_the_windows_of_a_site_are_told(hass: HomeAssistant, logged: MockConfigEntry, read: Any) -> None:
    windows, now = logged.runtime_data.site.windows, datetime.now(UTC)
    windows.take("server", [], now)
    windows.take("server", [Window(start=now, end=now + timedelta(hours=1))], now)
    windows.take("server", [], now)
    await hass.async_block_till_done()

    assert await read() == ["Car park recommends charging from now on", "Car park no longer recommends charging"]


async def test_news_that_lack_a_fact_are_still_told(hass: HomeAssistant, logged: MockConfigEntry, read: Any) -> None:
    """For instance one of an earlier version, or of a language that there is not."""
    await speak(hass, "fi")
    hass.bus.async_fire("konsento_news", {"happening": "session_ended", "name": "A1"})
    hass.bus.async_fire("konsento_news", {"happening": "of_a_later_version", "name": "A1"})

    assert await read() == ["A1 ended ? after ? in ?: ?", "A1 news_of_a_later_version"]
