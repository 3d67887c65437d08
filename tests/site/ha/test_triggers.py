"""The triggers of the integration, through automations as an owner writes them."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from automations import Ran, automate, trigger
from csms import Csms, start_request
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import label_registry as lr
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.setup import async_setup_component
from parts import FIRST, SECOND, act, device_id, link
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.control.windows import Window
from custom_components.konsento.control.words import EndReason, OutletState
from custom_components.konsento.trigger import NEWS, TRIGGERS

SAYS = {name: f"{{{{ trigger.{name} }}}}" for name in (*NEWS, "event", "name", "entity_id", "device_id")}


def show(outlet: SimulatedOutlet, **values: Any) -> None:
    for name, value in values.items():
        setattr(outlet, name, value)
    outlet.changed()


def first(hass: HomeAssistant, place: MockConfigEntry) -> dict[str, Any]:
    """Return the outlet A1 as a target."""
    return {"device_id": device_id(hass, place, FIRST)}


async def start(hass: HomeAssistant, **limits: Any) -> str:
    answer = await act(hass, "start_session", evse=1, **(limits or {"energy": 1}))
    await hass.async_block_till_done()
    session: str = answer["session_id"]
    return session


async def later(hass: HomeAssistant, seconds: float) -> None:
    """Let what waits for so long happen."""
    async_fire_time_changed(hass, datetime.now(UTC) + timedelta(seconds=seconds))
    await hass.async_block_till_done()


def events(ran: Ran) -> list[str]:
    return [each["event"] for each in ran.told]


async def test_every_trigger_is_offered_with_its_fields(hass: HomeAssistant, place: MockConfigEntry) -> None:
    described = await async_get_all_descriptions(hass)

    ours = {name: each for name, each in described.items() if name.startswith("konsento.")}
    assert ours.keys() == {f"konsento.{key}" for key in TRIGGERS}
    assert all(each and each["target"]["entity"][0]["integration"] == "konsento" for each in ours.values())


async def test_the_editor_offers_what_fits_an_outlet_a_server_and_a_site(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms, hass_ws_client: WebSocketGenerator
) -> None:
    part = await link(hass, place, csms)
    socket = await hass_ws_client(hass)

    async def offered(what: str, name: str) -> set[str]:
        target = {"device_id": [device_id(hass, place, name)]}
        await socket.send_json_auto_id({"type": f"get_{what}_for_target", "target": target})
        found = (await socket.receive_json())["result"]
        return {key.removeprefix("konsento.") for key in found if key.startswith("konsento.")}

    windows, links = {"window_started", "window_ended"}, {"link_lost", "link_restored"}
    assert await offered("triggers", FIRST) == TRIGGERS.keys() - windows
    assert await offered("triggers", part.subentry_id) == links
    assert await offered("triggers", place.entry_id) == windows
    assert await offered("conditions", FIRST) == {"is_free", "is_charging", "is_waiting"}
    assert await offered("conditions", part.subentry_id) == set()
    assert await offered("conditions", place.entry_id) == {"below_power_limit", "window_now"}


async def test_a_session_is_told_from_the_request_to_its_limit(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    keys = (
        "session_requested",
        "session_started",
        "session_suspended",
        "session_resumed",
        "limit_reached",
        "session_ended",
    )
    ran = await automate(hass, *(trigger(key, first(hass, place)) for key in keys), note=SAYS)
    session = await start(hass, energy=1.5, duration={"hours": 1})
    show(outlet, state=OutletState.SUSPENDED)
    await until(hass, lambda: _news(hass) == "session_suspended")
    outlet._end(EndReason.ENERGY_LIMIT)
    show(outlet, energy_mwh=1_500_000, supply_s=1800.0)
    await until(hass, lambda: _news(hass) == "session_ended")
    await hass.async_block_till_done()

    assert events(ran)[:3] == ["session_requested", "session_started", "session_suspended"]
    assert events(ran)[-2:] == ["limit_reached", "session_ended"]
    asked, reached, ended = ran.told[0], ran.told[-2], ran.told[-1]
    assert (asked["session_kind"], asked["energy_limit_wh"], asked["time_limit_s"]) == ("local", 1500, 3600)
    for each in (reached, ended):
        assert each["session_id"] == session
        assert (each["energy_wh"], each["supply_s"], each["limit"]) == (1500.0, 1800, "energy")
        assert each["end_reason"] == "energy_limit_reached"
        assert (each["name"], each["entity_id"]) == ("A1", "event.a1_news")
        assert each["device_id"] == device_id(hass, place, FIRST)


async def test_a_session_that_resumes_is_told(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    ran = await automate(hass, trigger("session_resumed", first(hass, place)), note=SAYS)
    await start(hass)
    show(outlet, state=OutletState.SUSPENDED)
    await until(hass, lambda: _news(hass) == "session_suspended")
    show(outlet, state=OutletState.SUPPLYING)
    await until(hass, lambda: _news(hass) == "session_resumed")
    await hass.async_block_till_done()
    assert events(ran) == ["session_resumed"]


async def test_why_a_session_waits_is_told(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    keys = ("session_started", "session_suspended", "session_resumed")
    ran = await automate(hass, *(trigger(key, first(hass, place)) for key in keys), note=SAYS)
    await start(hass)
    await act(hass, "suspend_session", evse=1)
    await until(hass, lambda: _news(hass) == "session_suspended")
    assert state(hass, "sensor.a1_occupancy") == "waiting"
    await act(hass, "resume_session", evse=1)
    await until(hass, lambda: _news(hass) == "session_resumed")
    await hass.async_block_till_done()

    assert [(each["event"], each["reason"]) for each in ran.told] == [
        ("session_started", None),
        ("session_suspended", "owner"),
        ("session_resumed", "owner"),
    ]


def _news(hass: HomeAssistant, entity_id: str = "event.a1_news") -> str | None:
    found = hass.states.get(entity_id)
    assert found
    told: str | None = found.attributes["event_type"]
    return told


async def test_paid_and_local_sessions_are_told_apart(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    target = first(hass, place)
    ran = await automate(
        hass,
        *(trigger(key, target, session_kind="driver") for key in ("session_requested", "session_started")),
        trigger("session_ended", target, session_kind="local"),
        note=SAYS,
    )
    await start(hass)
    await act(hass, "stop_session", evse=1)
    await csms.ask("RequestStartTransaction", start_request(1))
    outlet._end(EndReason.IDLE)
    outlet.changed()
    await csms.until(lambda: csms.last() == "Ended")
    await hass.async_block_till_done()

    assert [(each["event"], each["session_kind"]) for each in ran.told] == [
        ("session_ended", "local"),
        ("session_requested", "driver"),
        ("session_started", "driver"),
    ]
    # Neither whose it is, nor by what it was asked for.
    assert "TOKEN" not in str(ran.told)


@pytest.mark.parametrize(("reason", "limit"), [(EndReason.ENERGY_LIMIT, "energy"), (EndReason.TIME_LIMIT, "time")])
async def test_which_limit_was_reached_can_be_chosen(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, reason: EndReason, limit: str
) -> None:
    target = first(hass, place)
    ran = await automate(
        hass, *(trigger("limit_reached", target, limit=each) for each in ("energy", "time")), note=SAYS
    )
    await start(hass)
    outlet._end(reason)
    outlet.changed()
    await until(hass, lambda: _news(hass) == "session_ended")
    await hass.async_block_till_done()

    assert [each["limit"] for each in ran.told] == [limit]


async def test_a_session_that_ends_otherwise_reaches_no_limit(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    ran = await automate(hass, trigger("limit_reached", first(hass, place)))
    await start(hass)
    await act(hass, "stop_session", evse=1)
    await hass.async_block_till_done()
    assert ran.told == []


async def test_a_fault_and_its_end_are_told_with_the_problem(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    target = first(hass, place)
    ran = await automate(
        hass,
        trigger("outlet_fault", target),
        trigger("outlet_fault_cleared", target),
        trigger("outlet_fault", target, problem=["overtemperature"]),
        trigger("tamper", target),
        note=SAYS,
    )
    show(outlet, fault="overcurrent")
    show(outlet, fault="")
    await hass.async_block_till_done()
    assert [(each["event"], each["problem"]) for each in ran.told] == [
        ("problem", "overcurrent"),
        ("problem_solved", "overcurrent"),
    ]

    ran.told.clear()
    show(outlet, fault="overtemperature")
    await hass.async_block_till_done()
    assert events(ran) == ["problem", "problem"]

    ran.told.clear()
    show(outlet, fault="welded_contact")
    await hass.async_block_till_done()
    assert [each["problem"] for each in ran.told if each["event"] == "tamper"] == ["welded_contact"]
    assert ("problem", "welded_contact") in [(each["event"], each["problem"]) for each in ran.told]


async def test_a_fault_can_be_told_only_when_it_lasts(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    ran = await automate(hass, trigger("outlet_fault", first(hass, place), **{"for": {"minutes": 5}}), note=SAYS)
    show(outlet, fault="overtemperature", more={"without_power": True})
    await hass.async_block_till_done()
    # One of the two is over in time; what else happens meanwhile undoes nothing.
    show(outlet, fault="", more={"without_power": True, "button": True})
    await hass.async_block_till_done()
    assert ran.told == []

    await later(hass, 301)
    assert [each["problem"] for each in ran.told] == ["relay_without_power"]


async def test_a_suspension_can_be_told_only_when_it_lasts(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    ran = await automate(hass, trigger("session_suspended", first(hass, place), **{"for": "00:10:00"}), note=SAYS)
    await start(hass)
    # Not renewed meanwhile, so that it stays suspended.
    outlet.fault = "meter_silent"
    show(outlet, state=OutletState.SUSPENDED)
    await until(hass, lambda: _news(hass) == "session_suspended")
    await hass.async_block_till_done()
    assert ran.told == []
    await later(hass, 601)
    assert events(ran) == ["session_suspended"]


async def test_links_of_outlets_and_servers_are_told_lost_and_restored(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    part = await link(hass, place, csms)
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")
    target = {"device_id": [device_id(hass, place, FIRST), device_id(hass, place, part.subentry_id)]}
    ran = await automate(hass, *(trigger(key, target) for key in ("link_lost", "link_restored")), note=SAYS)

    show(outlet, online=False)
    show(outlet, online=True)
    await csms.stop()
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "off")
    await csms.start()
    await hass.services.async_call("button", "press", {"entity_id": "button.kaze_denki_reconnect"}, blocking=True)
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")
    await hass.async_block_till_done()

    assert [(each["name"], each["event"]) for each in ran.told] == [
        ("A1", "connection_lost"),
        ("A1", "connection_restored"),
        ("Kaze Denki", "connection_lost"),
        ("Kaze Denki", "connection_restored"),
    ]


async def test_a_link_that_comes_back_in_time_is_not_told(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    ran = await automate(hass, trigger("link_lost", first(hass, place), **{"for": {"minutes": 5}}), note=SAYS)
    show(outlet, online=False)
    await hass.async_block_till_done()
    show(outlet, online=True)
    await later(hass, 301)
    assert ran.told == []

    show(outlet, online=False)
    await later(hass, 301)
    assert events(ran) == ["connection_lost"]


async def test_the_button_of_an_outlet_starts_an_automation(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    ran = await automate(hass, trigger("button_pressed", first(hass, place)))
    for pressed in (True, False, True):
        show(outlet, more={"button": pressed})
    await hass.async_block_till_done()
    assert ran.names == ["A1", "A1"]


async def test_recommended_windows_begin_and_end(hass: HomeAssistant, place: MockConfigEntry) -> None:
    hub = place.runtime_data
    now = datetime.now(UTC)
    hub.site.windows.take("server", [Window(start=now + timedelta(hours=1), end=now + timedelta(hours=2))], now)
    await hass.async_block_till_done()
    assert state(hass, "binary_sensor.car_park_charging_recommended") == "off"
    target = {"device_id": device_id(hass, place, place.entry_id)}
    ran = await automate(
        hass,
        *(trigger(key, target) for key in ("window_started", "window_ended")),
        note={"name": "{{ trigger.to_state.state }}"},
    )
    hub.site.windows.take("server", [Window(start=now, end=now + timedelta(hours=2))], now)
    await hass.async_block_till_done()
    hub.site.windows.take("server", [], now)
    await hass.async_block_till_done()
    assert ran.names == ["on", "off"]


async def test_outlets_are_named_by_any_entity_their_area_or_a_label(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    area = ar.async_get(hass).async_create("Yard")
    label = lr.async_get(hass).async_create("Staff")
    dr.async_get(hass).async_update_device(device_id(hass, place, FIRST), area_id=area.id)
    dr.async_get(hass).async_update_device(device_id(hass, place, SECOND), labels={label.label_id})
    ran = await automate(
        hass,
        trigger("button_pressed", {"area_id": area.id}),
        trigger("button_pressed", {"label_id": label.label_id}),
        trigger("button_pressed", {"entity_id": ["switch.a2_available"]}),
    )
    show(simulated[FIRST], more={"button": True})
    await hass.async_block_till_done()
    assert ran.names == ["A1"]
    show(simulated[SECOND], more={"button": True})
    await hass.async_block_till_done()
    assert ran.names == ["A1", "A2", "A2"]


async def test_a_new_name_or_a_reload_is_no_news(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    ran = await automate(hass, trigger("button_pressed", first(hass, place)))
    show(outlet, more={"button": True})
    show(outlet, more={})
    await hass.async_block_till_done()
    er.async_get(hass).async_update_entity("event.a1_news", name="What happens here")
    await hass.async_block_till_done()
    assert await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()
    assert ran.names == ["A1"]
    show(outlet, more={"button": True})
    await hass.async_block_till_done()
    assert ran.names == ["A1", "A1"]


async def test_an_unloaded_site_undoes_what_was_waited_for(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    ran = await automate(hass, trigger("link_lost", first(hass, place), **{"for": {"minutes": 5}}))
    show(outlet, online=False)
    await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(place.entry_id)
    await later(hass, 301)
    assert ran.told == []


async def test_what_is_no_outlet_starts_nothing(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    hass.states.async_set("event.doorbell", datetime.now(UTC).isoformat(), {"event_type": "session_started"})
    ran = await automate(
        hass,
        trigger("session_started", {"entity_id": ["event.doorbell", "event.nothing"]}),
        trigger("session_started", {"device_id": [device_id(hass, place, place.entry_id)]}),
        trigger("window_started", first(hass, place)),
    )
    hass.states.async_set("event.doorbell", "later", {"event_type": "session_started"})
    await start(hass)
    assert ran.told == []


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("limit_reached", {"limit": "money"}),
        ("session_started", {"session_kind": "mine"}),
        ("outlet_fault", {"problem": ["bad mood"]}),
        ("button_pressed", {"for": "00:01:00"}),
        ("link_lost", {"for": "soon"}),
    ],
)
async def test_options_that_mean_nothing_are_refused_when_the_automation_is_read(
    hass: HomeAssistant, place: MockConfigEntry, caplog: pytest.LogCaptureFixture, key: str, options: dict[str, Any]
) -> None:
    with caplog.at_level(logging.ERROR):
        await async_setup_component(
            hass,
            AUTOMATION,
            {AUTOMATION: [{"alias": "wrong", "actions": [], **trigger(key, first(hass, place), **options)}]},
        )
    assert state(hass, "automation.wrong") == "unavailable"
    assert "wrong" in caplog.text
