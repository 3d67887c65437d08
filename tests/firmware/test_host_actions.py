"""Every action of the native API: what it does, and what it refuses with which words."""

import re
from functools import partial

import pytest

from rig.outlet import States

from .conftest import Device


async def test_a_repeated_start_is_accepted_and_another_one_is_busy(device: Device) -> None:
    await device.start("s", energy_limit_wh=100)
    await device.state("supplying")
    await device.start("s", energy_limit_wh=100, lease_s=5)
    assert device.watcher.number("lease_left") > 50
    await device.refused(device.start("s", energy_limit_wh=101), "busy")
    await device.refused(device.start("t"), "busy")


@pytest.mark.parametrize(
    "nonsense",
    [
        {"energy_limit_wh": -1},
        {"energy_limit_wh": 100_001},
        {"energy_limit_wh": 0},
        {"time_limit_s": -1},
        {"time_limit_s": 86_401},
        {"timer_start": "never"},
        {"lease_s": 0},
        {"lease_s": 301},
        {"lease_s": -(2**31)},
    ],
    ids=str,
)
async def test_a_start_under_nonsense_is_refused(device: Device, nonsense: dict[str, int | str]) -> None:
    await device.refused(device.start("s", **nonsense), "bad_argument")
    assert "session_start refused, bad_argument" in device.outlet.process.log_tail()


async def test_a_session_needs_a_proper_id(device: Device) -> None:
    for session_id in ("", "x" * 37, "x" * 5000, "電気", "a;b", "a\0b"):
        await device.refused(device.start(session_id), "bad_argument")


async def test_renewals_are_taken_in_order_and_for_the_running_session_only(device: Device) -> None:
    act = device.watcher.act
    await device.refused(act("session_renew", session_id="s", seq=0, lease_s=9), "unknown_session")
    await device.start("s")
    await device.state("supplying")
    await act("session_renew", session_id="s", seq=0, lease_s=9)
    await act("session_renew", session_id="s", seq=5, lease_s=9)
    await device.refused(act("session_renew", session_id="s", seq=5, lease_s=9), "stale")
    await device.refused(act("session_renew", session_id="s", seq=-1, lease_s=9), "bad_argument")
    await device.refused(act("session_renew", session_id="s", seq=6, lease_s=0), "bad_argument")
    await device.refused(act("session_renew", session_id="?", seq=6, lease_s=9), "bad_argument")
    await device.refused(act("session_renew", session_id="t", seq=6, lease_s=9), "unknown_session")


async def test_limits_are_changed_while_a_session_runs(device: Device) -> None:
    act = device.watcher.act
    await device.refused(act("session_limit", session_id="s", energy_limit_wh=5, time_limit_s=0), "unknown_session")
    await device.start("s", energy_limit_wh=1000)
    await device.state("supplying")
    await device.refused(act("session_limit", session_id="s", energy_limit_wh=0, time_limit_s=0), "bad_argument")
    await device.refused(act("session_limit", session_id="t", energy_limit_wh=5, time_limit_s=0), "unknown_session")
    await act("session_limit", session_id="s", energy_limit_wh=2, time_limit_s=0)
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "EnergyLimitReached"
    assert 2 <= device.watcher.number("session_energy") < 2.1
    await device.refused(act("session_limit", session_id="s", energy_limit_wh=5, time_limit_s=0), "already_ended")


async def test_a_stop_needs_a_known_session_and_reason(device: Device) -> None:
    act = device.watcher.act
    await device.refused(act("session_stop", session_id="s", reason="Remote"), "unknown_session")
    await device.start("s")
    await device.state("supplying")
    await device.refused(act("session_stop", session_id="t", reason="Remote"), "unknown_session")
    await device.refused(act("session_stop", session_id="s", reason="EnergyLimitReached"), "bad_argument")
    await device.refused(act("session_stop", session_id="", reason="Remote"), "bad_argument")


async def test_loopback_returns_its_number(device: Device) -> None:
    for seq in (1, 0, -7, 16_777_215):
        await device.watcher.act("loopback", seq=seq)
        await device.watcher.until(partial(_looped, seq), 2)
    await device.refused(device.watcher.act("loopback", seq=2**31 - 1), "bad_argument")


def _looped(seq: int, states: States) -> bool:
    return states["loopback"] == seq


async def test_identify_blinks_for_a_sensible_time(device: Device) -> None:
    await device.watcher.act("identify", seconds=1)
    assert re.search(r"Identifying for 1 s", device.outlet.process.log_tail())
    for seconds in (0, -1, 61):
        await device.refused(device.watcher.act("identify", seconds=seconds), "bad_argument")


async def test_clearing_a_fault_that_is_not_there_changes_nothing(device: Device) -> None:
    await device.watcher.act("fault_clear", code="overcurrent")
    await device.refused(device.watcher.act("fault_clear", code=""), "bad_argument")


async def test_the_relay_is_no_entity(device: Device) -> None:
    assert "simulated_relay" not in device.watcher.states
    assert device.watcher.states["relay"] is False
