"""Whatever happens in whatever order: what must hold then."""

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from .guard import UJ_PER_WH, Bench, View

IDS = [f"session-{number}" for number in range(12)]
ENERGIES = st.sampled_from([-1, 0, 1, 3, 20, 100_001])
TIMES = st.sampled_from([-1, 0, 5, 60, 86_401])
REMEMBERED = 8
LONGEST_GAP_MS = 2_500
SURPRISES = 4
"""How often within a session the load grows, or the relay opens, before a reading tells of it."""


class AnyOrder(RuleBasedStateMachine):
    """Random actions, loads, meters and power cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.seq = 0
        self.ended: list[str] = []
        self.last: View = self.bench.view
        self.energy_limit_uj = 0
        self.time_limit_ms = 0
        self.most_w = 0.0
        self.openings = 0
        self.meter_failed = False
        self.session_begin_uj = 0.0
        self.waiting = ""
        """The session that has begun waiting and was not supplied since."""

    # --- what happens

    @rule(milliseconds=st.integers(1, 12_000))
    def time_passes(self, milliseconds: int) -> None:
        self.bench.run(milliseconds)

    @rule(watts=st.sampled_from([0.0, 2.0, 60.0, 1500.0, 3000.0, 3999.0, 4800.0]))
    def car_changes(self, watts: float) -> None:
        self.bench.load_w = watts
        self.most_w = max(self.most_w, watts)

    @rule(works=st.booleans())
    def meter_changes(self, works: bool) -> None:
        self.bench.meter_works = works
        self.meter_failed |= not works

    @rule(
        session_id=st.sampled_from(IDS),
        energy_wh=ENERGIES,
        time_s=TIMES,
        lease_s=st.sampled_from([0, 3, 60, 300]),
        timer=st.sampled_from(["relay", "current", "x"]),
    )
    def start(self, session_id: str, energy_wh: int, time_s: int, lease_s: int, timer: str) -> None:
        before = self.bench.view
        refusal = self.bench.guard.start(self.bench.now, session_id, energy_wh, time_s, timer, lease_s)
        after = self.bench.view
        if refusal or before.session_id == session_id:
            assert after == before
            return
        assert session_id not in self.ended[-REMEMBERED:]
        assert before.state in {"idle", "ended"}
        assert after.relay_closed == (lease_s > 0)
        assert after.state == ("supplying" if lease_s else "suspended")
        self.waiting = session_id if not lease_s else ""
        self.energy_limit_uj = energy_wh * UJ_PER_WH
        self.time_limit_ms = time_s * 1000
        self.session_begin_uj = self.bench.taken_uj
        self.openings = 0
        self.most_w = self.bench.load_w
        self.meter_failed = not self.bench.meter_works

    @rule(session_id=st.sampled_from(IDS), step=st.integers(-2, 2), lease_s=st.sampled_from([-1, 0, 3, 300, 301]))
    def renew_any(self, session_id: str, step: int, lease_s: int) -> None:
        self._renew(session_id, step, lease_s)

    @precondition(lambda self: self.last.state in {"supplying", "suspended"})
    @rule(lease_s=st.sampled_from([0, 3, 300]))
    def renew_the_running_one(self, lease_s: int) -> None:
        self._renew(self.last.session_id, 1, lease_s)

    def _renew(self, session_id: str, step: int, lease_s: int) -> None:
        before = self.bench.view
        self.seq += step
        if self.bench.guard.renew(self.bench.now, session_id, self.seq, lease_s):
            assert self.bench.view == before
        else:
            assert before.state in {"supplying", "suspended"}
            after = self.bench.view
            # What a power cut has made doubtful may have used the limit up.
            assert after.lease_left_ms == lease_s * 1000 or after.state == "ended"
            assert lease_s or after.state == "suspended"
            if lease_s:
                self.waiting = ""

    @rule(session_id=st.sampled_from(IDS), energy_wh=ENERGIES, time_s=TIMES)
    def change_any_limits(self, session_id: str, energy_wh: int, time_s: int) -> None:
        self._change_limits(session_id, energy_wh, time_s)

    @precondition(lambda self: self.last.state in {"supplying", "suspended"})
    @rule(energy_wh=ENERGIES, time_s=TIMES)
    def change_the_limits_of_the_running_one(self, energy_wh: int, time_s: int) -> None:
        self._change_limits(self.last.session_id, energy_wh, time_s)

    def _change_limits(self, session_id: str, energy_wh: int, time_s: int) -> None:
        before = self.bench.view
        if self.bench.guard.limit(self.bench.now, session_id, energy_wh, time_s):
            assert self.bench.view == before
            return
        assert (before.session_id, before.end_reason) == (session_id, "")
        self.bench.follow()
        after = self.bench.view
        if after.end_reason:
            assert after.end_reason in {"EnergyLimitReached", "TimeLimitReached"}
            return
        if self.bench.flash_works:
            assert (after.energy_limit_wh, after.time_limit_s) == (energy_wh, time_s)
            assert after.lease_left_ms == before.lease_left_ms
        else:
            assert (after.energy_limit_wh, after.time_limit_s) == (before.energy_limit_wh, before.time_limit_s)
        self.energy_limit_uj = after.energy_limit_wh * UJ_PER_WH
        self.time_limit_ms = after.time_limit_s * 1000

    @rule(session_id=st.sampled_from(IDS), reason=st.sampled_from(["Remote", "PowerLoss", "EnergyLimitReached"]))
    def stop_any(self, session_id: str, reason: str) -> None:
        before = self.bench.view
        if self.bench.guard.stop(self.bench.now, session_id, reason) or before.session_id != session_id:
            assert self.bench.view == before

    @rule(enabled=st.booleans())
    def enable(self, enabled: bool) -> None:
        self.bench.guard.enable(self.bench.now, enabled)

    @rule()
    def press_the_button(self) -> None:
        self.bench.guard.stop_by_hand(self.bench.now)

    @rule(works=st.booleans())
    def flash_changes(self, works: bool) -> None:
        self.bench.flash_works = works

    @rule(code=st.sampled_from(["overcurrent", "welded_contact", "meter_silent", "storage", ""]))
    def clear(self, code: str) -> None:
        self.bench.guard.clear(self.bench.now, code)

    @rule()
    def hold_up_the_loop(self) -> None:
        self.bench.guard.suspend(self.bench.now)

    @precondition(lambda self: self.bench.flash_works)
    @rule()
    def power_cut(self) -> None:
        self.bench.follow()
        before = self.bench.view
        self.bench.power_cut()
        after = self.bench.view
        assert not after.relay_closed
        assert after.state != "supplying"
        assert after.session_id == before.session_id
        assert (after.energy_limit_wh, after.time_limit_s) == (before.energy_limit_wh, before.time_limit_s)
        lost_uj = before.energy_uj - after.energy_uj
        assert 0 <= lost_uj <= self.bench.settings.save_energy_mwh * UJ_PER_WH // 1000
        # What was lost is not supplied again, and the register does not run backwards.
        assert after.doubtful_uj >= before.doubtful_uj + lost_uj
        assert after.lifetime_uj >= before.lifetime_uj
        self.last = after
        self.openings += 1
        self.seq += 200_000

    # --- what must hold

    @invariant()
    def a_closed_relay_has_a_session_a_lease_and_no_fault(self) -> None:
        self.bench.follow()
        view = self.bench.view
        assert view.relay_closed == (view.state == "supplying")
        if view.relay_closed:
            assert view.session_id
            assert not view.end_reason
            assert view.lease_left_ms > 0
            assert view.enabled
            assert not view.fault

    @invariant()
    def a_session_that_began_waiting_takes_nothing_before_it_is_let_go(self) -> None:
        view = self.bench.view
        if view.session_id == self.waiting:
            assert not view.relay_closed
            assert view.energy_uj == view.supply_ms == 0

    @invariant()
    def energy_never_falls_and_the_register_counts_the_same(self) -> None:
        view, last = self.bench.view, self.last
        assert view.lifetime_uj >= last.lifetime_uj
        if view.session_id == last.session_id:
            assert view.energy_uj >= last.energy_uj
            assert view.lifetime_uj - last.lifetime_uj == view.energy_uj - last.energy_uj

    @invariant()
    def limits_are_kept(self) -> None:
        view = self.bench.view
        # What happened since the last reading shows in the next one; readings may be lost up to the longest gap.
        unseen_ms = LONGEST_GAP_MS if self.meter_failed else self.bench.METER_MS
        one_reading_uj = self.most_w * 1000 * (unseen_ms + self.bench.TICK_MS)
        if view.end_reason == "EnergyLimitReached":
            assert view.energy_uj + view.doubtful_uj >= view.energy_limit_wh * UJ_PER_WH
        if self.energy_limit_uj:
            assert view.energy_uj <= self.energy_limit_uj + one_reading_uj
        if self.time_limit_ms:
            assert view.supply_ms <= self.time_limit_ms + self.bench.TICK_MS

    @invariant()
    def the_car_never_takes_more_than_was_authorised_however_often_the_power_is_cut(self) -> None:
        if not self.energy_limit_uj:
            return
        taken_uj = self.bench.taken_uj - self.session_begin_uj
        # A load that grows shows in the next reading, or when the silent meter is found out.
        unseen_ms = self.bench.settings.meter_timeout_ms if self.meter_failed else self.bench.METER_MS
        assert taken_uj <= self.energy_limit_uj + self.most_w * 1000 * (unseen_ms + 2 * self.bench.TICK_MS) * SURPRISES

    @invariant()
    def nobody_pays_for_what_was_not_taken(self) -> None:
        taken_uj = self.bench.taken_uj - self.session_begin_uj
        # At each opening the last power is taken to have gone on up to then: over one meter interval, or over the
        # longest gap when the meter was silent before.
        seconds = 5 if self.meter_failed else 1
        slack_uj = self.most_w * 1000 * 1000 * seconds * (self.openings + 1)
        assert self.bench.view.energy_uj <= taken_uj + slack_uj + 1

    @invariant()
    def remember(self) -> None:
        view, last = self.bench.view, self.last
        if last.relay_closed and not view.relay_closed:
            self.openings += 1
        if view.end_reason and view.session_id not in self.ended[-1:]:
            self.ended.append(view.session_id)
        self.last = view


AnyOrder.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
