"""Repairs: they come and go with what is wrong, and latched faults are cleared from there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from csms import Csms, start_request
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from parts import FIRST, link
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.const import DEVICES, DOMAIN, FIRMWARE, FIRMWARE_GUIDE
from custom_components.konsento.control.driver import OutletFacts, OutletRefusedError
from custom_components.konsento.control.problems import Problem
from custom_components.konsento.supervision import FIXABLE, INTERVAL, LATCHED

type Answer = dict[str, Any]


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    registry = ir.async_get(hass)
    return {issue_id: issue for (domain, issue_id), issue in registry.issues.items() if domain == DOMAIN}


def show(outlet: SimulatedOutlet, **values: Any) -> None:
    for name, value in values.items():
        setattr(outlet, name, value)
    outlet.changed()


async def test_a_site_in_good_order_has_nothing_to_repair(hass: HomeAssistant, place: MockConfigEntry) -> None:
    assert issues(hass) == {}


@pytest.mark.parametrize("problem", list(Problem)[:8])
async def test_a_fault_is_an_issue_as_long_as_it_lasts(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, problem: Problem
) -> None:
    show(outlet, fault=str(problem))
    (issue,) = issues(hass).values()
    assert issue.issue_id == f"{problem}_{FIRST}"
    assert (issue.translation_key, issue.is_fixable) == (problem, problem in LATCHED)
    assert issue.translation_placeholders == {"outlet": "A1"}
    serious = problem in {Problem.OVERCURRENT, Problem.WELDED_CONTACT}
    assert issue.severity is (ir.IssueSeverity.ERROR if serious else ir.IssueSeverity.WARNING)

    show(outlet, fault="")
    assert issues(hass) == {}


async def test_an_outlet_that_is_no_longer_in_use_has_nothing_to_repair(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="storage")
    assert len(issues(hass)) == 1
    part = next(part for part in place.subentries.values() if part.unique_id == FIRST)
    hass.config_entries.async_remove_subentry(place, part.subentry_id)
    await hass.async_block_till_done()

    assert issues(hass) == {}


async def test_a_site_that_is_stopped_has_nothing_to_repair(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="storage")
    await hass.config_entries.async_unload(place.entry_id)

    assert issues(hass) == {}


@pytest.mark.parametrize(
    ("values", "issue"),
    [
        ({"facts": OutletFacts(missing=("session_limit",))}, ("firmware_outdated", ir.IssueSeverity.ERROR)),
        ({"more": {"without_power": True}}, ("relay_without_power", ir.IssueSeverity.WARNING)),
        ({"guarded": False}, ("unguarded", ir.IssueSeverity.WARNING)),
        ({"address_taken": True, "online": False}, ("another_device", ir.IssueSeverity.ERROR)),
    ],
)
async def test_what_the_owner_must_see_to_is_an_issue_with_a_page_to_read(
    hass: HomeAssistant,
    place: MockConfigEntry,
    *,
    outlet: SimulatedOutlet,
    values: dict[str, Any],
    issue: tuple[str, ir.IssueSeverity],
) -> None:
    show(outlet, **values)

    (found,) = issues(hass).values()
    assert (found.translation_key, found.severity) == issue
    assert found.is_fixable is (found.translation_key in FIXABLE)
    assert found.learn_more_url


async def test_theft_is_an_issue(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.konsento.control.problems.POWER_S", 0)
    show(outlet, idle_w=900.0)

    (issue,) = issues(hass).values()
    assert (issue.translation_key, issue.severity) == ("power_without_session", ir.IssueSeverity.ERROR)


async def test_a_welded_contact_is_one_issue_not_two(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.konsento.control.problems.POWER_S", 0)
    show(outlet, idle_w=900.0, fault="welded_contact")

    assert [issue.translation_key for issue in issues(hass).values()] == ["welded_contact"]


async def test_an_outlet_that_restarts_again_and_again_is_an_issue(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    for _ in range(4):
        outlet.reboot()

    assert [issue.translation_key for issue in issues(hass).values()] == ["reboot_loop"]


async def fix(hass: HomeAssistant, issue: ir.IssueEntry) -> Answer:
    """Open the form of an issue as its owner does."""
    return await manager(hass).async_init(DOMAIN, context={"issue_id": issue.issue_id})


async def answer(hass: HomeAssistant, flow: Answer, **values: Any) -> Answer:
    """Send the form, or choose from the menu."""
    return await manager(hass).async_configure(flow["flow_id"], values)


def manager(hass: HomeAssistant) -> Any:
    return hass.data["repairs"]["flow_manager"]


@pytest.fixture
async def repairs(hass: HomeAssistant) -> None:
    """Have Home Assistant show repairs."""
    assert await async_setup_component(hass, "repairs", {})


async def test_a_latched_fault_is_cleared_after_a_question(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="overcurrent")
    (issue,) = issues(hass).values()
    question = await fix(hass, issue)
    assert (question["type"], question["step_id"]) == (FlowResultType.FORM, "confirm")
    assert question["description_placeholders"]["outlet"] == "A1"
    assert outlet.done == []

    done = await answer(hass, question)

    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert outlet.done == [("clear_fault", "overcurrent")]
    assert issues(hass) == {}


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"refuse": OutletRefusedError("fault", "still there")}, "still_there"),
        ({"refuse": OutletRefusedError("not_supported", "")}, "not_supported"),
        ({"lose_commands": 1}, "silent"),
    ],
)
async def test_a_fault_that_cannot_be_cleared_stays_and_says_why(
    hass: HomeAssistant,
    repairs: None,
    place: MockConfigEntry,
    *,
    outlet: SimulatedOutlet,
    values: dict[str, Any],
    word: str,
) -> None:
    show(outlet, fault="overcurrent", **values)
    (issue,) = issues(hass).values()

    told = await answer(hass, await fix(hass, issue))

    assert told["errors"] == {"base": word}
    assert len(issues(hass)) == 1


async def test_a_fault_that_only_a_later_firmware_knows_can_be_cleared_too(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="arc")
    (issue,) = issues(hass).values()
    assert (issue.translation_key, issue.translation_placeholders) == (
        "unknown_fault",
        {"outlet": "A1", "fault": "arc"},
    )
    await answer(hass, await fix(hass, issue))

    assert outlet.done == [("clear_fault", "arc")]


async def test_a_repair_of_a_site_that_does_not_run_says_so(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="overcurrent")
    (issue,) = issues(hass).values()
    question = await fix(hass, issue)
    await hass.config_entries.async_unload(place.entry_id)

    assert (await answer(hass, question))["reason"] == "part_gone"


async def test_a_repair_of_an_outlet_that_was_removed_meanwhile_says_so(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, outlet: SimulatedOutlet
) -> None:
    show(outlet, facts=OutletFacts(missing=("session_limit",)))
    (issue,) = issues(hass).values()
    question = await fix(hass, issue)
    part = next(part for part in place.subentries.values() if part.unique_id == FIRST)
    hass.config_entries.async_remove_subentry(place, part.subentry_id)
    await hass.async_block_till_done()

    assert (await answer(hass, question))["reason"] == "part_gone"


async def test_a_notice_that_was_closed_although_its_cause_is_still_there_comes_back(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="storage")
    (issue,) = issues(hass)
    ir.async_delete_issue(hass, DOMAIN, issue)

    async_fire_time_changed(hass, datetime.now(UTC) + INTERVAL)
    await hass.async_block_till_done()

    assert list(issues(hass)) == [issue]


async def test_what_the_owner_ignores_is_still_ignored_after_a_reload(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="storage")
    (issue,) = issues(hass)
    ir.async_ignore_issue(hass, DOMAIN, issue, True)

    assert await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()

    assert issues(hass)[issue].dismissed_version is not None


async def test_an_owner_can_accept_that_an_outlet_cannot_protect_itself_and_is_not_asked_again(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, outlet: SimulatedOutlet
) -> None:
    hub = place.runtime_data
    show(outlet, guarded=False)
    (issue,) = issues(hass).values()
    menu = await fix(hass, issue)
    assert (menu["type"], menu["menu_options"]) == (FlowResultType.MENU, ["confirm", "devices"])

    question = await answer(hass, menu, next_step_id="confirm")
    assert (await answer(hass, question))["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert issues(hass) == {}
    assert place.runtime_data is hub

    await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()
    assert issues(hass) == {}


async def test_an_owner_is_led_to_the_devices_that_guard_themselves(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, outlet: SimulatedOutlet
) -> None:
    show(outlet, guarded=False)
    (issue,) = issues(hass).values()
    told = await answer(hass, await fix(hass, issue), next_step_id="devices")

    assert (told["type"], told["reason"]) == (FlowResultType.ABORT, "see_devices")
    assert told["description_placeholders"]["devices"] == DEVICES
    assert list(issues(hass)) == [issue.issue_id]


async def test_firmware_that_is_too_old_leads_to_how_it_is_updated_and_is_looked_at_again(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, outlet: SimulatedOutlet
) -> None:
    show(outlet, facts=OutletFacts(firmware="1.0.0", missing=("session_limit",)))
    (issue,) = issues(hass).values()
    question = await fix(hass, issue)
    placeholders = question["description_placeholders"]
    assert (placeholders["missing"], placeholders["version"]) == ("session_limit", FIRMWARE)
    assert placeholders["guide"] == FIRMWARE_GUIDE

    told = await answer(hass, question)
    assert told["errors"] == {"base": "still_outdated"}

    # Updated, but nobody has looked yet.
    outlet.facts = OutletFacts(firmware=FIRMWARE)
    assert (await answer(hass, told))["type"] is FlowResultType.CREATE_ENTRY
    outlet.changed()
    assert issues(hass) == {}


def in_minutes(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


async def test_clocks_that_differ_are_an_issue_until_they_are_compared_again(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, csms: Csms
) -> None:
    csms.answers["BootNotification"] = lambda _: {
        "currentTime": in_minutes(2),
        "interval": 300,
        "status": "Accepted",
    }
    part = await link(hass, place, csms)
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")

    (issue,) = issues(hass).values()
    assert issue.issue_id == f"clocks_differ_{part.subentry_id}"
    assert issue.translation_placeholders is not None
    assert float(issue.translation_placeholders["seconds"]) == pytest.approx(120, abs=5)

    csms.answers["Heartbeat"] = lambda _: {"currentTime": in_minutes(3)}
    told = await answer(hass, await fix(hass, issue))
    assert told["errors"] == {"base": "still_differ"}
    assert float(told["description_placeholders"]["seconds"]) == pytest.approx(180, abs=5)

    csms.answers["Heartbeat"] = lambda _: {"currentTime": in_minutes(0)}
    assert (await answer(hass, told))["type"] is FlowResultType.CREATE_ENTRY
    assert issues(hass) == {}


async def test_clocks_cannot_be_compared_with_a_server_that_is_away(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, csms: Csms
) -> None:
    csms.answers["BootNotification"] = lambda _: {
        "currentTime": in_minutes(2),
        "interval": 300,
        "status": "Accepted",
    }
    await link(hass, place, csms)
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")
    (issue,) = issues(hass).values()
    question = await fix(hass, issue)
    await csms.stop()
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "off")

    assert (await answer(hass, question))["errors"] == {"base": "server_silent"}


async def test_many_events_that_wait_are_an_issue_from_which_the_link_is_made_anew(
    hass: HomeAssistant, repairs: None, place: MockConfigEntry, *, csms: Csms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.konsento.supervision.MANY_EVENTS", 0)
    csms.answers["TransactionEvent"] = lambda _: "InternalError"
    part = await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    await csms.ask("RequestStartTransaction", start_request(1))
    await csms.until(lambda: csms.last() == "Started")
    async_fire_time_changed(hass, datetime.now(UTC) + INTERVAL)
    await until(hass, lambda: state(hass, "sensor.kaze_denki_events_waiting") == "1")

    assert list(issues(hass)) == [f"events_waiting_{part.subentry_id}"]
    (issue,) = issues(hass).values()
    station = place.runtime_data.servers[part.subentry_id].station

    told = await answer(hass, await fix(hass, issue))

    assert (told["type"], told["reason"]) == (FlowResultType.ABORT, "reconnected")
    assert place.runtime_data.servers[part.subentry_id].station is not station
    # Until they are delivered.
    assert list(issues(hass)) == [issue.issue_id]
