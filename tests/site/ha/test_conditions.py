"""The conditions of the integration, through automations as an owner writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from automations import Ran, asking, automate
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.condition import async_get_all_descriptions
from homeassistant.setup import async_setup_component
from parts import FIRST, SECOND, act, device_id
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.condition import CONDITIONS
from custom_components.konsento.control.reservations import Reservation
from custom_components.konsento.control.windows import Window
from custom_components.konsento.control.words import EndReason, OutletState

YES = {"name": "yes"}


async def holds(hass: HomeAssistant, ran: Ran) -> bool:
    """Return whether the condition of the test's automation holds now."""
    ran.told.clear()
    hass.bus.async_fire("look")
    await hass.async_block_till_done()
    return bool(ran.told)


def show(outlet: SimulatedOutlet, **values: Any) -> None:
    for name, value in values.items():
        setattr(outlet, name, value)
    outlet.changed()


def first(hass: HomeAssistant, place: MockConfigEntry) -> dict[str, Any]:
    return {"device_id": device_id(hass, place, FIRST)}


async def test_every_condition_is_offered_with_its_fields(hass: HomeAssistant, place: MockConfigEntry) -> None:
    described = await async_get_all_descriptions(hass)

    ours = {name: each for name, each in described.items() if name.startswith("konsento.")}
    assert ours.keys() == {f"konsento.{key}" for key in CONDITIONS}
    assert all(each and each["fields"].keys() >= {"behavior", "for"} for each in ours.values())


async def test_an_outlet_is_free_charging_or_waiting(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    keys = ("is_free", "is_charging", "is_waiting")
    ran = await automate(
        hass,
        *({**asking(key, first(hass, place)), "actions": [_tell(key)]} for key in keys),
    )

    async def what() -> list[str]:
        await holds(hass, ran)
        return ran.names

    assert await what() == ["is_free"]
    await act(hass, "start_session", evse=1, energy=1)
    await hass.async_block_till_done()
    assert await what() == ["is_charging"]
    # Not renewed meanwhile, so that it stays suspended.
    show(outlet, fault="meter_silent", state=OutletState.SUSPENDED)
    assert await what() == ["is_waiting"]
    outlet._end(EndReason.IDLE)
    show(outlet, fault="")
    await until(hass, lambda: state(hass, "sensor.a1_occupancy") == "free")
    assert await what() == ["is_free"]


def _tell(name: str) -> dict[str, Any]:
    return {"action": "test.note", "data": {"name": name}}


@pytest.mark.parametrize(
    ("values", "occupancy"),
    [
        ({"online": False}, "away"),
        ({"enabled": False}, "out_of_service"),
        ({"fault": "overcurrent"}, "faulted"),
    ],
)
async def test_an_outlet_where_nothing_can_start_is_not_free(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, values: dict[str, Any], occupancy: str
) -> None:
    ran = await automate(hass, asking("is_free", first(hass, place)), note=YES)
    show(outlet, **values)
    await hass.async_block_till_done()
    assert state(hass, "sensor.a1_occupancy") == occupancy
    assert not await holds(hass, ran)


async def test_an_outlet_that_is_kept_for_somebody_is_not_free(hass: HomeAssistant, place: MockConfigEntry) -> None:
    ran = await automate(hass, asking("is_free", first(hass, place)), note=YES)
    site = place.runtime_data.site
    kept = await Reservation.of(
        server="server", reservation_id=1, evse=1, expires_at=site.now() + timedelta(minutes=5), token="TOKEN"
    )
    assert await site.reserve(kept) is None
    await hass.async_block_till_done()
    assert state(hass, "sensor.a1_occupancy") == "reserved"
    assert not await holds(hass, ran)

    await site.reservations.cancel("server", 1)
    await hass.async_block_till_done()
    assert await holds(hass, ran)


async def test_one_or_all_outlets_can_be_meant(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    both = {"device_id": [device_id(hass, place, FIRST), device_id(hass, place, SECOND)]}
    ran = await automate(
        hass,
        *({**asking("is_free", both, behavior=behavior), "actions": [_tell(behavior)]} for behavior in ("any", "all")),
    )
    await holds(hass, ran)
    assert ran.names == ["any", "all"]
    # What nobody knows does not hold.
    show(simulated[SECOND], online=False)
    await holds(hass, ran)
    assert ran.names == ["any"]


async def test_a_state_can_be_asked_for_only_when_it_lasts(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, freezer: Any
) -> None:
    ran = await automate(hass, asking("is_charging", first(hass, place), **{"for": {"minutes": 10}}), note=YES)
    await act(hass, "start_session", evse=1, energy=1)
    await hass.async_block_till_done()
    assert not await holds(hass, ran)
    freezer.tick(timedelta(minutes=11))
    assert await holds(hass, ran)


async def test_a_recommended_window_is_asked_for(hass: HomeAssistant, place: MockConfigEntry) -> None:
    ran = await automate(hass, asking("window_now", {"device_id": device_id(hass, place, place.entry_id)}), note=YES)
    windows = place.runtime_data.site.windows
    now = datetime.now(UTC)
    # Nothing is recommended where nothing is known.
    assert state(hass, "binary_sensor.car_park_charging_recommended") == "unknown"
    assert not await holds(hass, ran)
    windows.take("server", [Window(start=now, end=now + timedelta(hours=1))], now)
    assert await holds(hass, ran)
    windows.take("server", [], now)
    assert not await holds(hass, ran)


@pytest.mark.parametrize(
    ("left", "margin", "answer"),
    [
        ("500 W", 0, True),
        ("0 W", 0, False),
        ("-20 W", 0, False),
        ("1.5 kW", 1400, True),
        ("1.5 kW", 1600, False),
        # A site without a limit.
        ("unknown W", 500, True),
        ("unavailable W", 0, False),
        ("500 bananas", 0, False),
    ],
)
async def test_a_site_is_asked_whether_it_has_power_left(
    hass: HomeAssistant, place: MockConfigEntry, *, left: str, margin: float, answer: bool
) -> None:
    target = {"device_id": device_id(hass, place, place.entry_id)}
    ran = await automate(hass, asking("below_power_limit", target, margin=margin), note=YES)
    value, unit = left.split()
    hass.states.async_set("sensor.car_park_power_available", value, {"unit_of_measurement": unit})

    assert await holds(hass, ran) is answer


async def test_a_site_that_draws_all_that_it_may_is_not_below_its_limit(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    target = {"device_id": device_id(hass, place, place.entry_id)}
    ran = await automate(hass, asking("below_power_limit", target, margin=1000), note=YES)
    assert await holds(hass, ran)
    power = {"limit": 3500, "unit": "W"}
    hass.config_entries.async_update_entry(place, options={"power": power})
    await until(hass, lambda: state(hass, "sensor.car_park_power_available") == "3500")
    assert await holds(hass, ran)
    await act(hass, "start_session", evse=1, energy=1)
    await until(hass, lambda: state(hass, "sensor.car_park_power_available") == "500")
    assert not await holds(hass, ran)


@pytest.mark.parametrize("behavior", ["any", "all"])
async def test_what_is_no_outlet_fulfils_nothing(hass: HomeAssistant, place: MockConfigEntry, behavior: str) -> None:
    hass.states.async_set("sensor.other", "free")
    targets = (
        {"entity_id": ["sensor.other", "sensor.nothing"]},
        {"device_id": [device_id(hass, place, place.entry_id)]},
        {"area_id": ["nowhere"]},
    )
    ran = await automate(hass, *(asking("is_free", target, behavior=behavior) for target in targets), note=YES)
    assert not await holds(hass, ran)


async def test_the_editor_sees_a_condition_change_by_whichever_entity_the_outlet_was_named(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, hass_ws_client: WebSocketGenerator
) -> None:
    socket = await hass_ws_client(hass)
    condition = {"condition": "konsento.is_charging", "target": {"entity_id": "switch.a1_available"}}
    await socket.send_json_auto_id({"type": "subscribe_condition", "condition": condition})
    assert (await socket.receive_json())["success"]
    assert (await socket.receive_json())["event"] == {"result": False}

    await act(hass, "start_session", evse=1, energy=1)

    assert (await socket.receive_json())["event"] == {"result": True}


@pytest.mark.parametrize(
    ("key", "options"),
    [("is_free", {"behavior": "most"}), ("is_free", {"margin": 3}), ("below_power_limit", {"margin": -1})],
)
async def test_options_that_mean_nothing_are_refused_when_the_automation_is_read(
    hass: HomeAssistant, place: MockConfigEntry, key: str, options: dict[str, Any]
) -> None:
    await async_setup_component(
        hass,
        AUTOMATION,
        {AUTOMATION: [{"alias": "wrong", "actions": [], **asking(key, first(hass, place), **options)}]},
    )
    assert state(hass, "automation.wrong") == "unavailable"


async def test_a_session_that_ends_is_never_shown_as_waiting(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    shown: list[str] = []
    hass.bus.async_listen(
        EVENT_STATE_CHANGED,
        callback(
            lambda event: (
                shown.append(event.data["new_state"].state)
                if event.data["entity_id"] == "sensor.a1_occupancy"
                else None
            )
        ),
    )
    await act(hass, "start_session", evse=1, energy=1)
    await until(hass, lambda: state(hass, "sensor.a1_occupancy") == "charging")
    outlet._end(EndReason.ENERGY_LIMIT)
    outlet.changed()
    await until(hass, lambda: state(hass, "sensor.a1_occupancy") == "free")
    assert shown == ["charging", "free"]
