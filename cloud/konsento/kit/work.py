"""Due work: what must happen after a transaction, however often the program dies in between.

A transaction adds a row; after its commit the runner claims the row with a lease, calls the handler of its kind and
marks it done. Kinds that are cheaper together come many at a time. A handler that dies with its process is called
again, by whichever replica finds the lease over: so handlers are idempotent, and each opens its own transactions.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from time import perf_counter
from typing import Any, Final

from sqlalchemy import and_, case, exists, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.clock import Clock
from konsento.kit.db import Database, after_commit, insert, is_away
from konsento.kit.logs import log_context
from konsento.kit.metrics import Metrics
from konsento.kit.work_table import Work, WorkRow, WorkState

log = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=90)
"""A handler that takes longer may be called a second time; the longest wait of any is one call to a site."""
FIRST_BACK_OFF_S: Final = 2.0
LONGEST_BACK_OFF_S: Final = 900.0
DEAD_AFTER: Final = 20
"""Failures in a row after which work is left to the operator: about three hours of trying."""
IDLE_LOOK_S: Final = 10.0
"""How often the table is looked at without a wake-up, for what other replicas added or left behind."""
AT_ONCE: Final = 8
"""Handlers that run side by side, beside those of kinds that have places of their own."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of work in a handler's hands."""

    kind: str
    key: str
    payload: dict[str, Any]
    attempts: int
    """Failures before this call."""
    generation: int


@dataclass(frozen=True)
class Again:
    """A handler's answer: not finished, and not failed either; call again after so many seconds."""

    after_s: float


type WorkHandler = Callable[[Job], Awaitable[Again | None]]
type BatchHandler = Callable[[Sequence[Job]], Awaitable[Mapping[str, Again]]]
"""Takes several jobs of its kind at once; returns which are not finished, by their keys. Where it raises, none is done,
and it is called again with each of them alone: so one that cannot be done takes no other down."""


@dataclass(kw_only=True, eq=False)
class _Lane:
    """Kinds of work that share places."""

    places: int
    most: int = 1
    """Jobs in one call."""
    kinds: set[str] = field(default_factory=set)
    running: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def free(self) -> int:
        return self.places - len(self.running) if self.kinds else 0


class WorkQueue:
    """A table of due work, the management server's unless another is named, and the task that works it off."""

    def __init__(
        self, database: Database, clock: Clock, table: type[WorkRow] = Work, metrics: Metrics | None = None
    ) -> None:
        self._database = database
        self._table = table
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._handlers: dict[str, BatchHandler] = {}
        self._new = asyncio.Event()
        self._next_look: float | None = None
        """When the runner looks at the table unasked, by the loop's clock; None while it looks, or does not run."""
        self._lanes = [_Lane(places=AT_ONCE)]
        self.tell_others: Callable[[datetime], None] | None = None
        """Called with when new work is due, in a process that does not work it off."""

    def on(self, kind: str, *, places: int | None = None) -> Callable[[WorkHandler], WorkHandler]:
        """Register the decorated function for that kind of work; ValueError where it has a handler already.

        `places` of its own are for a kind that waits for machines of strangers: it then keeps no other work waiting.
        """

        def register(handler: WorkHandler) -> WorkHandler:
            async def alone(jobs: Sequence[Job]) -> Mapping[str, Again]:
                (job,) = jobs
                answer = await handler(job)
                return {} if answer is None else {job.key: answer}

            lane = self._lanes[0] if places is None else _Lane(places=places)
            self._register(kind, alone, lane)
            return handler

        return register

    def in_batches(self, kind: str, *, most: int, places: int = 1) -> Callable[[BatchHandler], BatchHandler]:
        """Register the decorated function for that kind of work, `most` jobs a call; it has places of its own.

        For what is much cheaper done together. All jobs of a call have one lease. ValueError as with `on`.
        """

        def register(handler: BatchHandler) -> BatchHandler:
            self._register(kind, handler, _Lane(places=places, most=most))
            return handler

        return register

    def _register(self, kind: str, handler: BatchHandler, lane: _Lane) -> None:
        if kind in self._handlers:
            raise ValueError(f"{kind} has a handler already")
        self._handlers[kind] = handler
        lane.kinds.add(kind)
        if lane not in self._lanes:
            self._lanes.append(lane)

    async def add(
        self,
        session: AsyncSession,
        kind: str,
        key: str,
        *,
        payload: dict[str, Any] | None = None,
        after_s: float = 0.0,
    ) -> None:
        """Ask for work in the transaction of `session`; it runs after the commit, at once or `after_s` later.

        Asked for again it is due at the earlier time, with the newer payload; if it had been done it is done anew.
        """
        await self.add_all(session, kind, [key], payload=payload, after_s=after_s)

    async def add_all(
        self,
        session: AsyncSession,
        kind: str,
        keys: Iterable[str],
        *,
        payload: dict[str, Any] | None = None,
        after_s: float = 0.0,
    ) -> None:
        """Do as `add` for many keys."""
        if not (wanted := sorted(set(keys))):  # in one order: others may ask for the same
            return
        now, table = self._clock.now(), self._table
        due_at = now + timedelta(seconds=after_s)
        # One statement: another process may ask for the same at this moment.
        row = {
            "kind": kind, "payload": payload or {}, "state": WorkState.DUE, "due_at": due_at, "attempts": 0,
            "generation": 0, "last_error": "", "created_at": now,
        }  # fmt: skip
        new = insert(session, table)
        is_earlier = and_(table.state == WorkState.DUE, table.due_at < new.excluded.due_at)
        again = {
            "due_at": case((is_earlier, table.due_at), else_=new.excluded.due_at),
            "state": WorkState.DUE,
            "attempts": 0,
            "generation": table.generation + 1,
        }
        if payload is not None:
            again["payload"] = payload
        upsert = new.on_conflict_do_update(index_elements=[table.kind, table.key], set_=again)
        await session.execute(upsert, [row | {"key": key} for key in wanted])
        after_commit(session, lambda: self._added(due_at))

    def _added(self, due_at: datetime) -> None:
        if self.tell_others is not None:
            self.tell_others(due_at)
        else:
            self.wake_for(due_at)

    def wake_for(self, due_at: datetime) -> None:
        """Have the runner look at the table in time for what is due then."""
        # Looking takes two transactions: not for what the next look finds in time.
        due_in_s = (due_at - self._clock.now()).total_seconds()
        if self._next_look is None or asyncio.get_running_loop().time() + due_in_s < self._next_look:
            self.wake()

    def wake(self) -> None:
        """Have the runner look at the table now."""
        self._new.set()

    async def run(self) -> None:
        """Work off what is due until cancelled; what runs then is finished first."""
        try:
            while True:
                self._new.clear()
                self._next_look = None
                wait_s = await self.run_due()
                self._next_look = asyncio.get_running_loop().time() + wait_s
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._new.wait()
        finally:
            self._next_look = None
            if self._running():
                await asyncio.wait(self._running())

    async def run_due(self) -> float:
        """Start what is due now; returns after how many seconds to look again."""
        try:
            await self._start_due()
            return await self._next_look_s()
        except Exception:  # the database may be away for a while; work waits, it is not lost
            log.exception("the table of due work cannot be read; trying again")
            return FIRST_BACK_OFF_S

    async def drain(self) -> None:
        """Work off what is due now, and what that makes due at once, and return (for commands and tests)."""
        while True:
            await self._start_due()
            running = self._running()
            if not running:
                return
            await asyncio.wait(running)

    async def _start_due(self) -> None:
        for lane, jobs in await self._claim():
            task = asyncio.create_task(self._work(jobs), name=f"work {jobs[0].kind}")
            lane.running.add(task)
            task.add_done_callback(lane.running.discard)
            task.add_done_callback(lambda _: self.wake())

    def _running(self) -> set[asyncio.Task[None]]:
        return {task for lane in self._lanes for task in lane.running}

    async def _claim(self) -> list[tuple[_Lane, Sequence[Job]]]:
        claimed: list[tuple[_Lane, Sequence[Job]]] = []
        free = [lane for lane in self._lanes if lane.free > 0]
        if not free:
            return []
        table = self._table
        async with self._database.transaction() as session:
            now = self._clock.now()
            # One look, mostly in vain, instead of one for each lane.
            kinds = {kind for lane in free for kind in lane.kinds}
            is_due = exists().where(table.state == WorkState.DUE, table.due_at <= now, table.kind.in_(kinds))
            if not await session.scalar(select(is_due)):
                return []
            for lane in free:
                due = (
                    select(table.kind, table.key)
                    .where(table.state == WorkState.DUE, table.due_at <= now, table.kind.in_(lane.kinds))
                    .order_by(table.due_at)
                    .limit(lane.free * lane.most)
                    .with_for_update(skip_locked=True)
                    .cte("due")
                )
                claim = (
                    update(table)
                    .where(table.kind == due.c.kind, table.key == due.c.key)
                    .values(due_at=now + LEASE, generation=table.generation + 1)
                    .returning(table.kind, table.key, table.payload, table.attempts, table.generation)
                    .execution_options(synchronize_session=False)
                )
                jobs = [Job(**row._asdict()) for row in await session.execute(claim)]
                claimed.extend((lane, some) for some in batched(jobs, lane.most, strict=False))
        return claimed

    async def _work(self, jobs: Sequence[Job]) -> None:
        began = perf_counter()
        kind = jobs[0].kind
        log_context.set({"work": kind})
        try:
            again = await self._handlers[kind](jobs)
        except Exception as error:  # noqa: BLE001  # whatever a handler raises, the work stays and is tried again
            if len(jobs) == 1 or is_away(error):
                await self._give_back(jobs, error)
                return
            log.warning("%d of work %s failed together (%s); one by one", len(jobs), kind, type(error).__name__)
            for job in jobs:
                await self._work([job])
            return
        done = [job for job in jobs if job.key not in again]
        self._metrics.work[kind, "done"].inc(len(done))
        self._metrics.work[kind, "again"].inc(len(jobs) - len(done))
        self._metrics.work_seconds[(kind,)].observe(perf_counter() - began)
        await self._note(done, state=WorkState.DONE, attempts=0, last_error="")
        now = self._clock.now()
        for after_s, some in _by(jobs, lambda job: again[job.key].after_s if job.key in again else None):
            if after_s is not None:
                await self._note(some, due_at=now + timedelta(seconds=after_s), attempts=0)

    async def _give_back(self, jobs: Sequence[Job], error: Exception) -> None:
        for attempts, some in _by(jobs, lambda job: job.attempts):
            result = "dead" if attempts + 1 >= DEAD_AFTER else "failed"
            keys = " ".join(job.key for job in some)
            log.error("work %s %s failed (%d before)", some[0].kind, keys, attempts, exc_info=error)
            self._metrics.work[some[0].kind, result].inc(len(some))
            await self._note(some, **self._failed(some[0], error))

    def _failed(self, job: Job, error: Exception) -> dict[str, Any]:
        attempts = job.attempts + 1
        if attempts >= DEAD_AFTER:
            log.error("work %s %s is given up after %d attempts", job.kind, job.key, attempts)
        back_off_s = min(FIRST_BACK_OFF_S * 2**job.attempts, LONGEST_BACK_OFF_S)
        return {
            "state": WorkState.DEAD if attempts >= DEAD_AFTER else WorkState.DUE,
            "attempts": attempts,
            "due_at": self._clock.now() + timedelta(seconds=back_off_s),
            # Only the class: a message may quote what a person typed.
            "last_error": type(error).__name__,
        }

    async def _note(self, jobs: Sequence[Job], **values: Any) -> None:
        if not jobs:
            return
        table = self._table
        try:
            async with self._database.transaction() as session:
                # A request for the same work that came in meanwhile has raised the generation and stays due.
                await session.execute(
                    update(table)
                    .where(
                        table.kind == jobs[0].kind,
                        tuple_(table.key, table.generation).in_([(job.key, job.generation) for job in jobs]),
                    )
                    .values(**values)
                )
        except Exception:  # the lease runs out and the work is done again, which is harmless
            log.exception("the result of %d of work %s was not noted", len(jobs), jobs[0].kind)

    async def _next_look_s(self) -> float:
        # A kind without a free place is looked at when one of its handlers has finished.
        kinds = {kind for lane in self._lanes if lane.free > 0 for kind in lane.kinds}
        if not kinds:
            return IDLE_LOOK_S
        table = self._table
        async with self._database.transaction() as session:
            query = (
                select(table.due_at)
                .where(table.state == WorkState.DUE, table.kind.in_(kinds))
                .order_by(table.due_at)
                .limit(1)
            )
            due: datetime | None = await session.scalar(query)
        if due is None:
            return IDLE_LOOK_S
        return min(IDLE_LOOK_S, max(0.0, (due - self._clock.now()).total_seconds()))


def _by[By](jobs: Sequence[Job], key: Callable[[Job], By]) -> Iterable[tuple[By, list[Job]]]:
    """Give the jobs that have something in common."""
    groups: dict[By, list[Job]] = {}
    for job in jobs:
        groups.setdefault(key(job), []).append(job)
    return groups.items()
