"""Repairs: they come and go with what is wrong, and latched faults are cleared from there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from csms import Csms, start_request
from homeassistant.components.repairs import RepairsFlow
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from parts import FIRST, link
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.const import DOMAIN
from custom_components.konsento.control.driver import OutletFacts, OutletRefusedError
from custom_components.konsento.control.problems import Problem
from custom_components.konsento.repairs import async_create_fix_flow
from custom_components.konsento.supervision import INTERVAL, LATCHED


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
    assert not found.is_fixable
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


async def fix(hass: HomeAssistant, issue: ir.IssueEntry) -> RepairsFlow:
    flow = await async_create_fix_flow(hass, issue.issue_id, issue.data)
    flow.hass = hass
    flow.handler, flow.flow_id, flow.context = DOMAIN, "flow", {"source": "user"}
    return flow


async def test_a_latched_fault_is_cleared_after_a_question(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="overcurrent")
    (issue,) = issues(hass).values()
    flow: Any = await fix(hass, issue)
    question = await flow.async_step_init()
    assert (question["type"], question["step_id"]) == (FlowResultType.FORM, "confirm")
    assert question["description_placeholders"]["outlet"] == "A1"
    assert outlet.done == []

    done = await flow.async_step_confirm({})

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
    place: MockConfigEntry,
    *,
    outlet: SimulatedOutlet,
    values: dict[str, Any],
    word: str,
) -> None:
    show(outlet, fault="overcurrent", **values)
    (issue,) = issues(hass).values()
    flow: Any = await fix(hass, issue)

    answer = await flow.async_step_confirm({})

    assert answer["errors"] == {"base": word}
    assert len(issues(hass)) == 1


async def test_a_fault_that_only_a_later_firmware_knows_can_be_cleared_too(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="arc")
    (issue,) = issues(hass).values()
    assert (issue.translation_key, issue.translation_placeholders) == (
        "unknown_fault",
        {"outlet": "A1", "fault": "arc"},
    )
    flow: Any = await fix(hass, issue)
    await flow.async_step_confirm({})

    assert outlet.done == [("clear_fault", "arc")]


async def test_a_fault_of_an_outlet_that_is_gone_is_not_cleared(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    show(outlet, fault="overcurrent")
    (issue,) = issues(hass).values()
    flow: Any = await fix(hass, issue)
    await hass.config_entries.async_unload(place.entry_id)

    assert (await flow.async_step_confirm({}))["reason"] == "outlet_gone"


async def test_clocks_that_differ_are_an_issue(hass: HomeAssistant, place: MockConfigEntry, csms: Csms) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=2)).isoformat().replace("+00:00", "Z")
    csms.answers["BootNotification"] = lambda _: {"currentTime": ahead, "interval": 300, "status": "Accepted"}
    part = await link(hass, place, csms)
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")

    (issue,) = issues(hass).values()
    assert issue.issue_id == f"clocks_differ_{part.subentry_id}"
    assert issue.translation_placeholders is not None
    assert float(issue.translation_placeholders["seconds"]) == pytest.approx(120, abs=5)


async def test_many_events_that_wait_are_an_issue(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms, monkeypatch: pytest.MonkeyPatch
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
