"""What holds whatever happens in whatever order: lost answers, reboots, kills, stops, cuts of the link."""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path

import pytest
from controlled import Controlled
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from simulated import ManualClock, SimulatedOutlet, request

from custom_components.konsento.control.events import EventKind
from custom_components.konsento.control.holds import Hold
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.session import StartRequest


class AnyOrder(RuleBasedStateMachine):
    """One outlet, one server, and everything that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        clock = ManualClock()
        self.world = Controlled(Path(self.folder.name) / "journal.sqlite3", clock, SimulatedOutlet(clock))
        self.accepted: dict[int, str | None] = {}
        self.wandering: list[StartRequest] = []
        self.begun: set[str] = set()
        self.never_released: set[str] = set()
        """Sessions that have begun waiting and were not let go since."""
        self.do(self.world.start())

    def do[T](self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.do(self.settle())
            self.check_sessions()
        finally:
            self.do(self.world.kill())
            self.do(self.loop.shutdown_default_executor())
            self.loop.close()
            self.folder.cleanup()

    async def settle(self) -> None:
        """Everything works again for a while, and the server hears all."""
        self.world.outlet.lose_answers = self.world.outlet.lose_commands = self.world.outlet.delay_commands = 0
        await self.world.outlet.late_commands_arrive()
        self.world.outlet.set_online(True)
        await self.world.live(6)
        if (session := self.world.control.session) is None:
            assert not self.world.outlet.relay
        else:
            assert self.world.outlet.session_id == session.id
            assert self.world.outlet.relay is not bool(session.holds)
            assert session.supplying is not bool(session.holds)
        await self.world.deliver()

    @rule(number=st.integers(1, 6), energy=st.sampled_from([0, 2, 20]), seconds=st.sampled_from([0, 5, 60]))
    def ask(self, number: int, energy: int, seconds: int) -> None:
        limits = {"energy_wh": energy, "time_s": seconds} if energy or seconds else {"energy_wh": 1}
        answer = self.do(self.world.ask(number, **limits))
        assert self.accepted.setdefault(number, answer.session_id) == answer.session_id
        self.note_whether_it_waits()

    def note_whether_it_waits(self) -> None:
        session = self.world.control.session
        if session is not None and session.id not in self.begun:
            self.begun.add(session.id)
            if session.holds:
                self.never_released.add(session.id)

    @rule(holds=st.sampled_from([(), (Hold.BUDGET,), (Hold.BUDGET, Hold.OWNER)]))
    def the_next_session_is_admitted_or_waits(self, holds: tuple[Hold, ...]) -> None:
        self.world.admission = frozenset(holds)

    @rule(why=st.sampled_from(Hold))
    def hold(self, why: Hold) -> None:
        held = self.do(self.world.control.hold(why))
        assert not held or why in self.world.session.holds

    @rule(why=st.sampled_from(Hold))
    def release(self, why: Hold) -> None:
        released = self.do(self.world.control.release(why))
        assert not released or why not in self.world.session.holds
        if released and not self.world.session.holds:
            self.never_released.discard(self.world.session.id)

    @rule(number=st.integers(1, 6))
    def a_request_is_made_and_wanders(self, number: int) -> None:
        self.wandering.append(request(number, self.world.clock, valid_s=15, energy_wh=3))

    @precondition(lambda self: self.wandering)
    @rule(data=st.data())
    def a_request_arrives_late_or_twice(self, data: st.DataObject) -> None:
        wandering = data.draw(st.sampled_from(self.wandering))
        late = self.world.clock.now() >= wandering.expires_at
        before = len(self.world.outlet.starts)
        answer = self.do(self.world.site.start(wandering))
        assert self.accepted.setdefault(wandering.remote_start_id, answer.session_id) == answer.session_id
        assert not late or len(self.world.outlet.starts) == before
        self.note_whether_it_waits()

    @rule(energy=st.sampled_from([0, 1, 30]), seconds=st.sampled_from([0, 10, 100]))
    def other_limits(self, energy: int, seconds: int) -> None:
        if (session := self.world.control.session) and (energy or seconds):
            self.do(self.world.site.limit("server", session.id, Limits(energy_wh=energy, time_s=seconds)))

    @rule(seconds=st.sampled_from([0.5, 1, 3, 10]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.world.live(seconds, step=0.5))

    @rule(seconds=st.sampled_from([1, 20]))
    def nobody_is_awake(self, seconds: float) -> None:
        async def sleep() -> None:
            self.world.outlet.pass_time(seconds)

        self.do(sleep())

    @rule()
    def stop(self) -> None:
        if session := self.world.control.session:
            self.do(self.world.site.stop("server", session.id))

    @rule(online=st.booleans())
    def link(self, online: bool) -> None:
        self.world.outlet.set_online(online)

    @rule(answers=st.integers(0, 2), commands=st.integers(0, 2))
    def lose(self, answers: int, commands: int) -> None:
        self.world.outlet.lose_answers, self.world.outlet.lose_commands = answers, commands

    @rule(commands=st.integers(0, 2))
    def delay(self, commands: int) -> None:
        self.world.outlet.delay_commands = commands

    @rule()
    def what_was_delayed_arrives_in_another_order(self) -> None:
        self.do(self.world.outlet.late_commands_arrive())

    @rule(held=st.booleans())
    def readings_are_late(self, held: bool) -> None:
        self.world.outlet.hold_reports(held)

    @rule()
    def outlet_reboots(self) -> None:
        self.world.outlet.reboot()

    @rule()
    def control_is_killed(self) -> None:
        self.do(self.world.restart())

    @rule(load=st.sampled_from([0, 50, 3000]))
    def car_draws(self, load: int) -> None:
        self.world.outlet.load_w = load

    @rule()
    def server_listens(self) -> None:
        self.do(self.world.deliver())

    @rule()
    def server_listens_but_its_answer_is_lost(self) -> None:
        self.do(self.world.answer_is_lost())

    @invariant()
    def an_outlet_starts_a_session_once(self) -> None:
        assert len(self.world.outlet.starts) == len(set(self.world.outlet.starts))

    @invariant()
    def a_session_that_began_waiting_takes_nothing_before_its_release(self) -> None:
        assert not self.never_released & self.world.outlet.closed_for

    def check_sessions(self) -> None:
        running = self.world.control.session.id if self.world.control.session else None
        told = {event.session_id for event in self.world.told}
        for session_id in told:
            events = self.world.events_of(session_id)
            assert [event.seq_no for event in events] == list(range(len(events)))
            assert events[0].kind is EventKind.STARTED
            assert [event.kind for event in events].count(EventKind.STARTED) == 1
            assert [event.kind for event in events].count(EventKind.ENDED) == (0 if session_id == running else 1)
            registers = [event.register_mwh for event in events]
            assert registers == sorted(registers)
            energy = self.world.energy_told(session_id)
            assert energy <= self.world.outlet.measured[session_id]
            if session_id != running:
                # The outlet was there at the end, so all of it was told.
                assert energy == self.world.outlet.measured[session_id]
        for session_id in self.accepted.values():
            assert session_id is None or session_id in told


@pytest.mark.hypothesis
def test_energy_is_told_once_and_no_relay_is_closed_without_a_session() -> None:
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=150,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
