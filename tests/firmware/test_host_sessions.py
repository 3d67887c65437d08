"""Sessions on the compiled firmware: limits, leases, faults and power cuts, seen through the native API."""

import asyncio
from pathlib import Path
from time import monotonic

import pytest
from aioesphomeapi import EntityState
from aioesphomeapi.client import APIClient

from .conftest import SETTINGS, SPEC, Device

AFTER_A_CUT = 200_000
SAVE_ENERGY_WH = float(SETTINGS["save_energy"].removesuffix("Wh"))


async def test_ten_watt_hours_at_three_kilowatts_end_within_half_a_watt_hour(device: Device) -> None:
    await device.start(energy_limit_wh=10)
    await device.state("ended")
    watcher = device.watcher
    assert watcher.states["end_reason"] == "EnergyLimitReached"
    assert watcher.states["relay"] is False
    measured = watcher.number("session_energy")
    # A busy machine may hold the program up for a tenth of a second, 0.08 Wh.
    assert 10 <= measured < 10.5
    at_the_end = watcher.seen_at["session_state", "ended"]
    await watcher.until(lambda states: states["power"] == 0)
    taken = watcher.number("load_energy")
    assert taken == pytest.approx(10, abs=0.5)
    assert taken - 0.5 < measured < taken + 0.02, "never more than was taken"
    assert watcher.number("session_energy") == measured
    assert watcher.seen_at["session_state", "ended"] == at_the_end
    assert watcher.number("lifetime_energy") == measured


async def test_the_relay_is_seen_closed_at_once(device: Device) -> None:
    asked = monotonic()
    await device.start()
    await device.state("supplying")
    assert device.watcher.seen_at["relay", True] - asked < 0.5


async def test_time_limit(device: Device) -> None:
    await device.start(energy_limit_wh=0, time_limit_s=3)
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "TimeLimitReached"
    assert device.watcher.number("session_time") == 3


async def test_limits_are_raised_and_lowered_while_the_car_charges(device: Device) -> None:
    await device.start(energy_limit_wh=3, lease_s=100)
    await device.limits(3)
    await device.used(1)
    await device.limit(8, 600)
    await device.limits(8, 600)
    assert device.watcher.states["session_state"] == "supplying"
    await device.used(4)
    # The clock, the energy and the lease went on as if nothing had happened.
    assert device.watcher.number("session_time") >= 4
    assert device.watcher.number("lease_left") < 97
    await device.limit(6, 600)
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "EnergyLimitReached"
    assert 6 <= device.watcher.number("session_energy") < 6.1
    await device.limits(6, 600)
    await device.refused(device.limit(8, 600), "already_ended")


async def test_a_limit_that_is_used_up_already_ends_the_session_at_once(device: Device) -> None:
    await device.start("one")
    await device.used(2)
    await device.limit(1, session_id="one")
    await device.state("ended", 10)
    assert device.watcher.states["end_reason"] == "EnergyLimitReached"
    await device.start("two", lease_s=3)
    await device.state("suspended")
    await device.limit(0, 2, session_id="two")
    await device.state("ended", 10)
    assert device.watcher.states["end_reason"] == "TimeLimitReached"


@pytest.mark.parametrize("changed_wh", [500, 40])
async def test_a_limit_that_was_acknowledged_holds_after_a_power_cut(device: Device, changed_wh: int) -> None:
    await device.start(energy_limit_wh=100)
    await device.used(1)
    await device.limit(changed_wh)
    await device.outlet.process.kill()
    await device.restart()
    assert device.watcher.states["session_state"] == "suspended"
    await device.limits(changed_wh)
    await device.limit(changed_wh + 7, 600)
    await device.limits(changed_wh + 7, 600)
    await device.watcher.act("session_renew", session_id="s", seq=AFTER_A_CUT, lease_s=60)
    await device.state("supplying")


async def test_a_limit_that_cannot_be_written_to_flash_is_refused_and_nothing_flows(
    device: Device, tmp_path: Path
) -> None:
    await device.start(energy_limit_wh=100)
    await device.used(0.5)
    flash = tmp_path / "flash" / f"{SPEC.host_name}.prefs"
    flash.unlink()
    flash.mkdir()
    with pytest.raises(RuntimeError, match=r"^fault: the limits could not be written"):
        await device.limit(500)
    await device.state("suspended", 10)
    await device.limits(100)
    assert (device.watcher.states["fault"], device.watcher.states["relay"]) == ("storage", False)
    await device.refused(device.limit(500), "fault")
    flash.rmdir()
    await device.watcher.until(lambda states: states["fault"] == "")
    await device.limit(500)
    await device.limits(500)


async def test_stop_and_its_repetition(device: Device) -> None:
    await device.start()
    await device.watcher.act("session_stop", session_id="s", reason="Remote")
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "Remote"
    await device.watcher.act("session_stop", session_id="s", reason="Local")
    assert device.watcher.states["end_reason"] == "Remote"


async def test_a_lost_lease_suspends_and_a_renewal_resumes(device: Device) -> None:
    await device.start(lease_s=2)
    await device.state("suspended")
    assert device.watcher.states["relay"] is False
    assert device.watcher.states["end_reason"] == ""
    used = device.watcher.number("session_energy")
    await device.watcher.act("session_renew", session_id="s", seq=1, lease_s=60)
    await device.state("supplying")
    await device.used(used + 0.5)
    assert device.watcher.number("lease_left") > 50


async def test_a_session_begins_waiting_is_supplied_when_it_is_let_go_and_waits_again(device: Device) -> None:
    tones = device.watcher.follow("load_buzzer")
    await device.start(lease_s=0, energy_limit_wh=0, time_limit_s=4)
    await device.state("suspended")
    assert (device.watcher.states["session_id"], device.watcher.states["end_reason"]) == ("s", "")
    # Longer than the start timeout of this outlet, and than its time limit.
    for seq in range(8):
        await device.watcher.act("session_renew", session_id="s", seq=seq, lease_s=0)
        await asyncio.sleep(1)
    assert device.watcher.states["relay"] is False
    assert device.watcher.number("load_energy") == device.watcher.number("session_time") == 0
    assert tones.empty()

    await device.watcher.act("session_renew", session_id="s", seq=10, lease_s=60)
    await device.state("supplying")
    await device.used(0.5)
    await device.watcher.act("session_renew", session_id="s", seq=11, lease_s=0)
    await device.state("suspended")
    assert device.watcher.states["relay"] is False
    await device.watcher.act("session_renew", session_id="s", seq=12, lease_s=60)
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "TimeLimitReached"
    assert device.watcher.number("session_time") == 4


async def test_a_session_that_waits_is_known_after_a_power_cut(device: Device) -> None:
    await device.start(lease_s=0, energy_limit_wh=1)
    await device.state("suspended")
    await device.outlet.process.kill()
    await device.restart()
    assert (device.watcher.states["session_state"], device.watcher.states["session_id"]) == ("suspended", "s")
    await device.watcher.act("session_renew", session_id="s", seq=0, lease_s=0)
    await device.watcher.act("session_renew", session_id="s", seq=1, lease_s=60)
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "EnergyLimitReached"
    assert device.watcher.number("session_energy") >= 1


async def test_an_unplugged_car_ends_the_session_after_the_idle_time(device: Device) -> None:
    await device.start()
    await device.used(0.5)
    device.watcher.plug(False)
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "EVDisconnected"


async def test_a_car_that_never_takes_power_ends_the_session_after_the_start_timeout(device: Device) -> None:
    device.watcher.plug(False)
    await device.start()
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "Timeout"


async def test_a_session_that_nobody_renews_any_more_ends(device: Device) -> None:
    await device.start(lease_s=1)
    await device.state("suspended")
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "Other"


async def test_a_killed_outlet_comes_back_suspended_with_its_counters(device: Device) -> None:
    await device.start("before-the-cut", energy_limit_wh=100)
    await device.used(11)
    seen, boot_id = device.watcher.number("session_energy"), device.watcher.states["boot_id"]
    await device.outlet.process.kill()
    await device.restart()
    watcher = device.watcher
    assert (watcher.states["session_state"], watcher.states["relay"]) == ("suspended", False)
    assert (watcher.states["session_id"], watcher.states["end_reason"]) == ("before-the-cut", "")
    assert watcher.states["boot_id"] != boot_id
    assert max(1, seen - SAVE_ENERGY_WH) <= watcher.number("session_energy") <= seen
    assert watcher.number("lifetime_energy") >= seen
    assert watcher.number("load_energy") == 0
    await watcher.act("session_renew", session_id="before-the-cut", seq=AFTER_A_CUT, lease_s=60)
    await device.state("supplying")


async def test_what_a_power_cut_makes_it_forget_is_not_supplied_again(device: Device) -> None:
    await device.start(energy_limit_wh=8)
    await device.used(2)
    await device.watcher.until(lambda _: device.watcher.number("load_energy") >= 2)
    taken = device.watcher.number("load_energy")
    await device.outlet.process.kill()
    await device.restart()
    await device.watcher.act("session_renew", session_id="s", seq=AFTER_A_CUT, lease_s=60)
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "EnergyLimitReached"
    await device.watcher.until(lambda states: states["power"] == 0)
    # Between its last word and the kill it took at most a reading's worth more.
    assert taken + device.watcher.number("load_energy") <= 8 + 3000 / 3600
    assert device.watcher.number("session_energy") < 8


async def test_a_terminated_outlet_opens_its_relay_and_loses_nothing(device: Device) -> None:
    await device.start()
    await device.used(1)
    await device.outlet.process.stop()
    seen = device.watcher.number("session_energy")
    await device.restart()
    assert device.watcher.states["session_state"] == "suspended"
    assert seen <= device.watcher.number("session_energy") < seen + 1


async def test_an_ended_session_stays_readable_and_ended_after_a_power_cut(device: Device) -> None:
    await device.start("once", energy_limit_wh=1)
    await device.state("ended")
    await device.outlet.process.kill()
    await device.restart()
    assert device.watcher.states["session_state"] == "ended"
    assert device.watcher.states["end_reason"] == "EnergyLimitReached"
    assert device.watcher.number("session_energy") >= 1
    await device.refused(device.start("once"), "already_ended")
    await device.refused(device.watcher.act("session_renew", session_id="once", seq=9, lease_s=9), "already_ended")


async def test_a_disabled_outlet_ends_its_session_and_stays_disabled(device: Device) -> None:
    await device.start()
    await device.watcher.act("outlet_enable", enabled=False)
    await device.state("ended")
    assert device.watcher.states["end_reason"] == "Local"
    await device.outlet.process.kill()
    await device.restart()
    assert device.watcher.states["outlet_enabled"] is False
    await device.refused(device.start("t"), "disabled")
    await device.watcher.act("outlet_enable", enabled=True)
    await device.start("t")


async def test_overload_opens_the_relay_until_the_fault_is_cleared(device: Device) -> None:
    await device.start()
    device.watcher.draw(6000)
    await device.state("fault")
    watcher = device.watcher
    assert (watcher.states["end_reason"], watcher.states["fault"]) == ("OvercurrentFault", "overcurrent")
    assert watcher.states["relay"] is False
    await device.refused(device.start("t"), "fault")
    await device.refused(device.watcher.act("fault_clear", code="fire"), "bad_argument")
    await device.watcher.act("fault_clear", code="overcurrent")
    await device.state("ended")
    assert device.watcher.states["fault"] == ""


async def test_a_welded_contact_is_found(device: Device) -> None:
    device.watcher.turn("load_relay_welded", True)
    await device.state("fault")
    assert device.watcher.states["fault"] == "welded_contact"
    await device.refused(device.start(), "fault")
    assert device.watcher.number("session_energy") == 0


async def test_a_silent_meter_suspends_until_it_speaks_again(device: Device) -> None:
    await device.start()
    await device.used(0.5)
    device.watcher.turn("load_meter_silent", True)
    await device.state("suspended")
    assert (device.watcher.states["end_reason"], device.watcher.states["fault"]) == ("", "meter_silent")
    await device.refused(device.watcher.act("session_renew", session_id="s", seq=1, lease_s=60), "fault")
    device.watcher.turn("load_meter_silent", False)
    await device.watcher.until(lambda states: states["fault"] == "")
    await device.watcher.act("session_renew", session_id="s", seq=1, lease_s=60)
    await device.state("supplying")


async def test_closings_of_the_relay_are_counted_over_power_cuts(device: Device) -> None:
    await device.start("one")
    await device.watcher.act("session_stop", session_id="one", reason="Remote")
    await device.start("two")
    await device.watcher.until(lambda states: states["relay_cycles"] == 2)
    await device.outlet.process.kill()
    await device.restart()
    assert device.watcher.number("relay_cycles") == 2


async def test_the_ratings_are_told_as_the_device_file_sets_them(device: Device) -> None:
    assert (device.watcher.number("max_power"), device.watcher.number("max_current")) == (4000, 32)


async def test_the_state_is_published_after_all_that_belongs_to_it(device: Device) -> None:
    client = APIClient("127.0.0.1", device.outlet.port, None)
    await client.connect(login=True)
    try:
        entities, _ = await client.list_entities_services()
        # Lamp and buzzer of the simulated hardware follow the state.
        names = {entity.key: entity.object_id for entity in entities if not entity.object_id.startswith("load_")}
        order: list[str] = []
        told_all, ended = asyncio.Event(), asyncio.Event()

        def take(state: EntityState) -> None:
            if state.key not in names:
                return
            order.append(names[state.key])
            if set(order) == set(names.values()):
                told_all.set()
            if getattr(state, "state", None) == "ended":
                ended.set()

        client.subscribe_states(take)
        async with asyncio.timeout(10):
            await told_all.wait()
            order.clear()
            await device.start("s", energy_limit_wh=1)
            await ended.wait()
    finally:
        await client.disconnect()
    begin, end = (index for index, name in enumerate(order) if name == "session_state")
    assert {"relay", "session_id"} <= set(order[:begin])
    assert {"relay", "end_reason", "session_energy", "lifetime_energy", "lease_left"} <= set(order[begin + 1 : end])
    assert end == len(order) - 1
