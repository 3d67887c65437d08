"""Setting a site up: nothing is saved that does not work, and every mistake has its own words."""

from ipaddress import ip_address
from typing import Any

import pytest
from csms import PASSWORD, STATION, Csms
from homeassistant.config_entries import SOURCE_USER, SOURCE_ZEROCONF, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry
from states import state, until

from custom_components.konsento import config_flow, flow_outlet
from custom_components.konsento.const import DOMAIN, SUBENTRY_OUTLET, SUBENTRY_SERVER
from custom_components.konsento.outlet.address import (
    Identity,
    KeyRequiredError,
    NotAnOutletError,
    OutletAddress,
    UnreachableError,
    WrongKeyError,
)

MAC = "aabbccddeeff"


class Outlets:
    """Who answers when an outlet is looked at: an outlet, or an error."""

    def __init__(self) -> None:
        self.answer: Identity | Exception = Identity(MAC, "Outlet A1")
        self.seen: list[OutletAddress] = []

    async def identify(self, address: OutletAddress, zeroconf: object) -> Identity:
        self.seen.append(address)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def outlets(monkeypatch: pytest.MonkeyPatch) -> Outlets:
    """Return the stand-in for outlets that cannot be had on demand: with a key, with another firmware, broken."""
    stand_in = Outlets()
    monkeypatch.setattr(flow_outlet, "identify", stand_in.identify)
    monkeypatch.setattr(config_flow, "identify", stand_in.identify)
    return stand_in


def announcement(**properties: str) -> ZeroconfServiceInfo:
    address = ip_address("192.0.2.7")
    return ZeroconfServiceInfo(
        ip_address=address,
        ip_addresses=[address],
        port=6053,
        hostname="outlet-a1.local.",
        type="_esphomelib._tcp.local.",
        name="outlet-a1._esphomelib._tcp.local.",
        properties={"mac": MAC, "project_name": "konsento.outlet", "friendly_name": "Outlet A1", **properties},
    )


async def fill(hass: HomeAssistant, site: MockConfigEntry, kind: str, values: dict[str, Any]) -> Any:
    """Fill in the form for a part of the site."""
    flow = await hass.config_entries.subentries.async_init((site.entry_id, kind), context={"source": SOURCE_USER})
    if kind == SUBENTRY_OUTLET:
        flow = await hass.config_entries.subentries.async_configure(flow["flow_id"], {"next_step_id": "guarded"})
    assert flow["type"] is FlowResultType.FORM
    return await hass.config_entries.subentries.async_configure(flow["flow_id"], values)


async def test_a_site_needs_only_a_name(hass: HomeAssistant) -> None:
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    empty = await hass.config_entries.flow.async_configure(flow["flow_id"], {"name": "  "})
    assert empty["errors"] == {"name": "empty_name"}

    done = await hass.config_entries.flow.async_configure(flow["flow_id"], {"name": "Car park"})
    await hass.async_block_till_done()

    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert done["result"].title == "Car park"
    assert done["result"].state is ConfigEntryState.LOADED


async def test_a_site_of_the_same_name_is_not_added_twice(hass: HomeAssistant, site: MockConfigEntry) -> None:
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    done = await hass.config_entries.flow.async_configure(flow["flow_id"], {"name": "Car park"})

    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_an_outlet_is_added_by_its_address(hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets) -> None:
    done = await fill(hass, site, SUBENTRY_OUTLET, {"host": " 127.0.0.1 ", "port": 1})
    await hass.async_block_till_done()

    assert done["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = site.subentries.values()
    assert (subentry.title, subentry.unique_id) == ("Outlet A1", MAC)
    assert dict(subentry.data) == {"host": "127.0.0.1", "port": 1, "evse": 1}


async def test_outlets_are_numbered_one_after_the_other(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets
) -> None:
    for number in (1, 2, 3):
        outlets.answer = Identity(f"aabbccddee0{number}", "Outlet")
        await fill(hass, site, SUBENTRY_OUTLET, {"host": "127.0.0.1", "port": 1, "name": f"A{number}"})
    await hass.async_block_till_done()

    assert [(part.title, part.data["evse"]) for part in site.subentries.values()] == [("A1", 1), ("A2", 2), ("A3", 3)]


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (UnreachableError(), "cannot_connect"),
        (KeyRequiredError(), "key_required"),
        (WrongKeyError(), "wrong_key"),
        (NotAnOutletError(), "not_an_outlet"),
        (ZeroDivisionError(), "unknown"),
    ],
)
async def test_an_outlet_that_does_not_work_is_not_saved_until_it_does(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets, error: Exception, word: str
) -> None:
    outlets.answer = error
    failed = await fill(hass, site, SUBENTRY_OUTLET, {"host": "127.0.0.1", "port": 1})
    assert failed["errors"] == {"base": word}
    assert not site.subentries

    outlets.answer = Identity(MAC, "Outlet A1")
    done = await hass.config_entries.subentries.async_configure(
        failed["flow_id"], {"host": "127.0.0.1", "port": 1, "encryption_key": "a2V5"}
    )
    await hass.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert outlets.seen[-1].key == "a2V5"


async def test_an_outlet_belongs_to_one_site_and_a_number_to_one_outlet(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets
) -> None:
    await fill(hass, site, SUBENTRY_OUTLET, {"host": "127.0.0.1", "port": 1})
    again = await fill(hass, site, SUBENTRY_OUTLET, {"host": "127.0.0.1", "port": 1})
    taken = await fill(hass, site, SUBENTRY_OUTLET, {"host": "127.0.0.1", "port": 1, "evse": 1})
    await hass.async_block_till_done()

    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert taken["errors"] == {"evse": "evse_taken"}


async def test_an_outlet_moves_to_another_address_but_stays_the_same(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(hass, site, SUBENTRY_OUTLET, {"host": "127.0.0.1", "port": 1})
    (subentry,) = site.subentries.values()
    flow = await site.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    outlets.answer = Identity("000000000000", "Another")
    other = await hass.config_entries.subentries.async_configure(flow["flow_id"], {"host": "127.0.0.2", "port": 2})
    assert other["errors"] == {"base": "another_outlet"}
    outlets.answer = Identity(MAC, "Outlet A1")
    done = await hass.config_entries.subentries.async_configure(
        flow["flow_id"], {"host": "127.0.0.2", "port": 2, "name": "B2"}
    )
    await hass.async_block_till_done()

    assert done["reason"] == "reconfigure_successful"
    (subentry,) = site.subentries.values()
    assert (subentry.title, subentry.data["host"], subentry.data["evse"]) == ("B2", "127.0.0.2", 1)
    assert "does not generate unique IDs" not in caplog.text


async def test_a_management_server_is_linked_after_it_let_the_site_in(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms
) -> None:
    done = await fill(hass, site, SUBENTRY_SERVER, {"url": csms.url + "/", "station_id": STATION, "password": PASSWORD})
    await csms.until(lambda: [action for action, _ in csms.heard] == ["BootNotification"])

    assert done["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = site.subentries.values()
    assert dict(subentry.data) == {"url": csms.url, "station_id": STATION, "password": PASSWORD}
    assert hass.states.get("binary_sensor.127_0_0_1_connection") is not None


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"password": "wrong"}, {"password": "invalid_auth"}),
        ({"station_id": "nobody"}, {"station_id": "unknown_station"}),
        ({"station_id": "x" * 49}, {"station_id": "invalid_station_id"}),
        ({"station_id": "a:b"}, {"station_id": "invalid_station_id"}),
        ({"url": "ws://127.0.0.1:1/ocpp"}, {"base": "cannot_connect"}),
        ({"url": "http://127.0.0.1/ocpp"}, {"url": "invalid_url"}),
        ({"url": "ws://user@127.0.0.1/ocpp"}, {"url": "invalid_url"}),
        ({"url": "ws://:secret@127.0.0.1/ocpp"}, {"url": "invalid_url"}),
        ({"url": "ws://nobody:secret@127.0.0.1:1/ocpp"}, {"base": "cannot_connect"}),
        ({"url": "ws://nobody:secret@charge.example.org/ocpp"}, {"url": "insecure_url"}),
        ({"url": "http://nobody:secret@127.0.0.1/ocpp"}, {"url": "invalid_url"}),
        ({"url": "ws://[nobody:secret@127.0.0.1"}, {"url": "invalid_url"}),
        ({"password": ""}, {"password": "password_missing"}),
        ({"station_id": ""}, {"station_id": "invalid_station_id"}),
        ({"url": "ws://"}, {"url": "invalid_url"}),
        ({"url": "ws://charge.example.org/ocpp"}, {"url": "insecure_url"}),
        ({"url": "ws://8.8.8.8/ocpp"}, {"url": "insecure_url"}),
    ],
)
async def test_a_management_server_that_does_not_let_the_site_in_is_not_saved(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms, change: dict[str, str], errors: dict[str, str]
) -> None:
    values = {"url": csms.url, "station_id": STATION, "password": PASSWORD, **change}

    failed = await fill(hass, site, SUBENTRY_SERVER, values)

    assert failed["errors"] == errors
    assert not site.subentries


def set_up_line(csms: Csms, password: str = PASSWORD) -> str:
    return csms.url.replace("ws://", f"ws://{STATION}:{password}@")


async def test_the_set_up_line_of_the_operator_is_enough(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    failed = await fill(hass, site, SUBENTRY_SERVER, {"url": set_up_line(csms, "not-the-password")})
    shown = {str(key): (key.description or {}).get("suggested_value") for key in failed["data_schema"].schema}
    done = await hass.config_entries.subentries.async_configure(failed["flow_id"], {"url": f"  {set_up_line(csms)}/ "})
    await csms.until(lambda: [action for action, _ in csms.heard] == ["BootNotification"])

    assert failed["errors"] == {"password": "invalid_auth"}
    assert shown == {"url": csms.url, "station_id": STATION, "password": None, "name": None, "label_url": None}
    assert done["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = site.subentries.values()
    assert dict(subentry.data) == {"url": csms.url, "station_id": STATION, "password": PASSWORD}
    assert PASSWORD not in subentry.title + str(subentry.unique_id)
    assert PASSWORD not in caplog.text
    assert "not-the-password" not in caplog.text


async def test_a_server_has_the_name_that_its_owner_gives_it(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms
) -> None:
    await fill(hass, site, SUBENTRY_SERVER, {"url": set_up_line(csms), "name": " Kaze Denki "})
    (subentry,) = site.subentries.values()
    assert subentry.title == "Kaze Denki"

    flow = await site.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    shown = {str(key): (key.description or {}).get("suggested_value") for key in flow["data_schema"].schema}
    assert shown["name"] == "Kaze Denki"
    await hass.config_entries.subentries.async_configure(flow["flow_id"], {"url": set_up_line(csms)})
    (subentry,) = site.subentries.values()
    assert subentry.title == "127.0.0.1"


async def test_a_new_site_goes_on_with_its_first_outlet(hass: HomeAssistant) -> None:
    form = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    done = await hass.config_entries.flow.async_configure(form["flow_id"], {"name": "Car park"})
    kind, flow_id = done["next_flow"]

    following = hass.config_entries.subentries.async_get(flow_id)
    assert (kind, following["handler"]) == ("config_subentries_flow", (done["result"].entry_id, SUBENTRY_OUTLET))
    assert following["step_id"] == "user"


async def test_a_new_set_up_line_replaces_all_that_the_form_shows(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms
) -> None:
    await fill(hass, site, SUBENTRY_SERVER, {"url": set_up_line(csms)})
    (subentry,) = site.subentries.values()
    csms.password = "another-password-of-the-station"
    flow = await site.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    done = await hass.config_entries.subentries.async_configure(
        flow["flow_id"], {"url": set_up_line(csms, csms.password), "station_id": "an-old-one", "password": "an old one"}
    )
    await hass.async_block_till_done()

    assert done["reason"] == "reconfigure_successful"
    (subentry,) = site.subentries.values()
    assert dict(subentry.data) == {"url": csms.url, "station_id": STATION, "password": csms.password}


async def test_a_server_without_a_common_version_is_named(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms
) -> None:
    csms.protocols = ("ocpp1.6",)

    failed = await fill(hass, site, SUBENTRY_SERVER, {"url": csms.url, "station_id": STATION, "password": PASSWORD})

    assert failed["errors"] == {"base": "no_common_version"}


async def test_the_link_to_a_server_can_be_changed(hass: HomeAssistant, site: MockConfigEntry, csms: Csms) -> None:
    values = {"url": csms.url, "station_id": STATION, "password": PASSWORD}
    await fill(hass, site, SUBENTRY_SERVER, values)
    again = await fill(hass, site, SUBENTRY_SERVER, values)
    assert again["reason"] == "already_configured"
    (subentry,) = site.subentries.values()
    flow = await site.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    failed = await hass.config_entries.subentries.async_configure(flow["flow_id"], {**values, "password": "wrong"})
    assert failed["errors"] == {"password": "invalid_auth"}
    done = await hass.config_entries.subentries.async_configure(flow["flow_id"], {**values, "url": csms.url + "/"})

    assert done["reason"] == "reconfigure_successful"
    await csms.until(lambda: [action for action, _ in csms.heard].count("BootNotification") >= 1)


async def test_the_entities_of_a_server_follow_its_new_address(
    hass: HomeAssistant, site: MockConfigEntry, csms: Csms, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"url": csms.url, "station_id": STATION, "password": PASSWORD}
    await fill(hass, site, SUBENTRY_SERVER, values)
    (subentry,) = site.subentries.values()
    gone = {**subentry.data, "url": "ws://127.0.0.1:1/ocpp"}
    hass.config_entries.async_update_subentry(site, subentry, data=gone)
    await hass.async_block_till_done()
    await until(hass, lambda: state(hass, "binary_sensor.127_0_0_1_connection") == "off")

    hass.config_entries.async_update_subentry(site, subentry, data=values)
    await until(hass, lambda: state(hass, "binary_sensor.127_0_0_1_connection") == "on")
    assert "does not generate unique IDs" not in caplog.text


async def test_a_discovered_outlet_makes_the_first_site(hass: HomeAssistant, outlets: Outlets) -> None:
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announcement())
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "zeroconf_confirm")
    done = await hass.config_entries.flow.async_configure(flow["flow_id"], {"name": "A1"})
    await hass.async_block_till_done()

    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert done["result"].unique_id is None
    (subentry,) = done["result"].subentries.values()
    assert (subentry.title, subentry.unique_id, subentry.data["evse"]) == ("A1", MAC, 1)
    # What it lacks is asked for next.
    following = hass.config_entries.subentries.async_get(done["next_flow"][1])
    assert following["handler"] == (done["result"].entry_id, SUBENTRY_SERVER)


async def test_a_discovered_outlet_joins_the_only_site(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets
) -> None:
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announcement())
    outlets.answer = KeyRequiredError()
    failed = await hass.config_entries.flow.async_configure(flow["flow_id"], {"name": "A1"})
    assert failed["errors"] == {"base": "key_required"}
    outlets.answer = Identity(MAC, "Outlet A1")
    done = await hass.config_entries.flow.async_configure(flow["flow_id"], {"name": "A1", "encryption_key": "a2V5"})
    await hass.async_block_till_done()

    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "outlet_added")
    (subentry,) = site.subentries.values()
    assert dict(subentry.data) == {"host": "192.0.2.7", "port": 6053, "evse": 1, "encryption_key": "a2V5"}
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_a_discovered_outlet_joins_the_chosen_site(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets
) -> None:
    second = MockConfigEntry(domain=DOMAIN, title="Hotel", data={})
    second.add_to_hass(hass)
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announcement())
    await hass.config_entries.flow.async_configure(flow["flow_id"], {"name": "A1", "site": second.entry_id})
    await hass.async_block_till_done()

    assert not site.subentries
    assert len(second.subentries) == 1


async def test_an_outlet_that_is_known_already_is_not_offered(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets
) -> None:
    await fill(hass, site, SUBENTRY_OUTLET, {"host": "127.0.0.1", "port": 1})
    await hass.async_block_till_done()

    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announcement())

    assert (flow["type"], flow["reason"]) == (FlowResultType.ABORT, "already_configured")
    (subentry,) = site.subentries.values()
    # It does not answer where it was: the address at which it shows up is used.
    assert subentry.data["host"] == "192.0.2.7"


async def test_an_outlet_that_is_added_by_its_address_is_no_longer_offered(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets
) -> None:
    await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announcement())
    assert len(hass.config_entries.flow.async_progress_by_handler(DOMAIN)) == 1
    await fill(hass, site, SUBENTRY_OUTLET, {"host": "127.0.0.1", "port": 1})

    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


async def test_another_outlet_behind_the_announced_address_is_not_taken(
    hass: HomeAssistant, site: MockConfigEntry, outlets: Outlets
) -> None:
    outlets.answer = Identity("000000000000", "Another")
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announcement())
    done = await hass.config_entries.flow.async_configure(flow["flow_id"], {"name": "A1"})
    assert done["reason"] == "another_outlet"

    nameless = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=announcement(mac="")
    )
    assert nameless["reason"] == "no_mac"
