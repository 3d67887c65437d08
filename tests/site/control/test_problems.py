"""What an owner is told about an outlet that something is wrong with."""

import pytest
from controlled import Controlled
from simulated import ManualClock, SimulatedOutlet

from custom_components.konsento.control.driver import OutletFacts
from custom_components.konsento.control.happenings import Happening
from custom_components.konsento.control.problems import BOOTS, BOOTS_WITHIN_S, Problem, ProblemWatch
from custom_components.konsento.control.words import Connector, Refusal


async def test_power_without_a_session_is_noticed_and_no_session_starts_on_it(controlled: Controlled) -> None:
    controlled.outlet.idle_w = 1500
    await controlled.live(12)

    assert controlled.control.problems == {Problem.POWER_WITHOUT_SESSION}
    assert controlled.site.connector("server", 1) == (Connector.FAULTED, "power_without_session")
    assert (await controlled.ask()).refusal is Refusal.FAULTED

    controlled.outlet.idle_w = 0
    await controlled.live(1)
    assert (await controlled.ask(2)).refusal is None


async def test_a_moment_of_power_after_the_end_is_no_theft(controlled: Controlled) -> None:
    controlled.outlet.idle_w = 1500
    await controlled.live(5)
    controlled.outlet.idle_w = 0
    await controlled.live(1)
    controlled.outlet.idle_w = 1500
    await controlled.live(5)

    assert not controlled.control.problems


async def test_a_faults_own_name_is_told_once_when_it_comes_and_when_it_goes(controlled: Controlled) -> None:
    heard: list[tuple[Happening, object]] = []
    controlled.site.on_happening(lambda _, happening, data: heard.append((happening, data.get("problem"))))
    controlled.outlet.lose_meter(True)
    await controlled.live(5)
    controlled.outlet.lose_meter(False)
    await controlled.live(5)

    assert heard == [(Happening.PROBLEM, "meter_silent"), (Happening.SOLVED, "meter_silent")]


async def test_an_outlet_that_boots_again_and_again_takes_no_session_until_it_stays_up(controlled: Controlled) -> None:
    await controlled.live(1)
    for _ in range(BOOTS):
        controlled.outlet.reboot()
        await controlled.live(5)
    assert (await controlled.ask()).refusal is Refusal.FAULTED
    assert controlled.control.problems == {Problem.REBOOT_LOOP}

    await controlled.live(BOOTS_WITHIN_S, step=30)
    assert (await controlled.ask(2)).refusal is None


@pytest.mark.parametrize(
    ("fault", "problem"),
    [("welded_contact", Problem.WELDED_CONTACT), ("of_a_later_firmware", Problem.UNKNOWN_FAULT), ("", None)],
)
def test_every_fault_of_an_outlet_is_a_problem(fault: str, problem: Problem | None) -> None:
    outlet = SimulatedOutlet(ManualClock())
    outlet.fault = fault

    found = ProblemWatch().look(outlet.report, outlet.facts, 0.0)

    assert found == ({problem} if problem else set())


def test_an_outlet_whose_firmware_lacks_something_is_outdated_even_while_it_reports_nothing() -> None:
    found = ProblemWatch().look(None, OutletFacts(missing=("session_limit",)), 0.0)

    assert found == {Problem.FIRMWARE_OUTDATED}


async def test_the_owner_hears_the_life_of_a_session_in_order(controlled: Controlled) -> None:
    heard: list[Happening] = []
    controlled.site.on_happening(lambda _, happening, __: heard.append(happening))
    await controlled.live(1)
    await controlled.ask(energy_wh=10)
    controlled.outlet.set_online(False)
    await controlled.live(15)
    controlled.outlet.set_online(True)
    await controlled.live(30)

    assert heard == [
        Happening.REQUESTED,
        Happening.STARTED,
        Happening.LOST,
        Happening.SUSPENDED,
        Happening.BACK,
        Happening.RESUMED,
        Happening.LIMIT_REACHED,
        Happening.ENDED,
    ]


async def test_a_supplying_outlet_that_tells_no_readings_is_connected_anew(controlled: Controlled) -> None:
    await controlled.ask()
    controlled.outlet.mute = True
    await controlled.live(13)

    assert controlled.outlet.hung_up
