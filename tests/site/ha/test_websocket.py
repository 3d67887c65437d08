"""What pages ask a site for, as a browser asks."""

import pytest
from csms import Csms
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from parts import FIRST, ask, device_id, link
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator


async def test_a_page_learns_every_outlet_and_its_entities_without_guessing_a_name(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms, hass_ws_client: WebSocketGenerator
) -> None:
    part = await link(hass, place, csms)
    # A name that no page could guess the ids from.
    er.async_get(hass).async_update_entity("sensor.a1_power", new_entity_id="sensor.1bandenryoku")

    (site,) = (await ask(hass_ws_client, "sites"))["result"]["sites"]

    assert site["entry_id"] == place.entry_id
    assert site["title"] == "Car park"
    assert site["loaded"]
    assert site["device_id"] == device_id(hass, place, place.entry_id)
    assert site["entities"]["site_power"] == "sensor.car_park_power"
    first, second = site["outlets"]
    assert (first["title"], first["evse"], second["evse"]) == ("A1", 1, 2)
    assert first["device_id"] == device_id(hass, place, FIRST)
    assert first["subentry_id"] in place.subentries
    assert first["entities"]["power"] == "sensor.1bandenryoku"
    assert first["entities"]["state"] == "sensor.a1_state"
    assert first["entities"]["stop"] == "button.a1_stop"
    (server,) = site["servers"]
    assert server["title"] == "Kaze Denki"
    assert server["subentry_id"] == part.subentry_id
    assert server["device_id"] == device_id(hass, place, part.subentry_id)


async def test_no_entity_that_can_be_shown_is_left_out(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms, hass_ws_client: WebSocketGenerator
) -> None:
    await link(hass, place, csms)

    (site,) = (await ask(hass_ws_client, "sites"))["result"]["sites"]

    told = {entity for part in (site, *site["outlets"], *site["servers"]) for entity in part["entities"].values()}
    known = er.async_entries_for_config_entry(er.async_get(hass), place.entry_id)
    assert told == {entity.entity_id for entity in known if not entity.disabled}


async def test_parts_are_called_as_their_owner_calls_them(
    hass: HomeAssistant, place: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    dr.async_get(hass).async_update_device(device_id(hass, place, FIRST), name_by_user="玄関")

    (site,) = (await ask(hass_ws_client, "sites"))["result"]["sites"]

    assert [outlet["title"] for outlet in site["outlets"]] == ["玄関", "A2"]


async def test_whoever_is_signed_in_sees_the_sites(
    hass: HomeAssistant, place: MockConfigEntry, household: str, hass_ws_client: WebSocketGenerator
) -> None:
    answer = await ask(hass_ws_client, "sites", household)
    assert [site["title"] for site in answer["result"]["sites"]] == ["Car park"]


async def test_a_site_that_does_not_run_is_still_there(
    hass: HomeAssistant, place: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    await hass.config_entries.async_unload(place.entry_id)

    (site,) = (await ask(hass_ws_client, "sites"))["result"]["sites"]

    assert not site["loaded"]
    assert [outlet["title"] for outlet in site["outlets"]] == ["A1", "A2"]
    assert site["outlets"][0]["entities"]["power"] == "sensor.a1_power"


PERIOD = {"start": "2026-05-01", "end": "2026-05-02"}


@pytest.mark.parametrize(
    ("command", "more"), [("sessions", PERIOD), ("energy_by_day", PERIOD), ("environment", PERIOD), ("labels", {})]
)
async def test_a_site_that_does_not_exist_or_run_is_said_in_words(
    hass: HomeAssistant,
    place: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    command: str,
    more: dict[str, str],
) -> None:
    unknown = await ask(hass_ws_client, command, entry_id="nonsense", **more)
    await hass.config_entries.async_unload(place.entry_id)
    unloaded = await ask(hass_ws_client, command, entry_id=place.entry_id, **more)

    assert unknown["error"]["translation_key"] == "service_config_entry_not_found"
    assert unloaded["error"]["translation_key"] == "service_config_entry_not_loaded"


@pytest.mark.parametrize("command", ["sessions", "energy_by_day", "environment"])
async def test_whoever_is_signed_in_may_look_back(
    hass: HomeAssistant, place: MockConfigEntry, household: str, hass_ws_client: WebSocketGenerator, command: str
) -> None:
    assert (await ask(hass_ws_client, command, household, entry_id=place.entry_id, **PERIOD))["success"]


async def test_labels_are_for_administrators(
    hass: HomeAssistant, place: MockConfigEntry, household: str, hass_ws_client: WebSocketGenerator
) -> None:
    answer = await ask(hass_ws_client, "labels", household, entry_id=place.entry_id)
    assert answer["error"]["code"] == "unauthorized"
