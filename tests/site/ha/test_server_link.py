"""What a management server's link leaves in Home Assistant."""

from csms import PASSWORD, STATION, Csms, start_request
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from simulated import ManualClock, SimulatedOutlet

from custom_components.konsento.const import SUBENTRY_SERVER
from custom_components.konsento.diagnostics import async_get_config_entry_diagnostics
from custom_components.konsento.hub import OutletUnit

PERSONAL = "Hanako Yamada"


def booted(csms: Csms) -> list[str]:
    return [action for action, _ in csms.heard if action == "BootNotification"]


async def linked(hass: HomeAssistant, site: MockConfigEntry, csms: Csms, url: str) -> None:
    flow = await hass.config_entries.subentries.async_init((site.entry_id, SUBENTRY_SERVER), context={"source": "user"})
    await hass.config_entries.subentries.async_configure(
        flow["flow_id"], {"url": url, "station_id": STATION, "password": PASSWORD}
    )
    await csms.until(lambda: len(booted(csms)) == 1)


async def test_an_address_can_be_typed_without_its_scheme(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms
) -> None:
    await linked(hass, site, csms, f"127.0.0.1:{csms.port}/ocpp/")

    (subentry,) = site.subentries.values()
    assert subentry.data["url"] == csms.url


async def test_a_password_that_the_server_has_set_is_kept_and_the_link_is_made_anew_only_once(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms
) -> None:
    await linked(hass, site, csms, csms.url)
    probed = csms.connections
    csms.password = "another-password-of-the-station"
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}

    answer = await csms.ask("SetVariables", {"setVariableData": [{**variable, "attributeValue": csms.password}]})
    await csms.until(lambda: csms.connections > probed and len(booted(csms)) == 2)
    await hass.async_block_till_done()

    assert answer[2]["setVariableResult"][0]["attributeStatus"] == "Accepted"
    (subentry,) = site.subentries.values()
    assert subentry.data["password"] == csms.password
    assert csms.connections == probed + 1


async def test_diagnostics_hold_nothing_that_a_server_says_about_a_driver(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms
) -> None:
    await linked(hass, site, csms, csms.url)
    hub = site.runtime_data
    outlet = SimulatedOutlet(ManualClock())
    control = hub.site.add_outlet("aabbccddeeff", 1, outlet)
    (subentry,) = site.subentries.values()
    hub.outlets["simulated"] = OutletUnit(subentry=subentry, driver=outlet, control=control)
    request = start_request(1, driver=PERSONAL)
    request["groupIdToken"] = {"idToken": PERSONAL, "type": "Central"}
    request["idToken"]["additionalInfo"] = [{"additionalIdToken": PERSONAL, "type": "name"}]
    answer = await csms.ask("RequestStartTransaction", request)

    shown = str(await async_get_config_entry_diagnostics(hass, site))

    assert answer[2]["transactionId"] in shown
    for secret in (PERSONAL, request["idToken"]["idToken"], PASSWORD):
        assert secret not in shown
