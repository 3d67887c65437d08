"""Link trace: an outlet that answers, refuses, is silent, or never comes back."""

import asyncio
from pathlib import Path

from controlled import Controlled
from simulated import ManualClock, SimulatedOutlet

from custom_components.konsento.control.driver import OutletRefusedError
from custom_components.konsento.control.trace import trace_outlet


async def controlled(tmp_path: Path) -> Controlled:
    clock = ManualClock()
    site = Controlled(tmp_path / "journal.sqlite3", clock, SimulatedOutlet(clock))
    await site.start()
    return site


async def test_an_outlet_that_answers_is_reachable_and_measured(tmp_path: Path) -> None:
    site = await controlled(tmp_path)
    hop = await trace_outlet(site.control)

    assert (hop.reachable, hop.error) == (True, "")
    assert hop.round_trip_s is not None
    assert 0 <= hop.round_trip_s < 5
    await site.kill()


async def test_numbers_are_not_used_twice_in_a_row(tmp_path: Path) -> None:
    site = await controlled(tmp_path)
    await trace_outlet(site.control)
    await trace_outlet(site.control)

    (_, first), (_, second) = site.outlet.done
    assert first != second
    await site.kill()


async def test_an_outlet_that_says_no_is_there(tmp_path: Path) -> None:
    site = await controlled(tmp_path)
    site.outlet.refuse = OutletRefusedError("not_supported", "a plain outlet")
    hop = await trace_outlet(site.control)

    assert (hop.reachable, hop.round_trip_s) == (True, None)
    assert "not_supported" in hop.error
    await site.kill()


async def test_an_outlet_that_is_away_is_not_reachable(tmp_path: Path) -> None:
    site = await controlled(tmp_path)
    site.outlet.set_online(False)
    hop = await trace_outlet(site.control)

    assert (hop.reachable, hop.round_trip_s, hop.error) == (False, None, "offline")
    await site.kill()


async def test_an_answer_that_never_comes_is_not_waited_for(tmp_path: Path) -> None:
    site = await controlled(tmp_path)
    site.control.settings = type(site.settings)(answer_s=0.01)

    async def never(number: int) -> None:
        await asyncio.Event().wait()

    site.outlet.loopback = never  # type: ignore[method-assign]
    hop = await trace_outlet(site.control)

    assert not hop.reachable
    assert "0.01 s" in hop.error
    await site.kill()
