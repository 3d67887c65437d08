"""What a plain outlet keeps whatever its plug, its meter, its network, its users and its program do to it."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Coroutine

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from plug import SimulatedPlug, Watched
from simulated import ManualClock

from custom_components.konsento.control.driver import OutletRefusedError, OutletSilentError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.words import EndReason, OutletState

MOST_W = 3000
REACTION_S = 2.1
"""A relay that nobody may have closed is told to open at once, and again after 2 s."""
ADOPTED_S = 10.6
NONSENSE = [float("nan"), float("-inf"), -500.0, 0.0, 1e6, 1e13]


class AnyOrder(RuleBasedStateMachine):
    """One plug, one guard."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world: Watched
        self.sessions = 0
        self.taken: dict[str, float] = defaultdict(float)
        """What really flowed while a session was the one, mWh."""
        self.unheld: dict[str, float] = defaultdict(float)
        """The most that flowed in one stretch in which nobody could have opened the relay, or known that he must."""
        self.stretch = 0.0
        self.untold: dict[str, float] = defaultdict(float)
        """What flowed in all such stretches of a load that was never told and that no counter has counted, mWh."""
        self.held_s = math.inf
        """For how long the guard has been able to open the relay and to know that it must."""
        self.flowing_w = 0.0
        self.told_s = 0.0
        """For how long the meter has told of this load."""
        self.changes = 0
        self.limits: dict[str, int] = {}
        self.over: set[str] = set()
        self.waiting = ""
        """The session that has begun waiting and was not supplied since."""
        self.alone_s = 0.0
        self.adopted = False

    def do[T](self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(
        meter=st.sampled_from([(True, True), (True, False), (False, True)]),
        period=st.sampled_from([1.0, 5.0]),
        step=st.sampled_from([1, 1000]),
    )
    def plug(self, meter: tuple[bool, bool], period: float, step: int) -> None:
        power, counter = meter
        self.world = Watched(SimulatedPlug(ManualClock(), power=power, counter=counter, period_s=period, step_mwh=step))
        self.plug_ = self.world.plug
        self.plug_.measure()
        self.do(self.world.start())

    def teardown(self) -> None:
        self.loop.close()

    @property
    def session(self) -> str:
        return self.world.outlet._guard.session_id

    @property
    def held(self) -> bool:
        """Whether the guard can open the relay."""
        return self.plug_.connected and not self.plug_.stuck and not self.plug_.welded

    @property
    def blind(self) -> bool:
        """Whether the meter is silent about what flows now; a load that its power has told of is foreseen."""
        foreseen = self.plug_.has_power and self.told_s >= 3 * self.plug_.period_s
        return self.plug_.silent and not foreseen

    def pass_time(self, seconds: float) -> None:
        """Let time pass in short pieces, and keep the books."""
        for _ in range(round(seconds * 2)):
            session, before, since = self.session, self.plug_.true_mwh, self.world.clock.seconds
            self.do(self.world.live(0.5))
            self.book(session, self.plug_.true_mwh - before, self.world.clock.seconds - since)
            self.listen()
            self.watch(self.world.clock.seconds - since)

    @property
    def reaction_s(self) -> float:
        """How long the guard may take to open a relay that it can open."""
        return ADOPTED_S if self.adopted else REACTION_S

    def book(self, session: str, energy: float, seconds: float) -> None:
        self.taken[session] += energy
        self.held_s = self.held_s + seconds if self.held and not self.blind else 0.0
        if self.held_s > (self.reaction_s if self.plug_.contact else 0.0):
            self.stretch = 0.0
        else:
            self.unseen(session, energy)

    def unseen(self, session: str, energy: float) -> None:
        if not self.plug_.has_counter and not self.told_s:
            self.untold[session] += energy
            return
        self.stretch += energy
        self.unheld[session] = max(self.unheld[session], self.stretch)

    def listen(self) -> None:
        if self.plug_.flowing_w != self.flowing_w:
            self.flowing_w, self.told_s = self.plug_.flowing_w, 0.0
        elif not self.plug_.silent and self.plug_.connected:
            self.told_s += 0.5

    def watch(self, seconds: float) -> None:
        report = self.world.outlet.report
        supplying = report is not None and report.state is OutletState.SUPPLYING and report.relay
        self.adopted = self.adopted and self.plug_.contact
        if supplying or not self.plug_.contact or not self.held:
            self.alone_s = 0.0
        else:
            self.alone_s += seconds
        assert self.alone_s <= self.reaction_s

    # --- what is asked for

    @rule(energy=st.sampled_from([0, 5, 30]), seconds=st.sampled_from([0, 10, 100]), lease=st.sampled_from([0, 11]))
    def start_where_all_is_well(self, energy: int, seconds: int, lease: int) -> None:
        self.plug_.stuck = self.plug_.silent = self.world.disk_full = False
        self.plug_.link(True)
        self.world.renewing = True
        self.plug_.load_w = MOST_W
        self.stop()
        self.clear("welded_contact")
        self.clear("meter_frozen")
        self.pass_time(12)
        self.hold(not lease)
        self.start(energy, seconds, lease)

    @rule(energy=st.sampled_from([0, 5, 30]), seconds=st.sampled_from([0, 10, 100]), lease=st.sampled_from([0, 11]))
    def start(self, energy: int, seconds: int, lease: int) -> None:
        self.sessions += 1
        session_id = f"s{self.sessions}"
        limits = Limits(energy_wh=energy, time_s=seconds) if energy or seconds else Limits(energy_wh=1)
        before = self.session
        begun = self.loop.create_task(self.world.outlet.session_start(session_id, limits, lease))
        self.do(asyncio.sleep(0))
        self.waiting = session_id if not lease and self.world.holding else ""
        for _ in range(30):
            if begun.done():
                break
            self.pass_time(0.5)
            self.do(asyncio.sleep(0))
        try:
            self.do(begun)
        except OutletRefusedError, OutletSilentError:
            assert self.session in {before, session_id}
            return
        self.limits[session_id] = limits.energy_wh
        self.changes = 0

    @rule()
    def stop(self) -> None:
        self.try_(self.world.outlet.session_stop(self.session or "none", EndReason.REMOTE))

    @rule(energy=st.sampled_from([2, 50]))
    def other_limit(self, energy: int) -> None:
        if self.try_(self.world.outlet.session_limit(self.session or "none", Limits(energy_wh=energy))):
            taken_wh = math.ceil(self.taken[self.session] / 1000)
            self.limits[self.session] = max(energy, self.limits[self.session] or taken_wh)

    @rule(renewing=st.booleans())
    def renewal(self, renewing: bool) -> None:
        self.world.renewing = renewing

    @rule(holding=st.booleans())
    def hold(self, holding: bool) -> None:
        self.world.holding = holding
        if not holding:
            self.waiting = ""

    @rule(fault=st.sampled_from(["welded_contact", "meter_frozen"]))
    def clear(self, fault: str) -> None:
        self.try_(self.world.outlet.clear_fault(fault))

    def try_(self, work: Coroutine[object, object, None]) -> bool:
        try:
            self.do(work)
        except OutletRefusedError, OutletSilentError:
            return False
        return True

    # --- what happens

    @rule(seconds=st.sampled_from([0.5, 2, 10, 40]))
    def time_passes(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule(load=st.sampled_from([0, 50, MOST_W]))
    def car_draws(self, load: int) -> None:
        self.plug_.load_w = load
        self.changes += 1
        # One reading of it, so that whatever follows is foreseen with it.
        self.pass_time(self.plug_.period_s)

    @rule(number=st.sampled_from(NONSENSE))
    def meter_lies(self, number: float) -> None:
        if number != 0:
            self.plug_.tell(power=number, counter=number)
        else:
            self.plug_.tell(counter=number)

    @rule()
    def counter_shows_an_old_number_once(self) -> None:
        if self.plug_.counter:
            self.plug_.tell(counter=self.plug_.counter.value / 2)

    @precondition(lambda self: self.held and not self.plug_.silent and not self.world.disk_full)
    @rule()
    def counter_starts_again(self) -> None:
        self.plug_.offset_mwh = self.plug_.true_mwh
        self.changes += 2
        # Nobody can tell what flowed when the program is killed before it has seen and written down the new count.
        self.pass_time(12 + 2 * self.plug_.period_s)

    @rule(silent=st.booleans())
    def meter_is_silent(self, silent: bool) -> None:
        self.plug_.silent = silent

    @rule()
    def meter_is_unavailable(self) -> None:
        self.plug_.no_numbers()

    @rule(closed=st.booleans())
    def somebody_switches(self, closed: bool) -> None:
        if not self.plug_.stuck:
            self.plug_.by_hand(closed)

    @rule(stuck=st.booleans())
    def relay_takes_no_commands(self, stuck: bool) -> None:
        self.plug_.stuck = stuck

    @rule(connected=st.booleans())
    def network(self, connected: bool) -> None:
        self.plug_.link(connected)

    @rule(full=st.booleans())
    def disk(self, full: bool) -> None:
        self.world.disk_full = full
        if not full:
            # What could not be written is tried again after 10 s.
            self.pass_time(11)

    @rule(seconds=st.sampled_from([0, 5, 60]))
    def program_is_killed(self, seconds: int) -> None:
        self.pass_time(self.plug_.period_s)
        self.do(self.world.kill())
        if self.world.disk_full:
            # An end that could not be written down is not remembered.
            self.over.clear()
        self.adopted = self.plug_.contact
        self.alone_s = self.held_s = 0.0
        before, session = self.plug_.true_mwh, self.session
        self.plug_.advance(seconds)
        energy = self.plug_.true_mwh - before
        self.do(self.world.start())
        self.taken[session] += energy
        # Nobody could open it meanwhile; when it can be opened again this is known, and over the limit it is.
        self.unseen(session, energy)
        self.changes += 1

    @rule()
    def program_ends_by_intent(self) -> None:
        if self.world.disk_full:
            return
        stopped = self.loop.create_task(self.world.outlet.stop())
        self.do(asyncio.sleep(0))
        for _ in range(20):
            if stopped.done():
                break
            before = self.plug_.true_mwh
            self.plug_.advance(0.5)
            self.book(self.session, self.plug_.true_mwh - before, 0.5)
            self.world.outlet._changed.notify()
            self.do(asyncio.sleep(0))
            self.do(asyncio.sleep(0))
        self.do(stopped)
        self.plug_._listeners.clear()
        if self.held:
            assert not self.plug_.contact
        self.do(self.world.start())
        self.adopted = False

    # --- what holds

    @property
    def one_reading_mwh(self) -> float:
        return MOST_W * self.plug_.period_s / 3.6 + self.plug_.step_mwh

    @invariant()
    def nothing_is_billed_that_did_not_flow(self) -> None:
        report = self.world.outlet.report if hasattr(self, "world") else None
        if report is None or not report.session_id:
            return
        # Without a counter each change of the load can be taken for half a reading more.
        slack = self.one_reading_mwh * (1 if self.plug_.has_counter else 1 + self.changes)
        if report.session_id != self.session:
            return
        assert report.energy_mwh <= self.taken[report.session_id] + slack + 2

    @invariant()
    def a_session_that_began_waiting_is_billed_nothing_before_it_is_supplied(self) -> None:
        report = self.world.outlet.report if hasattr(self, "world") else None
        if report is not None and self.world.holding and report.session_id == self.waiting:
            assert report.energy_mwh == report.supply_s == 0

    @invariant()
    def what_flows_beyond_a_limit_is_bounded(self) -> None:
        for session_id, limit in self.limits.items():
            if limit and session_id == self.session:
                slack = self.one_reading_mwh * (2 + self.changes) + MOST_W * 1.5 / 3.6
                unseen = self.unheld[session_id] + self.untold[session_id]
                assert self.taken[session_id] <= limit * 1000 + unseen + slack

    @invariant()
    def a_session_that_has_ended_stays_ended(self) -> None:
        report = self.world.outlet.report if hasattr(self, "world") else None
        if report is None or not report.session_id:
            return
        if report.end_reason is not None:
            self.over.add(report.session_id)
        else:
            assert report.session_id not in self.over


@pytest.mark.hypothesis
def test_a_plain_outlet_bills_no_more_than_flowed_and_supplies_no_more_than_was_authorised() -> None:
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=200, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
