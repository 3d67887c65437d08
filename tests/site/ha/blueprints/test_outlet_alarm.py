"""The alarm: who is told of what, what the siren does, and what the buttons of the message bring about."""

from datetime import timedelta
from typing import Any

import pytest
from blueprinted import GoOn, Make, Pigeonhole, settled
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from simulated import SimulatedOutlet
from states import state, until

type Target = dict[str, list[str]]

SIREN = "siren.yard"


@pytest.fixture
def phone(hass: HomeAssistant) -> str:
    """Return the device of a phone with the app, its name in Japanese."""
    app = MockConfigEntry(domain="mobile_app")
    app.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=app.entry_id, identifiers={("mobile_app", "1")}, name="店長のiPhone"
    )
    # The entity of a phone that takes messages.
    entity = er.async_get(hass).async_get_or_create("notify", "mobile_app", "1", config_entry=app, device_id=device.id)
    hass.states.async_set(entity.entity_id, "unknown")
    return device.id


@pytest.fixture
def sent(hass: HomeAssistant, phone: str) -> list[dict[str, Any]]:
    """Return what the phone was sent."""
    messages: list[dict[str, Any]] = []

    async def send(call: ServiceCall) -> None:
        messages.append(dict(call.data))

    # As the app's integration names it.
    hass.services.async_register("notify", "mobile_app_dian_chang_noiphone", send)
    return messages


@pytest.fixture
def siren(hass: HomeAssistant) -> list[tuple[str, object]]:
    """Return what the siren was told."""
    calls: list[tuple[str, object]] = []
    for service in ("turn_on", "turn_off"):

        async def told(call: ServiceCall) -> None:
            assert call.data["entity_id"] == [SIREN]
            calls.append((call.service, call.data.get("duration")))
            hass.states.async_set(SIREN, call.service.removeprefix("turn_"))

        hass.services.async_register("siren", service, told)
    return calls


def press(hass: HomeAssistant, action: str) -> None:
    hass.bus.async_fire("mobile_app_notification_action", {"action": action})


async def steal(hass: HomeAssistant, clock: GoOn, outlet: SimulatedOutlet) -> None:
    """Draw power without a session, for long enough."""
    outlet.idle_w = 500.0
    outlet.changed()
    outlet.clock.seconds += 11
    await clock(seconds=11)
    outlet.changed()
    await settled()


async def trip(hass: HomeAssistant, outlet: SimulatedOutlet) -> None:
    outlet.trip()
    await until(hass, lambda: state(hass, "sensor.a1_gravest_problem") == "overcurrent")
    await hass.async_block_till_done()


async def test_a_fault_is_told_on_the_phone_with_a_button_and_without_the_siren(
    hass: HomeAssistant,
    *,
    make: Make,
    both: Target,
    outlet: SimulatedOutlet,
    first: str,
    phone: str,
    sent: list[dict[str, Any]],
    siren: list[tuple[str, object]],
) -> None:
    await make("outlet_alarm", outlets=both, phones=[phone], sirens=[SIREN])
    await trip(hass, outlet)

    (told,) = sent
    assert (told["title"], told["message"]) == ("Problem at an outlet", "A1: overcurrent")
    assert [button["title"] for button in told["data"]["actions"]] == ["Out of service"]
    assert siren == []

    press(hass, told["data"]["actions"][0]["action"])
    await until(hass, lambda: state(hass, "switch.a1_available") == "off")
    assert len(sent) == 1


async def test_the_end_of_a_problem_takes_the_place_of_its_message(
    hass: HomeAssistant,
    *,
    make: Make,
    both: Target,
    outlet: SimulatedOutlet,
    phone: str,
    sent: list[dict[str, Any]],
) -> None:
    await make("outlet_alarm", outlets=both, phones=[phone], language="ja")
    await trip(hass, outlet)
    outlet.fault = ""
    outlet.changed()
    await hass.async_block_till_done()

    begun, over = sent
    assert (begun["title"], begun["message"]) == ("コンセントの異常", "A1: 過電流")
    assert (over["title"], over["message"]) == ("異常が解消しました", "A1: 過電流")
    assert begun["data"]["tag"] == over["data"]["tag"]
    assert over["data"]["actions"] == []


async def test_theft_sounds_the_siren_until_somebody_silences_it(
    hass: HomeAssistant,
    *,
    clock: GoOn,
    make: Make,
    both: Target,
    outlet: SimulatedOutlet,
    phone: str,
    sent: list[dict[str, Any]],
    siren: list[tuple[str, object]],
) -> None:
    await make("outlet_alarm", outlets=both, phones=[phone], sirens=[SIREN], minutes=3)
    await steal(hass, clock, outlet)
    (told,) = sent
    assert (told["title"], told["message"]) == ("Somebody may be stealing power", "A1: power flows without a session")
    assert [button["title"] for button in told["data"]["actions"]] == ["Out of service", "Silence siren"]
    assert siren == [("turn_on", 180)]

    press(hass, "KONSENTO_SILENCE")
    await settled()
    assert siren[1][0] == "turn_off"


async def test_the_siren_stops_by_itself(
    hass: HomeAssistant,
    *,
    clock: GoOn,
    make: Make,
    both: Target,
    outlet: SimulatedOutlet,
    siren: list[tuple[str, object]],
) -> None:
    await make("outlet_alarm", outlets=both, sirens=[SIREN], minutes=3)
    await steal(hass, clock, outlet)
    await clock(minutes=2)
    assert len(siren) == 1
    await clock(minutes=2)
    assert [service for service, _ in siren] == ["turn_on", "turn_off"]


async def test_the_siren_sounds_for_every_problem_where_the_owner_wants_it(
    hass: HomeAssistant,
    *,
    make: Make,
    both: Target,
    outlet: SimulatedOutlet,
    siren: list[tuple[str, object]],
) -> None:
    await make("outlet_alarm", outlets=both, sirens=[SIREN], loud="all")
    outlet.trip()
    await until(hass, lambda: bool(siren))
    press(hass, "KONSENTO_SILENCE")
    await hass.async_block_till_done()
    assert siren[0] == ("turn_on", 180)


@pytest.mark.parametrize(("minutes_ago", "stops"), [(2, True), (120, False)])
async def test_a_siren_that_sounds_over_a_restart_is_stopped_if_it_was_this_alarm(
    hass: HomeAssistant,
    *,
    clock: GoOn,
    make: Make,
    both: Target,
    siren: list[tuple[str, object]],
    minutes_ago: int,
    stops: bool,
) -> None:
    hass.states.async_set(SIREN, "unavailable")
    last = dt_util.utcnow() - timedelta(minutes=minutes_ago)
    await make("outlet_alarm", last=last, outlets=both, sirens=[SIREN])
    hass.states.async_set(SIREN, "on")
    await hass.async_block_till_done()
    assert bool(siren) == stops


async def test_a_problem_that_was_not_chosen_is_not_told(
    hass: HomeAssistant, *, make: Make, both: Target, outlet: SimulatedOutlet, phone: str, sent: list[dict[str, Any]]
) -> None:
    await make("outlet_alarm", outlets=both, phones=[phone], problems=["welded_contact"])
    await trip(hass, outlet)
    assert sent == []


async def test_a_button_of_something_else_does_nothing(
    hass: HomeAssistant, *, make: Make, both: Target, simulated: dict[str, SimulatedOutlet], sent: list[dict[str, Any]]
) -> None:
    await make("outlet_alarm", outlets={"device_id": both["device_id"][:1]})
    press(hass, "OPEN_GARAGE")
    # An outlet of another automation.
    press(hass, f"KONSENTO_OUT_OF_SERVICE_{both['device_id'][1]}")
    await hass.async_block_till_done()
    assert all(each.enabled for each in simulated.values())


async def test_an_outlet_that_cannot_be_taken_out_of_service_is_told(
    hass: HomeAssistant,
    *,
    clock: GoOn,
    make: Make,
    both: Target,
    outlet: SimulatedOutlet,
    first: str,
    office: Pigeonhole,
) -> None:
    await make("outlet_alarm", outlets=both, notifiers=["notify.office"])
    outlet.lose_commands = 1
    press(hass, f"KONSENTO_OUT_OF_SERVICE_{first}")
    await clock(seconds=20, step=timedelta(seconds=1))
    assert office.messages == [("Problem at an outlet", "A1: It could not be taken out of service.")]


async def test_a_phone_that_cannot_be_reached_keeps_nobody_else_from_being_told(
    hass: HomeAssistant, *, make: Make, both: Target, outlet: SimulatedOutlet, phone: str, office: Pigeonhole
) -> None:
    # Its action does not exist.
    await make("outlet_alarm", outlets=both, phones=[phone], notifiers=["notify.office"])
    await trip(hass, outlet)
    assert office.messages == [("Problem at an outlet", "A1: overcurrent")]
