"""What a management server's link leaves in Home Assistant."""

from datetime import datetime, timedelta

from csms import PASSWORD, STATION, Csms, start_request
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from simulated import ManualClock, SimulatedOutlet
from states import state

from custom_components.konsento.const import SUBENTRY_SERVER
from custom_components.konsento.diagnostics import async_get_config_entry_diagnostics
from custom_components.konsento.hub import OutletUnit

PERSONAL = "Hanako Yamada"
WINDOW = (
    "binary_sensor.car_park_charging_recommended",
    "sensor.car_park_recommended_from",
    "sensor.car_park_recommended_until",
)


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


async def test_automations_know_for_when_the_servers_recommend_charging(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms, freezer: FrozenDateTimeFactory
) -> None:
    await linked(hass, site, csms, csms.url)
    now = dt_util.utcnow().replace(microsecond=0)
    begin, end = now + timedelta(hours=1), now + timedelta(hours=4)
    assert [state(hass, entity_id) for entity_id in WINDOW] == ["unknown"] * 3

    window = {"start": begin.isoformat(), "end": end.isoformat()}
    message = {"vendorId": "org.konsento", "messageId": "RecommendedWindows", "data": {"windows": [window]}}
    assert (await csms.ask("DataTransfer", message))[2] == {"status": "Accepted"}
    assert state(hass, WINDOW[0]) == "off"
    clocks = [hass.states.get(entity_id) for entity_id in WINDOW[1:]]
    shown = [datetime.fromisoformat(clock.state) for clock in clocks if clock]
    # Home Assistant's clock and the server's may differ by what the line takes.
    assert [round((at - now).total_seconds() / 60) for at in shown] == [60, 240]

    for hours, on in ((2, "on"), (5, "off")):
        freezer.move_to(now + timedelta(hours=hours))
        async_fire_time_changed(hass, now + timedelta(hours=hours))
        await hass.async_block_till_done()
        assert state(hass, WINDOW[0]) == on
    assert state(hass, WINDOW[1]) == "unknown"
