"""What helps to find a fault: diagnostics and system health, without secrets; and devices that stand for nothing."""

from csms import PASSWORD, STATION, Csms, start_request
from homeassistant.components.system_health import DOMAIN as SYSTEM_HEALTH
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from parts import FIRST, device_id, link
from pytest_homeassistant_custom_component.common import MockConfigEntry, get_system_health_info
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento import async_remove_config_entry_device
from custom_components.konsento.const import DOMAIN
from custom_components.konsento.diagnostics import async_get_config_entry_diagnostics, async_get_device_diagnostics


async def test_the_diagnostics_of_a_device_are_its_own_and_hold_no_secret(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    part = await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    await csms.ask("RequestStartTransaction", start_request(1))
    registry = dr.async_get(hass)
    texts: dict[str, str] = {}
    for name in (FIRST, part.subentry_id, place.entry_id):
        device = registry.async_get(device_id(hass, place, name))
        assert device
        texts[name] = str(await async_get_device_diagnostics(hass, place, device))

    assert "supplying" in texts[FIRST]
    assert "online" not in texts[FIRST]
    assert "'online': True" in texts[part.subentry_id]
    assert "supplying" not in texts[part.subentry_id]
    assert "supplying" in texts[place.entry_id]
    assert "online" in texts[place.entry_id]
    for text in texts.values():
        for secret in (PASSWORD, STATION, "TOKEN", csms.url, "127.0.0.1"):
            assert secret not in text


async def test_the_address_of_a_server_is_in_no_diagnostics_wherever_it_stands(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms
) -> None:
    part = await link(hass, place, csms)
    data = {**part.data, "label_url": "https://charge.example.org/o/{evse}"}
    hass.config_entries.async_update_subentry(place, place.subentries[part.subentry_id], data=data)
    await hass.async_block_till_done()

    text = str(await async_get_config_entry_diagnostics(hass, place))

    assert "label_url" in text
    assert "charge.example.org" not in text


async def test_system_health_counts(hass: HomeAssistant, place: MockConfigEntry, csms: Csms) -> None:
    assert await async_setup_component(hass, SYSTEM_HEALTH, {})
    await link(hass, place, csms)
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")

    info = await get_system_health_info(hass, DOMAIN)

    assert (info["outlets_connected"], info["servers_connected"]) == ("2 / 2", "1 / 1")
    assert (info["running_sessions"], info["events_waiting"]) == (0, 0)
    assert info["journal_size"].endswith(" KiB")
    assert int(info["aioesphomeapi_version"].split(".")[0]) >= 46


async def test_only_a_device_that_stands_for_nothing_can_be_deleted(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms
) -> None:
    part = await link(hass, place, csms)
    registry = dr.async_get(hass)
    left = registry.async_get_or_create(config_entry_id=place.entry_id, identifiers={(DOMAIN, "nobody")})
    assert await async_remove_config_entry_device(hass, place, left)
    for name in (FIRST, part.subentry_id, place.entry_id):
        device = registry.async_get(device_id(hass, place, name))
        assert device
        assert not await async_remove_config_entry_device(hass, place, device)


async def test_the_device_of_a_removed_outlet_goes_with_it(hass: HomeAssistant, place: MockConfigEntry) -> None:
    registry = dr.async_get(hass)
    device = device_id(hass, place, FIRST)
    part: ConfigSubentry = next(part for part in place.subentries.values() if part.unique_id == FIRST)
    hass.config_entries.async_remove_subentry(place, part.subentry_id)
    await hass.async_block_till_done()

    assert registry.async_get(device) is None
    assert state(hass, "sensor.a1_power") == "missing"
    assert state(hass, "sensor.a2_power") != "missing"
