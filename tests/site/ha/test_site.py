"""The whole site: Home Assistant, the real firmware of an outlet, a real WebSocket to a management server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from csms import PASSWORD, STATION, Csms, start_request
from firmware import MAC, Device, device, free_port
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry, ConfigSubentryData
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry
from states import state, until

from custom_components.konsento.const import DOMAIN, SUBENTRY_OUTLET, SUBENTRY_SERVER
from custom_components.konsento.diagnostics import async_get_config_entry_diagnostics
from custom_components.konsento.hub import journal_path


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Device]:
    """Return a running outlet."""
    async with device(tmp_path) as outlet:
        yield outlet


def outlet_part(port: int, evse: int = 1, mac: str = MAC) -> ConfigSubentryData:
    return ConfigSubentryData(
        data={"host": "127.0.0.1", "port": port, "evse": evse},
        subentry_type=SUBENTRY_OUTLET,
        title=f"A{evse}",
        unique_id=mac,
    )


@pytest.fixture
async def running(
    hass: HomeAssistant, real: Device, csms: Csms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MockConfigEntry]:
    """Return a site with one outlet and one management server, all connected."""
    # Each test has a journal of its own.
    monkeypatch.setattr(
        "custom_components.konsento.hub.journal_path", lambda hass, entry_id: tmp_path / "journal.sqlite3"
    )
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Car park",
        data={},
        options={"continuity_interval": 1, "meter_interval": 1, "handover_lease": 20},
        subentries_data=[
            outlet_part(real.port),
            ConfigSubentryData(
                data={"url": csms.url, "station_id": STATION, "password": PASSWORD},
                subentry_type=SUBENTRY_SERVER,
                title="Kaze Denki",
                unique_id="server",
            ),
        ],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await csms.until(lambda: csms.states() != [] and csms.states()[-1] == "Available")
    yield entry
    if entry.state is ConfigEntryState.LOADED:
        await hass.config_entries.async_unload(entry.entry_id)


async def start(csms: Csms, number: int = 1, **ours: Any) -> str:
    frame = await csms.ask("RequestStartTransaction", start_request(number, **ours))
    assert frame[2]["status"] == "Accepted", frame
    transaction: str = frame[2]["transactionId"]
    return transaction


def register(event: dict[str, Any]) -> float:
    value: float = event["meterValue"][0]["sampledValue"][0]["value"]
    return value


async def test_a_driver_gets_what_was_asked_for_and_the_server_hears_of_all_of_it(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms, real: Device
) -> None:
    await start(csms, energyLimitWh=3)
    await until(hass, lambda: state(hass, "sensor.a1_state") == "supplying")
    assert real.watcher.states["relay"] is True
    assert 0 < float(state(hass, "sensor.a1_remaining_energy")) <= 3
    await csms.until(lambda: csms.last() == "Ended")

    events = csms.events()
    assert [event["seqNo"] for event in events] == list(range(len(events)))
    energy = register(events[-1]) - register(events[0])
    assert energy == pytest.approx(real.watcher.number("session_energy"), abs=0.001)
    assert 3 <= energy < 3.5
    assert {event["triggerReason"] for event in events[1:-1]} == {"MeterValuePeriodic"}
    await until(hass, lambda: state(hass, "sensor.a1_state") == "ended")
    await until(hass, lambda: state(hass, "sensor.a1_remaining_energy") == "unknown")
    await csms.until(lambda: csms.states()[-1] == "Available")


async def test_the_owner_can_stop_a_session(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms, real: Device
) -> None:
    await start(csms)
    await hass.services.async_call("button", "press", {"entity_id": "button.a1_stop"}, blocking=True)
    await csms.until(lambda: csms.last() == "Ended")

    assert csms.events()[-1]["transactionInfo"]["stoppedReason"] == "Local"
    await real.watcher.until(lambda states: states["relay"] is False)
    with pytest.raises(ServiceValidationError, match="No session runs at A1"):
        await hass.services.async_call("button", "press", {"entity_id": "button.a1_stop"}, blocking=True)


async def test_a_reload_does_not_interrupt_charging(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms, real: Device
) -> None:
    transaction = await start(csms)
    assert await hass.config_entries.async_reload(running.entry_id)
    await csms.until(lambda: csms.connections == 2)
    await csms.until(lambda: csms.events()[-1]["seqNo"] >= 2)

    assert real.watcher.states["relay"] is True
    assert ("relay", False) not in {key for key in real.watcher.seen_at if real.watcher.seen_at[key] > _first_on(real)}
    events = csms.events()
    assert {event["transactionInfo"]["transactionId"] for event in events} == {transaction}
    # What had not been answered when the link ended is told again, under its number.
    assert {event["seqNo"] for event in events if event["eventType"] == "Started"} == {0}


def _first_on(real: Device) -> float:
    return real.watcher.seen_at["relay", True]


async def test_a_planned_end_hands_the_outlet_over(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms, real: Device
) -> None:
    await start(csms)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    await real.watcher.until(lambda states: real.watcher.number("lease_left") > 10)

    assert real.watcher.states["relay"] is True


async def test_adding_an_outlet_leaves_a_running_session_alone(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms, real: Device
) -> None:
    await start(csms)
    hub = running.runtime_data
    control = hub.site.outlets[1]
    flow_data = outlet_part(free_port(), 2, "0123456789ab")
    second = ConfigSubentry(data=flow_data["data"], subentry_type=SUBENTRY_OUTLET, title="A2", unique_id="0123456789ab")
    hass.config_entries.async_add_subentry(running, second)
    await hass.async_block_till_done()

    assert running.runtime_data is hub
    assert hub.site.outlets[1] is control
    assert real.watcher.states["relay"] is True
    assert state(hass, "binary_sensor.a2_connection") == "off"
    assert state(hass, "sensor.a2_power") == "unavailable"
    await csms.until(lambda: csms.states(2) == ["Unavailable"])

    hass.config_entries.async_remove_subentry(running, second.subentry_id)
    await hass.async_block_till_done()
    assert sorted(hub.site.outlets) == [1]
    assert real.watcher.states["relay"] is True
    assert state(hass, "binary_sensor.a2_connection") == "missing"


async def test_an_outlet_that_loses_power_is_unavailable_and_its_session_resumes(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms, real: Device
) -> None:
    await start(csms)
    await real.kill()
    await until(hass, lambda: state(hass, "sensor.a1_state") == "unavailable")
    assert state(hass, "binary_sensor.a1_connection") == "off"
    await real.start()
    await until(hass, lambda: state(hass, "sensor.a1_state") == "supplying", patience=40)

    assert [event["eventType"] for event in csms.events()].count("Started") == 1


async def test_the_server_sets_the_meter_interval_for_good(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms
) -> None:
    variable = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
    await csms.ask("SetVariables", {"setVariableData": [{**variable, "attributeValue": "60"}]})
    await hass.async_block_till_done()

    assert running.options["meter_interval"] == 60
    assert running.runtime_data.site.settings.meter_s == 60


async def test_a_password_that_the_server_sets_is_kept_and_used(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms
) -> None:
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    asked = {"setVariableData": [{**variable, "attributeValue": "the-next-password-1"}]}
    frame = await csms.ask("SetVariables", asked)
    assert frame[2]["setVariableResult"][0]["attributeStatus"] == "Accepted"
    csms.password = "the-next-password-1"
    await csms.until(lambda: csms.connections == 2)

    (server,) = running.get_subentries_of_type(SUBENTRY_SERVER)
    assert server.data["password"] == "the-next-password-1"


async def test_everything_has_its_place(hass: HomeAssistant, running: MockConfigEntry) -> None:
    await until(hass, lambda: state(hass, "sensor.a1_voltage") != "missing")
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), running.entry_id)
    entities = er.async_entries_for_config_entry(er.async_get(hass), running.entry_id)

    assert sorted(device.name or "" for device in devices) == ["A1", "Car park", "Kaze Denki"]
    of_the_site = {entity.entity_id for entity in entities if entity.config_subentry_id not in running.subentries}
    assert of_the_site == {
        "binary_sensor.car_park_charging_recommended",
        "number.car_park_power_limit",
        "sensor.car_park_energy_for_drivers",
        "sensor.car_park_energy_for_own_use",
        "sensor.car_park_energy_today",
        "sensor.car_park_power",
        "sensor.car_park_power_available",
        "sensor.car_park_recommended_from",
        "sensor.car_park_recommended_until",
        "sensor.car_park_running_sessions",
        "sensor.car_park_waiting_sessions",
    }
    assert {entity.entity_id for entity in entities if not entity.disabled} - of_the_site == {
        "binary_sensor.a1_connection",
        "binary_sensor.a1_problem",
        "binary_sensor.kaze_denki_connection",
        "button.a1_clear_fault",
        "button.a1_identify",
        "button.a1_stop",
        "button.kaze_denki_reconnect",
        "event.a1_news",
        "event.kaze_denki_news",
        "select.a1_priority",
        "sensor.a1_current",
        "sensor.a1_energy_limit",
        "sensor.a1_estimated_end",
        "sensor.a1_gravest_problem",
        "sensor.a1_kind_of_session",
        "sensor.a1_last_end_reason",
        "sensor.a1_lifetime_energy",
        "sensor.a1_occupancy",
        "sensor.a1_power",
        "sensor.a1_remaining_energy",
        "sensor.a1_remaining_time",
        "sensor.a1_session_energy",
        "sensor.a1_state",
        "sensor.a1_time_limit",
        "sensor.a1_voltage",
        "sensor.a1_temperature",
        "sensor.a1_waiting_for",
        "sensor.kaze_denki_events_waiting",
        "switch.a1_available",
        "update.a1_firmware",
    }
    assert {entity.entity_id for entity in entities if entity.disabled} == {
        "button.a1_measure_round_trip",
        "button.kaze_denki_measure_round_trip",
        "sensor.a1_lease_left",
        "sensor.a1_relay_cycles",
        "sensor.a1_round_trip",
        "sensor.kaze_denki_clock_offset",
        "sensor.kaze_denki_round_trip",
    }
    assert state(hass, "binary_sensor.kaze_denki_connection") == "on"
    assert state(hass, "sensor.a1_state") == "idle"


async def test_diagnostics_hold_no_secret_and_no_trace_of_a_driver(
    hass: HomeAssistant, running: MockConfigEntry, csms: Csms
) -> None:
    await start(csms)

    text = str(await async_get_config_entry_diagnostics(hass, running))

    assert "supplying" in text
    for secret in (PASSWORD, STATION, "TOKEN", csms.url, "127.0.0.1"):
        assert secret not in text


async def test_a_journal_that_cannot_be_used_is_named(hass: HomeAssistant) -> None:
    entry = MockConfigEntry(domain=DOMAIN, title="Car park", data={})
    entry.add_to_hass(hass)
    path = journal_path(hass, entry.entry_id)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no database at all" * 100)

    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "journal"
    path.unlink()


async def test_a_removed_site_leaves_no_journal(hass: HomeAssistant, site: MockConfigEntry) -> None:
    path = journal_path(hass, site.entry_id)
    assert path.exists()

    await hass.config_entries.async_remove(site.entry_id)

    assert not list(path.parent.glob(f"{path.name}*"))
