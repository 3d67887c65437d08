"""The life of a site: what earlier versions set up, another name, and nothing left when it is given up."""

import logging
from pathlib import Path
from typing import Any

import pytest
from csms import Csms
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from parts import FIRST, device_id, link
from pytest_homeassistant_custom_component.common import MockConfigEntry
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.config_flow import KonsentoConfigFlow
from custom_components.konsento.const import DOMAIN
from custom_components.konsento.hub import journal_path

# --- what earlier versions have set up

FIRST_RELEASE: dict[str, Any] = {
    "version": 1,
    "minor_version": 1,
    "title": "Car park",
    "data": {},
    "options": {"continuity_interval": 2.5, "meter_interval": 30, "handover_lease": 120},
    "subentries_data": [
        ConfigSubentryData(
            data={"host": "127.0.0.1", "port": 6053, "evse": 7, "encryption_key": "c2VjcmV0"},
            subentry_type="outlet",
            title="By the gate",
            unique_id=FIRST,
        ),
        ConfigSubentryData(
            data={"url": "ws://127.0.0.1:9/ocpp", "station_id": "car-park", "password": "secret-of-sixteen"},
            subentry_type="management_server",
            title="127.0.0.1",
            unique_id="car-park@ws://127.0.0.1:9/ocpp",
        ),
    ],
}
"""What version 0.1.0 wrote: no kind of an outlet, no measurements, three options."""


async def set_up(hass: HomeAssistant, **values: Any) -> MockConfigEntry:
    entry = MockConfigEntry(domain=DOMAIN, **{**FIRST_RELEASE, **values})
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def test_what_the_first_release_set_up_runs_as_it_is(
    hass: HomeAssistant, simulated: dict[str, SimulatedOutlet]
) -> None:
    entry = await set_up(hass)
    hub = entry.runtime_data

    assert entry.state is ConfigEntryState.LOADED
    (outlet,) = hub.outlets.values()
    assert (outlet.control.evse, outlet.driver.guarded, outlet.subentry.title) == (7, True, "By the gate")
    await until(hass, lambda: len(hub.servers) == 1)
    settings = hub.site.settings
    assert (settings.continuity_s, settings.meter_s, settings.handover_s) == (2.5, 30, 120)
    assert hub.reporting.sender.plan is None
    assert state(hass, "sensor.by_the_gate_state") == "idle"


async def test_a_site_of_a_later_minor_version_runs(hass: HomeAssistant, simulated: dict[str, SimulatedOutlet]) -> None:
    entry = await set_up(hass, minor_version=KonsentoConfigFlow.MINOR_VERSION + 1)

    assert entry.state is ConfigEntryState.LOADED


async def test_a_site_of_a_later_version_is_refused_in_words_and_not_touched(
    hass: HomeAssistant, simulated: dict[str, SimulatedOutlet], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    entry = await set_up(hass, version=KonsentoConfigFlow.VERSION + 1)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert "has version 2 which is higher than the current version 1" in caplog.text
    assert entry.version == KonsentoConfigFlow.VERSION + 1
    assert dict(entry.options) == FIRST_RELEASE["options"]
    assert not journal_path(hass, entry.entry_id).exists()


# --- another name


async def rename(hass: HomeAssistant, site: MockConfigEntry, name: str) -> Any:
    form = await site.start_reconfigure_flow(hass)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reconfigure")
    done = await hass.config_entries.flow.async_configure(form["flow_id"], {"name": name})
    await hass.async_block_till_done()
    return done


async def test_a_site_gets_another_name_and_nothing_is_interrupted(hass: HomeAssistant, place: MockConfigEntry) -> None:
    hub = place.runtime_data
    done = await rename(hass, place, " North car park ")

    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert place.title == "North car park"
    device = dr.async_get(hass).async_get(device_id(hass, place, place.entry_id))
    assert device is not None
    assert device.name == "North car park"
    assert place.runtime_data is hub


@pytest.mark.parametrize(("name", "error"), [("  ", "empty_name"), ("Other", "name_taken")])
async def test_a_name_is_neither_empty_nor_that_of_another_site(
    hass: HomeAssistant, place: MockConfigEntry, *, name: str, error: str
) -> None:
    MockConfigEntry(domain=DOMAIN, title="Other", data={}).add_to_hass(hass)

    assert (await rename(hass, place, name))["errors"] == {"name": error}
    assert place.title == "Car park"


# --- given up


async def test_nothing_of_a_site_is_left_when_it_is_given_up(
    hass: HomeAssistant, simulated: dict[str, SimulatedOutlet], csms: Csms, tmp_path: Path
) -> None:
    hass.config.config_dir = str(tmp_path)
    (tmp_path / ".storage").mkdir()
    entry = await set_up(hass, entry_id="given_up")
    await link(hass, entry, csms)
    simulated[FIRST].fault = "storage"
    simulated[FIRST].changed()
    (issue,) = (name for domain, name in ir.async_get(hass).issues if domain == DOMAIN)
    # What is ignored outlives the running site, but not its removal.
    ir.async_ignore_issue(hass, DOMAIN, issue, True)
    ours = sorted(path.name for path in (tmp_path / ".storage").iterdir() if DOMAIN in path.name)
    assert "konsento.given_up.sqlite3" in ours

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert [path.name for path in (tmp_path / ".storage").iterdir() if DOMAIN in path.name] == []
    assert [name for domain, name in ir.async_get(hass).issues if domain == DOMAIN] == []
    assert dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id) == []
    assert er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id) == []
    assert [each for each in hass.states.async_all() if "by_the_gate" in each.entity_id] == []
