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
        {"lease_s": -1},
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
    await device.refused(act("session_renew", session_id="s", seq=6, lease_s=-1), "bad_argument")
    await device.refused(act("session_renew", session_id="?", seq=6, lease_s=9), "bad_argument")
    await device.refused(act("session_renew", session_id="t", seq=6, lease_s=9), "unknown_session")


async def test_limits_are_changed_for_the_running_session_only_and_within_their_range(device: Device) -> None:
    await device.refused(device.limit(1000), "unknown_session")
    await device.start("before")
    await device.watcher.act("session_stop", session_id="before", reason="Remote")
    await device.start("s")
    await device.state("supplying")
    await device.refused(device.limit(0, 0), "bad_argument")
    await device.refused(device.limit(-1), "bad_argument")
    await device.refused(device.limit(100_001), "bad_argument")
    await device.refused(device.limit(1000, 86_401), "bad_argument")
    await device.refused(device.limit(1000, session_id="?"), "bad_argument")
    await device.refused(device.limit(1000, session_id="t"), "unknown_session")
    await device.refused(device.limit(1000, session_id="before"), "already_ended")
    assert "session_limit refused, already_ended" in device.outlet.process.log_tail()


async def test_a_repeated_start_is_one_under_the_limits_that_hold_now(device: Device) -> None:
    await device.start("s", energy_limit_wh=100)
    await device.limit(200, 300)
    await device.limits(200, 300)
    await device.limit(200, 300)
    await device.start("s", energy_limit_wh=200, time_limit_s=300)
    await device.refused(device.start("s", energy_limit_wh=100), "busy")


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
