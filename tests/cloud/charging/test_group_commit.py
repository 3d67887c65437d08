"""Events of many stations at once: what was acknowledged is kept, each once, and adds up, whatever happens meanwhile.

Random interleavings of several stations' events, told twice, out of order and through two processes at a time, with
commits that fail, answers that are lost and processes that start anew, against a model: the set of what was told.
"""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.models import ChargingSession, Driver, LimitKind, MeterEvent, Outlet, SessionState, Site, Work
from konsento.ocpp.messages import (
    MeterValue,
    SampledValue,
    TransactionEvent,
    TransactionEventResponse,
    TransactionEventType,
    TransactionInfo,
)
from konsento.pricing import Price

from ..conftest import AT, Core, wired
from ..databases import Template
from ..examples import up_to

STATIONS = 3


class Faulty(Database):
    """A database whose commits fail when they are told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.faults: list[str] = []
        """What happens to the next transactions, the last one first: `before` or `after` their commit, or nothing."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        fault = self.faults.pop() if self.faults else ""
        async with super().transaction() as session:
            yield session
            if fault == "before":
                raise ConnectionResetError
            if fault == "refused":
                raise ValueError
        if fault == "after":
            raise ConnectionResetError

    async def run(self, statements: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Any]]:
        fault = self.faults.pop() if self.faults else ""
        if fault == "before":
            raise ConnectionResetError
        if fault == "refused":
            raise ValueError
        rows = await super().run(statements)
        if fault == "after":
            raise ConnectionResetError
        return rows


@dataclass
class Story:
    """A session, and all that its station will ever tell of it."""

    station_id: str
    session_id: UUID
    events: list[TransactionEvent]
    kept: set[int] = field(default_factory=set)
    """Numbers of the events that were acknowledged."""
    wish: bool = False
    """Somebody wants it stopped."""

    def delivered_mwh(self, told: set[int]) -> int:
        registers = [register for seq_no in told if (register := _register(self.events[seq_no])) is not None]
        return max(registers, default=0) - min(registers, default=0)


def _register(event: TransactionEvent) -> int | None:
    return int(event.meter_value[0].sampled_value[0].value * 1000) if event.meter_value else None


def _event(
    transaction_id: str, seq_no: int, mwh: int | None, kind: TransactionEventType, state: str
) -> TransactionEvent:
    at = AT + timedelta(seconds=4 * seq_no)
    values = [
        SampledValue(value=Decimal(mwh or 0) / 1000),
        SampledValue(value=Decimal(3000), measurand="Power.Active.Import"),
    ]
    return TransactionEvent(
        event_type=kind,
        timestamp=at,
        trigger_reason="MeterValuePeriodic",
        seq_no=seq_no,
        transaction_info=TransactionInfo(
            transaction_id=transaction_id, charging_state=state, time_spent_charging=4 * seq_no
        ),
        meter_value=[MeterValue(timestamp=at, sampled_value=values)] if mwh is not None else None,
    )


@st.composite
def stories(draw: st.DrawFn) -> list[list[tuple[int | None, str]]]:
    """Return for each session the register at each of its events, and the charging state."""
    step = st.tuples(
        st.one_of(st.integers(1, 3300), st.integers(1, 3300), st.integers(1, 3300), st.none()),
        st.sampled_from(["Charging", "Charging", "Charging", "SuspendedEVSE"]),
    )
    found = []
    for _ in range(STATIONS):
        steps = draw(st.lists(step, min_size=3, max_size=9))
        registers = itertools.accumulate((mwh or 0 for mwh, _ in steps), initial=1_000_000)
        found.append(
            [
                (register if mwh is not None else None, state)
                for register, (mwh, state) in zip(registers, [(0, "Charging"), *steps], strict=True)
            ]
        )
    return found


FAULTS = st.lists(st.sampled_from(["", "", "before", "after", "refused"]), max_size=3)


async def _furnish(database: Database, told: list[list[tuple[int | None, str]]]) -> list[Story]:
    found = []
    async with database.transaction() as session:
        driver_id = await session.scalar(select(Driver.id).order_by(Driver.email).limit(1))
        for number, registers in enumerate(told):
            site = Site(
                id=new_id(), station_id=f"station-{number}", password_hash="-", name="-", time_zone="Asia/Tokyo"
            )
            session.add(site)
            await session.flush()
            outlet = Outlet(
                id=new_id(), site_id=site.id, evse_id=1, code=f"K{number}", name="-", rated_w=3000, volts=200
            )
            session.add(outlet)
            await session.flush()
            running = ChargingSession(
                id=new_id(),
                driver_id=driver_id,
                outlet_id=outlet.id,
                site_id=site.id,
                state=SessionState.CHARGING,
                limit_kind=LimitKind.FULL,
                limit_amount=0,
                energy_cap_wh=100_000,
                price=Price.per_kwh(Decimal(38), "JPY", Decimal("0.1")).to_dict(),
                unit_price=Decimal(38),
                currency="JPY",
                tax_rate=Decimal("0.1"),
                power_type="solar",
                supplier="-",
                rated_w=3000,
                hold_minor=5000,
                remote_start_id=number,
                id_token=str(number),
                transaction_id=f"TX-{number}",
                created_at=AT,
                start_expires_at=AT,
            )
            session.add(running)
            last = len(registers) - 1
            kinds = {0: TransactionEventType.STARTED, last: TransactionEventType.ENDED}
            events = [
                _event(f"TX-{number}", seq_no, mwh, kinds.get(seq_no, TransactionEventType.UPDATED), state)
                for seq_no, (mwh, state) in enumerate(registers)
            ]
            found.append(Story(station_id=site.station_id, session_id=running.id, events=events))
    return found


async def _tell(core: Core, told: Sequence[tuple[Story, int]]) -> None:
    """Have stations send these events at the same time; what is acknowledged is noted."""
    answers = await asyncio.gather(
        *(core.handlers.answer(story.station_id, story.events[seq_no]) for story, seq_no in told),
        return_exceptions=True,
    )
    for (story, seq_no), answer in zip(told, answers, strict=True):
        if isinstance(answer, TransactionEventResponse):
            story.kept.add(seq_no)
        else:
            assert isinstance(answer, ConnectionResetError | ValueError), answer


async def _holds(database: Faulty, stories: list[Story]) -> None:
    """Check the database against what was acknowledged, and the sessions against what is in the database."""
    async with database.transaction() as session:
        for story in stories:
            query = select(MeterEvent.seq_no).where(MeterEvent.session_id == story.session_id)
            there = list(await session.scalars(query))
            assert len(there) == len(set(there))
            assert story.kept <= set(there), "an acknowledged event is lost"
            charging = await session.get_one(ChargingSession, story.session_id)
            assert charging.delivered_mwh == story.delivered_mwh(set(there))
            assert charging.last_seq_no == max(there, default=-1)
            over = len(story.events) - 1 in there
            assert (charging.state is SessionState.ENDED) == over, "the end, and nothing else, is the end"
            assert (charging.stop_requested_at is not None) == story.wish
            if there and not over:
                newest = story.events[max(there)].transaction_info.charging_state
                assert charging.state == ("suspended" if newest == "SuspendedEVSE" else "charging")


async def _tells(database: Faulty, told: list[list[tuple[int | None, str]]], data: st.DataObject) -> None:
    processes = [await wired(database), await wired(database)]
    stories = await _furnish(database, told)
    for _ in range(data.draw(st.integers(3, 12), label="steps")):
        process = data.draw(st.integers(0, 1), label="process")
        match data.draw(st.sampled_from(["next", "next", "next", "any", "again", "anew", "wish"]), label="what"):
            case "next":
                # As stations do: the first event that is not acknowledged.
                sent = [(story, min(left)) for story in stories if (left := _left(story))]
            case "any":
                left = [(story, seq_no) for story in stories for seq_no in _left(story)]
                sent = data.draw(st.lists(st.sampled_from(left), max_size=6), label="sent") if left else []
            case "again":
                known = [(story, seq_no) for story in stories for seq_no in sorted(story.kept)]
                sent = data.draw(st.lists(st.sampled_from(known), max_size=4), label="again") if known else []
            case "anew":
                processes[process] = await wired(database)
                continue
            case _:
                story = data.draw(st.sampled_from(stories), label="wish")
                story.wish = True
                async with database.transaction() as session:
                    one = update(ChargingSession).where(ChargingSession.id == story.session_id)
                    await session.execute(one.values(stop_requested_at=AT))
                continue
        database.faults = data.draw(FAULTS, label="faults")
        await _tell(processes[process], sent)
        database.faults = []
        await _holds(database, stories)
    # In the end every station has got rid of all that it had to tell.
    while left := [(story, min(_left(story))) for story in stories if _left(story)]:
        await _tell(processes[0], left)
    await _holds(database, stories)
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(MeterEvent)) == sum(len(s.events) for s in stories)
        settles = await session.scalars(select(Work.key).where(Work.kind == "settle"))
        assert set(settles) == {str(story.session_id) for story in stories}


def _left(story: Story) -> list[int]:
    return [number for number in range(len(story.events)) if number not in story.kept]


@settings(max_examples=up_to(20), deadline=None, suppress_health_check=list(HealthCheck))
@given(told=stories(), data=st.data())
def test_what_is_acknowledged_is_kept_once_and_adds_up(
    furnished: Template, told: list[list[tuple[int | None, str]]], data: st.DataObject
) -> None:
    async def tells() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with furnished.copied(Path(folder)) as url:
                database = Faulty(url)
                await _tells(database, told, data)
                await database.close()

    asyncio.run(tells())
