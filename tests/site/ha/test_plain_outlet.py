"""A plain ESPHome device becomes an outlet of a site: seen, chosen, tried, used."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from firmware import PLAIN_MAC, Device, plain_device
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from states import state, until

from custom_components.konsento.const import SUBENTRY_OUTLET
from custom_components.konsento.control.happenings import Happening
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.session import StartRequest


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Device]:
    """Return a running device."""
    async with plain_device(tmp_path) as plug:
        yield plug


async def parts_form(hass: HomeAssistant, site: MockConfigEntry, port: int) -> Any:
    """Walk to the form that asks for the parts."""
    flow = await hass.config_entries.subentries.async_init(
        (site.entry_id, SUBENTRY_OUTLET), context={"source": SOURCE_USER}
    )
    form = await hass.config_entries.subentries.async_configure(flow["flow_id"], {"next_step_id": "plain"})
    return await hass.config_entries.subentries.async_configure(form["flow_id"], {"host": "127.0.0.1", "port": port})


async def test_a_plain_device_is_chosen_tried_used_and_changed(
    hass: HomeAssistant, site: MockConfigEntry, real: Device
) -> None:
    form = await parts_form(hass, site, real.port)
    assert form["step_id"] == "parts"
    suggested = {str(key): (key.description or {}).get("suggested_value") for key in form["data_schema"].schema}
    # Only what there is one of.
    assert (suggested["power"], suggested["voltage"], suggested["relay"]) == ("power", "voltage", None)
    none = await hass.config_entries.subentries.async_configure(form["flow_id"], {"relay": "relay"})
    assert none["errors"] == {"base": "no_meter"}
    done = await hass.config_entries.subentries.async_configure(
        form["flow_id"], {"relay": "relay", "power": "power", "energy": "energy", "name": "A1"}
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = site.subentries.values()
    assert dict(subentry.data) == {
        "kind": "plain",
        "host": "127.0.0.1",
        "port": real.port,
        "evse": 1,
        "relay": "relay",
        "power": "power",
        "energy": "energy",
    }
    assert subentry.unique_id == f"{PLAIN_MAC}_relay"
    await until(hass, lambda: state(hass, "sensor.a1_state") == "idle")

    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    site.runtime_data.site.on_happening(lambda _, what, facts: what is Happening.ENDED and told.put_nowait(facts))
    expires = dt_util.utcnow() + timedelta(seconds=60)
    request = StartRequest(server="s", remote_start_id=1, evse=1, limits=Limits(energy_wh=4), expires_at=expires)
    assert (await site.runtime_data.site.start(request)).refusal is None
    ended = await asyncio.wait_for(told.get(), 60)
    assert ended["end_reason"] == "EnergyLimitReached"
    assert ended["energy_wh"] == pytest.approx(4, abs=1)
    assert real.watcher.states["relay"] is False

    again = await parts_form(hass, site, real.port)
    twice = await hass.config_entries.subentries.async_configure(again["flow_id"], {"relay": "relay", "power": "power"})
    assert (twice["type"], twice["reason"]) == (FlowResultType.ABORT, "already_configured")

    change = await site.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    parts = await hass.config_entries.subentries.async_configure(
        change["flow_id"], {"host": "127.0.0.1", "port": real.port}
    )
    assert parts["step_id"] == "reconfigure_parts"
    changed = await hass.config_entries.subentries.async_configure(parts["flow_id"], {"power": "power", "name": "B2"})
    await hass.async_block_till_done()
    assert changed["reason"] == "reconfigure_successful"
    (subentry,) = site.subentries.values()
    assert (subentry.title, "energy" in subentry.data, subentry.data["relay"]) == ("B2", False, "relay")
