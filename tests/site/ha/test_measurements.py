"""What leaves the site for the environment load: the owner chooses and sees it; nothing tells of a driver."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from csms import PASSWORD, STATION, Csms, start_request
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from parts import FIRST, act, ask, link
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from receiver import TOKEN, Receiver, answer
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.const import DOMAIN
from custom_components.konsento.control.words import EndReason
from custom_components.konsento.diagnostics import async_get_config_entry_diagnostics
from custom_components.konsento.system_health import _info

SENT = "sensor.car_park_measurements_last_sent"
WAITING = "sensor.car_park_measurements_waiting"
REFUSED = "sensor.car_park_measurements_refused"


async def open_form(hass: HomeAssistant, site: MockConfigEntry) -> ConfigFlowResult:
    menu = await hass.config_entries.options.async_init(site.entry_id)
    return await hass.config_entries.options.async_configure(menu["flow_id"], {"next_step_id": "measurements"})


async def choose(hass: HomeAssistant, site: MockConfigEntry, **values: Any) -> ConfigFlowResult:
    form = await open_form(hass, site)
    done = await hass.config_entries.options.async_configure(
        form["flow_id"], {"route": "platform", "schedule": "daily", **values}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return done


@pytest.fixture
async def sending(hass: HomeAssistant, place: MockConfigEntry, receiver: Receiver) -> MockConfigEntry:
    """Return a site that sends to the receiver."""
    done = await choose(hass, place, url=receiver.url, token=TOKEN, region="jp-13112")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await until(hass, lambda: state(hass, WAITING) == "0")
    receiver.raw.clear()
    return place


async def charge(hass: HomeAssistant, outlet: SimulatedOutlet, waiting: int, energy_mwh: int = 1_234_567) -> None:
    """Run a session of the owner; `waiting` measurements are there afterwards."""
    await act(hass, "start_session", evse=1, energy=10)
    outlet.energy_mwh = energy_mwh
    outlet.changed()
    await act(hass, "stop_session", evse=1)
    await until(hass, lambda: state(hass, WAITING) == str(waiting))


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    registry = ir.async_get(hass)
    return {issue.translation_key or "": issue for (domain, _), issue in registry.issues.items() if domain == DOMAIN}


def tick(hass: HomeAssistant, at: datetime | None = None) -> None:
    async_fire_time_changed(hass, (at or datetime.now(UTC)) + timedelta(minutes=1, seconds=1))


# --- the form


async def test_a_choice_is_tried_and_holds_without_a_reload(
    hass: HomeAssistant, sending: MockConfigEntry, receiver: Receiver
) -> None:
    hub = sending.runtime_data

    assert receiver.looks == 1
    assert sending.options["measurements"] == {
        "route": "platform",
        "url": receiver.url,
        "token": TOKEN,
        "region": "JP-13112",
        "schedule": "daily",
    }
    assert hub is sending.runtime_data
    assert hub.reporting.sender.plan.region == "JP-13112"
    # The other options are untouched, and do not touch these.
    menu = await hass.config_entries.options.async_init(sending.entry_id)
    form = await hass.config_entries.options.async_configure(menu["flow_id"], {"next_step_id": "numbers"})
    await hass.config_entries.options.async_configure(form["flow_id"], {"continuity_interval": 3, "meter_interval": 7})
    assert sending.options["measurements"]["token"] == TOKEN
    assert sending.options["meter_interval"] == 7


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"region": ""}, {"region": "invalid_region"}),
        ({"region": "Setagaya"}, {"region": "invalid_region"}),
        ({"region": "JP-123456789"}, {"region": "invalid_region"}),
        ({"url": ""}, {"url": "invalid_url"}),
        ({"url": "ftp://example.org"}, {"url": "invalid_url"}),
        ({"url": "https://user:secret@example.org"}, {"url": "invalid_url"}),
        ({"url": "https://example.org:99999"}, {"url": "invalid_url"}),
        ({"url": "https://example.org?token=1"}, {"url": "invalid_url"}),
        ({"url": "http://example.org"}, {"url": "insecure_url"}),
        ({"url": "http://127.0.0.1:9"}, {"url": "cannot_connect"}),
        ({"token": ""}, {"token": "token_missing"}),
        ({"token": "another"}, {"token": "invalid_auth"}),
        ({"token": "two words"}, {"token": "invalid_auth"}),
        ({"token": "a\nb"}, {"token": "invalid_auth"}),
    ],
)
async def test_what_does_not_work_is_not_saved(
    hass: HomeAssistant, place: MockConfigEntry, receiver: Receiver, values: dict[str, str], errors: dict[str, str]
) -> None:
    done = await choose(hass, place, **{"url": receiver.url, "token": TOKEN, "region": "JP-13", **values})

    assert done["errors"] == errors
    assert "measurements" not in place.options
    # What was typed stays, but for the token.
    shown = {str(key): (key.description or {}).get("suggested_value") for key in done["data_schema"].schema}
    assert shown["region"] == values.get("region", "JP-13")
    assert shown["token"] is None


@pytest.mark.parametrize("mood", [answer(404), answer(200, "<html>"), answer(302, Location="/login"), answer(500)])
async def test_an_address_that_takes_no_measurements_is_not_saved(
    hass: HomeAssistant, place: MockConfigEntry, receiver: Receiver, mood: Any
) -> None:
    receiver.moods = [mood]
    done = await choose(hass, place, url=receiver.url, token=TOKEN, region="JP-13")

    assert done["errors"] == {"url": "no_receiver"}


async def test_an_address_is_completed(hass: HomeAssistant, place: MockConfigEntry, receiver: Receiver) -> None:
    await choose(hass, place, url=f" 127.0.0.1:{receiver.port}/ ", token=f" {TOKEN} ", region=" jp ")

    chosen = place.options["measurements"]
    assert (chosen["url"], chosen["token"], chosen["region"]) == (receiver.url, TOKEN, "JP")


async def test_the_token_stays_when_it_is_left_empty_but_goes_to_no_other_address(
    hass: HomeAssistant, sending: MockConfigEntry, receiver: Receiver
) -> None:
    form = await open_form(hass, sending)
    shown = {str(key): (key.description or {}).get("suggested_value") for key in form["data_schema"].schema}
    assert shown["url"] == receiver.url
    assert shown["token"] is None

    done = await choose(hass, sending, url=receiver.url, region="JP-14", schedule="hourly")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert sending.options["measurements"]["token"] == TOKEN

    thief = Receiver()
    await thief.start()
    done = await choose(hass, sending, url=thief.url, region="JP-14")
    assert done["errors"] == {"token": "token_missing"}
    assert thief.raw == []
    await thief.stop()


async def test_without_a_route_nothing_is_kept(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await charge(hass, outlet, 1)
    await choose(hass, sending, route="none")

    assert "measurements" not in sending.options
    assert state(hass, WAITING) == "unavailable"
    assert await sending.runtime_data.reporting.sender.outbox.next(10) == []
    with pytest.raises(ServiceValidationError, match="Car park sends no measurements"):
        await act(hass, "send_measurements")
    assert receiver.items == {}


# --- sending


async def test_what_a_session_took_is_sent_by_the_action(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    assert state(hass, SENT) == "unknown"
    await charge(hass, outlet, 1)
    assert receiver.items == {}

    response = await act(hass, "send_measurements", config_entry_id=sending.entry_id)

    assert response == {"sent": 1, "refused": 0, "waiting": 0}
    (item,) = receiver.items.values()
    assert (item["wh"], item["region"], item["use"]) == (1234, "JP-13112", "own")
    await until(hass, lambda: state(hass, WAITING) == "0")
    assert datetime.now(UTC) - datetime.fromisoformat(state(hass, SENT)) < timedelta(minutes=1)


class ShiftedClock:
    """The clock of the machine, and a part that a test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead.total_seconds()


async def test_the_schedule_is_kept_while_time_passes(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await choose(hass, sending, url=receiver.url, region="JP-13", schedule="hourly")
    clock = ShiftedClock()
    sender = sending.runtime_data.reporting.sender
    sender._clock = clock
    # Due twenty minutes from now, and then every hour.
    sender._offset_s = (int(clock.now().timestamp()) + 1200) % 86_400
    await charge(hass, outlet, 1)
    looks, sent_after = receiver.looks, list[int]()
    for minute in range(1, 90):
        clock.ahead = timedelta(minutes=minute)
        deliveries = len(receiver.deliveries)
        async_fire_time_changed(hass, clock.now() + timedelta(seconds=1))
        await hass.async_block_till_done(wait_background_tasks=True)
        if len(receiver.deliveries) > deliveries:
            sent_after.append(minute)
        if minute == 50:
            await charge(hass, outlet, 1)

    assert sent_after == [20, 80]
    assert receiver.wh == 2 * 1234
    # Every five minutes it looked whether it is asked for something.
    assert 16 <= receiver.looks - looks <= 19


async def test_a_platform_that_asks_gets_what_waits(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await charge(hass, outlet, 1)
    receiver.wanted = True
    tick(hass)

    await until(hass, lambda: state(hass, WAITING) == "0")
    assert receiver.wh == 1234


async def test_an_action_that_fails_says_why_and_loses_nothing(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await charge(hass, outlet, 1)
    receiver.moods = [answer(503)]
    with pytest.raises(HomeAssistantError, match=r"were not sent: answered 503\. 1 wait"):
        await act(hass, "send_measurements")

    assert (await act(hass, "send_measurements"))["sent"] == 1


async def test_a_reload_during_a_delivery_waits_for_nobody_and_tells_nothing_twice(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await charge(hass, outlet, 1)
    receiver.answering.clear()
    receiver.heard.clear()
    delivery = hass.async_create_task(act(hass, "send_measurements"))
    async with asyncio.timeout(10):
        await receiver.heard.wait()
        assert await hass.config_entries.async_reload(sending.entry_id)
        with pytest.raises(HomeAssistantError, match="interrupted"):
            await delivery
    receiver.answering.set()

    assert (await act(hass, "send_measurements"))["sent"] == 1
    assert receiver.wh == 1234


# --- what the owner sees


async def test_who_sends_nothing_sees_nothing_of_it(hass: HomeAssistant, place: MockConfigEntry) -> None:
    assert {state(hass, each) for each in (SENT, WAITING, REFUSED)} == {"missing"}
    assert issues(hass) == {}


async def test_a_token_that_is_no_longer_taken_is_corrected_through_the_options(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await charge(hass, outlet, 1)
    receiver.token = "ken_new"  # only for tests
    with pytest.raises(HomeAssistantError, match="token is not accepted"):
        await act(hass, "send_measurements")
    issue = issues(hass)["measurements_token"]
    assert issue.translation_placeholders == {"site": "Car park"}

    await choose(hass, sending, url=receiver.url, token="ken_new", region="JP-13112")  # likewise

    assert issues(hass) == {}
    assert (await act(hass, "send_measurements"))["sent"] == 1


async def token_form(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> Callable[[str], Awaitable[Any]]:
    """Have the receiver take another token, and open the repair; returns how it is answered with one."""
    assert await async_setup_component(hass, "repairs", {})
    await charge(hass, outlet, 1)
    receiver.token = "ken_new"  # only for tests
    with pytest.raises(HomeAssistantError, match="token is not accepted"):
        await act(hass, "send_measurements")
    flows = hass.data["repairs"]["flow_manager"]
    form = await flows.async_init(DOMAIN, context={"issue_id": f"measurements_token_{sending.entry_id}"})
    return lambda token: flows.async_configure(form["flow_id"], {"token": token})


async def test_a_token_that_is_no_longer_taken_is_corrected_where_the_repair_is_shown(
    hass: HomeAssistant, sending: MockConfigEntry, *, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    answer = await token_form(hass, sending, outlet, receiver)

    wrong = await answer("ken_wrong")
    assert wrong["errors"] == {"token": "invalid_auth"}
    assert sending.options["measurements"]["token"] == TOKEN
    done = await answer(" ken_new ")
    await hass.async_block_till_done(wait_background_tasks=True)

    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert sending.options["measurements"]["token"] == "ken_new"
    assert issues(hass) == {}
    assert (await act(hass, "send_measurements"))["sent"] == 1


async def test_a_new_token_for_a_route_that_was_given_up_meanwhile_is_not_taken(
    hass: HomeAssistant, sending: MockConfigEntry, *, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    answer = await token_form(hass, sending, outlet, receiver)
    await receiver.stop()
    nobody = await answer("ken_new")
    await choose(hass, sending, route="none")
    gone = await answer("ken_new")

    assert nobody["errors"] == {"base": "cannot_connect"}
    assert gone["reason"] == "part_gone"


async def test_what_was_refused_is_shown_until_it_is_corrected(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    receiver.refuse = {"JP-13112": "UnknownRegion"}
    await charge(hass, outlet, 1)
    assert await act(hass, "send_measurements") == {"sent": 0, "refused": 1, "waiting": 0}
    await until(hass, lambda: state(hass, REFUSED) == "1")
    issue = issues(hass)["measurements_refused"]
    assert issue.translation_placeholders == {"site": "Car park", "count": "1", "reasons": "UnknownRegion"}

    await choose(hass, sending, url=receiver.url, region="JP-13")
    assert await act(hass, "send_measurements", refused=True) == {"sent": 1, "refused": 0, "waiting": 0}
    await until(hass, lambda: state(hass, REFUSED) == "0")
    assert issues(hass) == {}


async def test_an_owner_is_told_when_nothing_could_be_sent_for_a_day(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await charge(hass, outlet, 1)
    receiver.moods = [answer(502)] * 3
    with pytest.raises(HomeAssistantError):
        await act(hass, "send_measurements")
    assert issues(hass) == {}
    sending.runtime_data.reporting.sender.stuck_since -= timedelta(days=1, minutes=1)
    with pytest.raises(HomeAssistantError):
        await act(hass, "send_measurements")

    issue = issues(hass)["measurements_stuck"]
    assert issue.translation_placeholders == {"site": "Car park", "reason": "answered 502"}
    await hass.config_entries.async_unload(sending.entry_id)
    assert issues(hass) == {}


async def test_diagnostics_show_exactly_what_is_sent(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await charge(hass, outlet, 1)
    before = (await async_get_config_entry_diagnostics(hass, sending))["measurements"]
    await act(hass, "send_measurements")
    after = (await async_get_config_entry_diagnostics(hass, sending))["measurements"]

    heard = json.loads(receiver.raw[-1].partition(b"\r\n\r\n")[2])
    assert heard["measurements"]
    assert before["sent_next"] == after["sent_last"]
    assert before["sent_next"]["body"] == heard
    assert before["sent_next"]["headers"] == {"Authorization": "**REDACTED**"}
    assert (before["sent_last"], after["sent_next"]) == (None, None)
    whole = str(await async_get_config_entry_diagnostics(hass, sending))
    assert TOKEN not in whole
    assert "127.0.0.1" not in whole


async def test_an_address_that_cannot_be_reached_is_in_no_diagnostics(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver
) -> None:
    await charge(hass, outlet, 1)
    await receiver.stop()
    with pytest.raises(HomeAssistantError, match="cannot be reached"):
        await act(hass, "send_measurements")

    whole = await async_get_config_entry_diagnostics(hass, sending)
    assert "cannot be reached" in whole["measurements"]["trouble"]
    assert "127.0.0.1" not in str(whole)


async def test_system_information_counts_them(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    await charge(hass, outlet, 1)

    info = await _info(hass)
    assert (info["measurements_waiting"], info["measurements_refused"]) == (1, 0)


# --- privacy


async def test_no_byte_that_leaves_for_the_environment_tells_of_a_driver(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, receiver: Receiver, csms: Csms
) -> None:
    part = await link(hass, sending, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    number = 1_987_654_321
    request = start_request(number, supplierCode="A0269", driver="Hanako Yamada", email="hanako@example.org")
    request["idToken"]["idToken"] = "CANARYTOKEN987654321"
    answered = await csms.ask("RequestStartTransaction", request)
    outlet.energy_mwh, outlet.supply_s = 2_500_900, 2.0
    outlet._end(EndReason.IDLE)
    outlet.changed()
    await csms.until(lambda: csms.last() == "Ended")
    await until(hass, lambda: state(hass, WAITING) == "1")
    receiver.lose_answers = 1
    with pytest.raises(HomeAssistantError):
        await act(hass, "send_measurements")
    assert (await act(hass, "send_measurements"))["sent"] == 1
    receiver.heard.clear()
    tick(hass)
    async with asyncio.timeout(10):
        await receiver.heard.wait()

    (item,) = receiver.items.values()
    assert (item["wh"], item["power_type"], item["supplier"], item["use"]) == (2500, "solar", "A0269", "resold")
    heard = b"\n".join(receiver.raw)
    canaries = {
        str(number),
        "CANARYTOKEN987654321",
        answered[2]["transactionId"],
        STATION,
        PASSWORD,
        csms.url,
        "Hanako",
        "hanako@example.org",
        "Kaze Denki",
        "Car park",
        "A1",
        FIRST,
        sending.entry_id,
        part.subentry_id,
        *(each.subentry_id for each in sending.subentries.values()),
    }
    assert [each for each in canaries if each.encode() in heard] == []
    # Nor in another spelling: what is sent beside the allow-list of fields is what every HTTP client says.
    names = {name.lower() for name in re.findall(rb"\r\n([A-Za-z-]+):", heard)}
    assert names == {
        b"host",
        b"authorization",
        b"accept",
        b"accept-encoding",
        b"user-agent",
        b"content-length",
        b"content-type",
    }


# --- the dashboard


async def test_the_dashboard_shows_what_was_sent_and_when_the_rest_goes(
    hass: HomeAssistant, sending: MockConfigEntry, outlet: SimulatedOutlet, hass_ws_client: WebSocketGenerator
) -> None:
    today = datetime.now(UTC).date()
    period = {"entry_id": sending.entry_id, "start": today.isoformat(), "end": today.isoformat()}
    await charge(hass, outlet, 1)

    before = (await ask(hass_ws_client, "environment", **period))["result"]["measurements"]
    await act(hass, "send_measurements")
    after = (await ask(hass_ws_client, "environment", **period))["result"]["measurements"]

    assert (before["sent"], before["waiting"], before["refused"], before["sent_at"]) == (0, 1, 0, None)
    assert (after["sent"], after["waiting"], after["refused"]) == (1, 0, 0)
    assert datetime.fromisoformat(after["sent_at"]) <= datetime.now(UTC)
    assert datetime.now(UTC) < datetime.fromisoformat(after["next_at"]) <= datetime.now(UTC) + timedelta(days=1)
    assert before["trouble"] is None


async def test_the_dashboard_says_why_measurements_wait(
    hass: HomeAssistant,
    sending: MockConfigEntry,
    outlet: SimulatedOutlet,
    receiver: Receiver,
    hass_ws_client: WebSocketGenerator,
) -> None:
    await charge(hass, outlet, 1)
    receiver.token = "another-token"
    with pytest.raises(HomeAssistantError):
        await act(hass, "send_measurements")
    today = datetime.now(UTC).date().isoformat()

    told = (await ask(hass_ws_client, "environment", entry_id=sending.entry_id, start=today, end=today))["result"]

    assert told["measurements"]["trouble"] == "token_refused"
    # It is overdue, and not put off to the next time of the schedule.
    assert datetime.fromisoformat(told["measurements"]["next_at"]) <= datetime.now(UTC)
