"""Any order of drivers' wishes, sites' answers, events, losses, repetitions and restarts keeps the money right."""

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from konsento.charging import changing
from konsento.charging import service as charging
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.kit.db import Database
from konsento.kit.errors import KonsentoError
from konsento.models import (
    ACTIVE,
    AccountKind,
    ChargingSession,
    LedgerAccount,
    LimitKind,
    Payment,
    PaymentState,
    Receipt,
    SessionState,
)
from konsento.ocpp import CallTimeout
from konsento.ocpp.messages import (
    Evse,
    GetTransactionStatus,
    GetTransactionStatusResponse,
    MeterValue,
    RequestStartTransaction,
    RequestStopTransaction,
    RequestStopTransactionResponse,
    SampledValue,
    StartStopStatus,
    TransactionEvent,
    TransactionEventType,
    TransactionInfo,
    TransactionLimit,
)
from konsento.payments import balance
from konsento.sites import stations

from ..conftest import CODES, STATION, Core, accepted, rejected, wired
from ..databases import Template
from ..examples import up_to

FINAL = (SessionState.SETTLED, SessionState.FAILED)
KINDS = st.sampled_from([("energy", 30), ("energy", 200), ("energy", 600), ("time", 300), ("money", 1200), ("full", 0)])
OUTLETS = st.sampled_from([0, 1])
ANSWERS = st.sampled_from(["yes", "yes", "lost", "silent", "no", "dies before", "dies after"])


class Killed(BaseException):
    """The server's process dies while it waits for a site: nothing of it catches this."""


@dataclass
class Supply:
    """A transaction as the site runs it."""

    request: RequestStartTransaction
    most_wh: Decimal
    most_s: int
    wh: Decimal = Decimal(0)
    seconds: int = 0
    seq_no: int = 0
    limit_told: TransactionLimit | None = None
    waiting: list[TransactionEvent] = field(default_factory=list)
    over: bool = False
    lost: bool = False
    """The site has forgotten it, and what it had to say."""

    @property
    def name(self) -> str:
        return f"TX-{self.request.remote_start_id}"


class AnyOrder(RuleBasedStateMachine):
    """Two drivers, two outlets, one site that may be away, one server that may be started anew."""

    template: Template

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.copied = self.template.copied(Path(self.folder.name))
        self.database = Database(self.run(self.copied.__aenter__()))
        self.core: Core = self.run(wired(self.database))
        self.supplies: dict[int, Supply] = {}
        """By request number."""
        self.sent: list[TransactionEvent] = []
        self.final: dict[UUID, SessionState] = {}
        self.answer = "yes"
        self.ours = True
        self.dies = ""
        """When the server's process dies that asks for a stop."""
        self._connect_site()

    def run[T](self, what: Any) -> Any:
        return self.runner.run(what)

    def _connect_site(self) -> None:
        answers = self.core.router.answers
        answers[RequestStartTransaction] = self._start
        answers[RequestStopTransaction] = self._stop
        answers[GetTransactionStatus] = self._status

    # --- the site

    def _start(self, request: RequestStartTransaction) -> Any:
        known = self.supplies.get(request.remote_start_id)
        assert self.ours or known is None, "it would take this for a new wish"
        if self.answer == "dies before":
            raise Killed
        if known is None and self.answer in {"yes", "lost", "dies after"}:
            busy = any(s.request.evse_id == request.evse_id and not s.over for s in self.supplies.values())
            if busy:
                return rejected("OutletBusy")
            ours = request.custom_data or {}
            known = Supply(request=request, most_wh=Decimal(ours["energyLimitWh"]), most_s=ours["timeLimitS"] or 86_400)
            self.supplies[request.remote_start_id] = known
            self._event(known, TransactionEventType.STARTED)
        if self.answer == "dies after":
            raise Killed
        if self.answer in {"lost", "silent"}:
            return CallTimeout(STATION, "RequestStartTransaction", "no answer in time")
        return accepted(known.name if self.ours else None) if known is not None else rejected("OutletFaulted")

    def _stop(self, request: RequestStopTransaction) -> Any:
        if self.dies == "before":
            raise Killed
        supply = next((s for s in self.supplies.values() if s.name == request.transaction_id and not s.over), None)
        if supply is None:
            return RequestStopTransactionResponse(status=StartStopStatus.REJECTED)
        self._event(supply, TransactionEventType.ENDED, "Remote")
        if self.dies == "after":
            raise Killed
        return RequestStopTransactionResponse(status=StartStopStatus.ACCEPTED)

    def _status(self, request: GetTransactionStatus) -> Any:
        supply = next((s for s in self.supplies.values() if s.name == request.transaction_id), None)
        return GetTransactionStatusResponse(
            messages_in_queue=bool(supply and supply.waiting), ongoing_indicator=bool(supply and not supply.over)
        )

    def _event(self, supply: Supply, kind: TransactionEventType, reason: str = "", state: str = "Charging") -> None:
        at = self.core.clock.now()
        register = SampledValue(value=Decimal(1000) + supply.wh)
        supply.waiting.append(
            TransactionEvent(
                event_type=kind,
                timestamp=at,
                trigger_reason="MeterValuePeriodic",
                seq_no=supply.seq_no,
                evse=Evse(id=supply.request.evse_id or 1, connector_id=1),
                transaction_info=TransactionInfo(
                    transaction_id=supply.name,
                    charging_state=state,
                    time_spent_charging=supply.seconds,
                    stopped_reason=reason or None,
                    remote_start_id=supply.request.remote_start_id if kind is TransactionEventType.STARTED else None,
                    transaction_limit=supply.limit_told,
                ),
                meter_value=[MeterValue(timestamp=at, sampled_value=[register])],
            )
        )
        supply.limit_told = None
        supply.seq_no += 1
        supply.over = supply.over or kind is TransactionEventType.ENDED

    def _deliver(self, supply: Supply) -> None:
        while supply.waiting:
            event = supply.waiting.pop(0)
            self.sent.append(event)
            limit = self.run(self.core.tell(event)).transaction_limit
            if limit is not None and not supply.over and event.event_type is not TransactionEventType.STARTED:
                supply.most_wh, supply.most_s, supply.limit_told = limit.max_energy, limit.max_time, limit

    # --- what can happen

    @initialize(ours=st.sampled_from([True, True, False]))
    def the_site_is_of_some_make(self, ours: bool) -> None:
        self.ours = ours

        async def boot() -> None:
            async with self.database.transaction() as session:
                await stations.note_vendor(session, STATION, stations.OUR_VENDOR if ours else "Somebody")

        self.run(boot())

    @rule(driver=OUTLETS, outlet=OUTLETS, wish=KINDS, answer=ANSWERS)
    def a_driver_starts(self, driver: int, outlet: int, wish: tuple[str, int], answer: str) -> None:
        self.answer = answer
        who = (self.core.driver_id, self.core.other_driver_id)[driver]
        requested = RequestedLimit(kind=LimitKind(wish[0]), amount=wish[1])
        try:
            with suppress(KonsentoError):
                self.run(
                    charging.start(
                        self.core.services, Wish(driver_id=who, outlet_code=CODES[outlet], requested=requested)
                    )
                )
        except Killed:
            self.the_server_is_started_anew()
        self.answer = "yes" if answer in {"lost", "dies before", "dies after"} else answer

    @rule(outlet=OUTLETS)
    def two_drivers_start_at_the_same_moment(self, outlet: int) -> None:
        self.answer = "yes"
        requested = RequestedLimit(kind=LimitKind.ENERGY, amount=20)

        async def both() -> None:
            drivers = (self.core.driver_id, self.core.other_driver_id)
            starts = [
                charging.start(self.core.services, Wish(driver_id=who, outlet_code=CODES[outlet], requested=requested))
                for who in drivers
            ]
            for result in await asyncio.gather(*starts, return_exceptions=True):
                assert not isinstance(result, Exception) or isinstance(result, KonsentoError), result

        self.run(both())

    @precondition(lambda self: self.sessions_on())
    @rule(data=st.data())
    def a_driver_stops(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.sessions_on()))
        self.dies = data.draw(st.sampled_from(["", "", "before", "after"]))
        try:
            self.run(charging.stop(self.core.services, session.driver_id, session.id))
        except Killed:
            self.the_server_is_started_anew()
        self.dies = ""

    @precondition(lambda self: self.changeable())
    @rule(data=st.data(), wishes=st.lists(KINDS, min_size=1, max_size=4), answers=st.sampled_from([0, 1, 2, 2, 2]))
    def a_driver_changes_the_limit(self, data: st.DataObject, wishes: list[tuple[str, int]], answers: int) -> None:
        session = data.draw(st.sampled_from(self.changeable()))
        for wish in wishes:
            self._change(session, wish, answers)

    def _change(self, session: ChargingSession, wish: tuple[str, int], answers: int) -> None:
        requested = RequestedLimit(kind=LimitKind(wish[0]), amount=wish[1])
        supply = self.supplies.get(session.remote_start_id)
        with suppress(KonsentoError):
            self.run(changing.change_limit(self.core.services, session.driver_id, session.id, requested))
        # The site gets the limit with the answer to one event, and confirms it with the next one.
        for _ in range(answers):
            if supply is not None and not supply.over and self.core.router.online:
                self._event(supply, TransactionEventType.UPDATED)
                self._deliver(supply)
        self.what_is_held_is_held_for_sessions_that_are_not_billed()

    @precondition(lambda self: self.running())
    @rule(data=st.data(), seconds=st.integers(1, 40), paused=st.booleans(), told=st.booleans())
    def power_flows(self, data: st.DataObject, seconds: int, paused: bool, told: bool) -> None:
        supply = data.draw(st.sampled_from(self.running()))
        self.core.clock.advance(timedelta(seconds=seconds))
        supply.seconds = min(supply.seconds + seconds, supply.most_s)
        if not paused:
            supply.wh = min(supply.wh + Decimal(3000 * seconds) / 3600, supply.most_wh).quantize(Decimal("0.001"))
        if supply.wh >= supply.most_wh or supply.seconds >= supply.most_s:
            self._event(supply, TransactionEventType.ENDED, "EnergyLimitReached")
        else:
            self._event(supply, TransactionEventType.UPDATED, state="SuspendedEVSE" if paused else "Charging")
        if told and self.core.router.online:
            self._deliver(supply)

    @precondition(lambda self: self.supplies)
    @rule(data=st.data())
    def the_journal_is_delivered(self, data: st.DataObject) -> None:
        if self.core.router.online:
            self._deliver(data.draw(st.sampled_from(list(self.supplies.values()))))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def an_event_comes_again(self, data: st.DataObject) -> None:
        self.run(self.core.tell(data.draw(st.sampled_from(self.sent))))

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def the_site_loses_a_session_and_what_it_had_to_say(self, data: st.DataObject) -> None:
        supply = data.draw(st.sampled_from(self.running()))
        supply.over = supply.lost = True
        supply.waiting.clear()

    @rule(online=st.booleans())
    def the_site_goes_or_comes(self, online: bool) -> None:
        if online:
            self.run(self.core.router.connect())
            return
        self.core.router.online = False
        for callback in self.core.router.leaving:
            self.run(callback(STATION))

    @rule()
    def the_server_is_started_anew(self) -> None:
        clock, online = self.core.clock, self.core.router.online
        self.core = self.run(wired(self.database))
        self.core.clock.advance(clock.now() - self.core.clock.now())
        self.core.router.online = online
        self._connect_site()

    @rule(seconds=st.sampled_from([1, 25, 120, 400]))
    def time_passes(self, seconds: int) -> None:
        self.core.clock.advance(timedelta(seconds=seconds))
        self.run(self.core.work())

    # --- what always holds

    def running(self) -> list[Supply]:
        return [supply for supply in self.supplies.values() if not supply.over]

    def sessions(self) -> list[ChargingSession]:
        async def read() -> list[ChargingSession]:
            async with self.database.transaction() as session:
                return list(await session.scalars(select(ChargingSession).order_by(ChargingSession.id)))

        found: list[ChargingSession] = self.run(read())
        return found

    def changeable(self) -> list[ChargingSession]:
        running = (SessionState.CHARGING, SessionState.SUSPENDED)
        return [one for one in self.sessions() if one.state in running and one.stop_requested_at is None]

    def sessions_on(self) -> list[ChargingSession]:
        return [session for session in self.sessions() if session.state in ACTIVE]

    @invariant()
    def what_is_held_is_held_for_sessions_that_are_not_billed(self) -> None:
        async def read() -> tuple[int, list[Payment]]:
            async with self.database.transaction() as session:
                pending = select(func.sum(LedgerAccount.debits_pending)).where(
                    LedgerAccount.kind == AccountKind.DRIVER_BALANCE
                )
                return await session.scalar(pending) or 0, list(await session.scalars(select(Payment)))

        held, payments = self.run(read())
        open_ones = {session.id: session for session in self.sessions() if session.state not in FINAL}
        assert held == sum(session.hold_minor for session in open_ones.values())
        assert {p.session_id for p in payments if p.state is PaymentState.HELD} == set(open_ones)
        assert all(open_ones[p.session_id].hold_minor == p.hold_minor for p in payments if p.session_id in open_ones)

    @invariant()
    def nobody_pays_more_than_was_held_or_measured(self) -> None:
        async def read() -> list[tuple[Receipt, ChargingSession]]:
            async with self.database.transaction() as session:
                query = select(Receipt, ChargingSession).join(ChargingSession)
                return [(row[0], row[1]) for row in await session.execute(query)]

        for receipt, session in self.run(read()):
            supply = self.supplies[session.remote_start_id]
            assert receipt.amount_minor <= receipt.hold_minor
            assert receipt.billed_wh <= supply.wh

    @invariant()
    def an_outlet_has_one_session_and_the_end_is_the_end(self) -> None:
        sessions = self.sessions()
        taken = [session.outlet_id for session in sessions if session.state in ACTIVE]
        assert len(taken) == len(set(taken))
        for session in sessions:
            assert self.final.get(session.id, session.state) is session.state
            if session.state in FINAL:
                self.final[session.id] = session.state

    def teardown(self) -> None:
        try:
            self._everything_comes_to_its_end()
        finally:
            self.run(self.database.close())
            self.run(self.copied.__aexit__(None, None, None))
            self.runner.close()
            self.folder.cleanup()

    def _everything_comes_to_its_end(self) -> None:
        self.answer = "no"
        self.run(self.core.router.connect())
        for supply in self.supplies.values():
            if not supply.over:
                self._event(supply, TransactionEventType.ENDED, "Local")
            self._deliver(supply)
        for _ in range(40):
            self.core.clock.advance(timedelta(seconds=60))
            self.run(self.core.work())
        assert {session.state for session in self.sessions()} <= set(FINAL)

        async def spent() -> tuple[int, int]:
            async with self.database.transaction() as session:
                drivers = (self.core.driver_id, self.core.other_driver_id)
                left = sum([await balance.available(session, driver) for driver in drivers])
                return left, await session.scalar(select(func.sum(Receipt.amount_minor))) or 0

        self._what_was_supplied_is_billed()
        left, billed = self.run(spent())
        assert left + billed == 10_000

    def _what_was_supplied_is_billed(self) -> None:
        """All that a site has told of is billed, and none of ours supplies for a start that is said to have failed."""

        async def read() -> dict[UUID, int]:
            async with self.database.transaction() as session:
                return {receipt.session_id: receipt.billed_wh for receipt in await session.scalars(select(Receipt))}

        billed = self.run(read())
        for one in self.sessions():
            supply = self.supplies.get(one.remote_start_id)
            if one.state is SessionState.FAILED:
                assert supply is None or not self.ours
            elif supply is not None and not supply.lost:
                assert billed[one.id] == int(supply.wh)


def test_any_order_keeps_the_money_right(furnished: Template) -> None:
    AnyOrder.template = furnished
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # it has no types
        AnyOrder,
        settings=settings(
            max_examples=up_to(12),
            stateful_step_count=25,
            deadline=None,
            # A failing order is readable as it is; making it shorter takes minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
