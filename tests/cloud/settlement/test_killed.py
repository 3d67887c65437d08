"""Settlement that is killed, at every step and at random: each session is billed once, and the books agree."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, func, select

from konsento.kit.bus import Bus
from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.kit.work import LEASE, WorkQueue
from konsento.migrations import migrate
from konsento.models import Payment, PaymentState, Receipt
from konsento.ocpp import LocalStationRouter
from konsento.services import Services
from konsento.settings import Settings
from konsento.settlement import work
from konsento.settlement.checking import check
from rig import ended
from rig.engines import Postgres
from rig.settler import Mayhem

from ..databases import Template

SESSIONS, KILLS = 60, 5


def chances() -> Random:
    return Random(7)  # noqa: S311  # moments, not secrets


class KilledError(BaseException):
    """The end of a process, as far as its transaction is concerned."""


@asynccontextmanager
async def killed_at(database: Database, step: int) -> AsyncIterator[list[int]]:
    """Have whoever takes that step with the database die before it; gives how many steps were taken."""
    steps = [0]

    def take(*_: Any) -> None:
        steps[0] += 1
        if steps[0] == step:
            raise KilledError

    engine = database.engine.sync_engine
    for name in ("before_cursor_execute", "commit"):
        event.listen(engine, name, take)
    try:
        yield steps
    finally:
        for name in ("before_cursor_execute", "commit"):
            event.remove(engine, name, take)


async def billed(database: Database) -> tuple[int, int]:
    """Return how many receipts there are, and how many payments were taken."""
    async with database.transaction() as session:
        receipts = await session.scalar(select(func.count()).select_from(Receipt))
        taken = await session.scalar(select(func.count()).where(Payment.state == PaymentState.CAPTURED))
    return receipts or 0, taken or 0


async def test_killed_before_any_step_it_is_done_once_by_whoever_comes_after(database: Database) -> None:
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it would tell of every kill
    clock = ManualClock(ended.AT)
    services = Services(
        database=database,
        settings=Settings(),
        clock=clock,
        router=LocalStationRouter(),
        live=Bus(),
        work=WorkQueue(database, clock),
    )
    work.install(services)
    town = await ended.found(database)
    step = 0
    while True:
        step += 1
        await ended.end(database, town, 2, events=3)
        async with killed_at(database, step) as steps:
            with suppress(KilledError):
                await services.work.drain()
        receipts, taken = await billed(database)
        assert receipts == taken, f"step {step}"
        assert receipts in {2 * step - 2, 2 * step}, f"step {step}"
        clock.advance(LEASE)
        await services.work.drain()
        assert await billed(database) == (2 * step, 2 * step), f"step {step}"
        if steps[0] < step:
            break
    assert step > 20
    assert await check(database) == []


async def test_processes_killed_at_random_bill_each_session_once(migrated: Template, tmp_path: Path) -> None:
    async with migrated.copied(tmp_path) as url:
        mayhem = Mayhem(url=url, replicas=1 if "sqlite" in url else 2)
        chance = chances()
        try:
            await ended.end(mayhem.database, await ended.found(mayhem.database), SESSIONS, events=3)
            kills = await mayhem.until_settled(KILLS, lambda: mayhem.kill_one(chance), chance)
            assert await billed(mayhem.database) == (SESSIONS, SESSIONS)
            assert await check(mayhem.database) == []
        finally:
            await mayhem.close()
    assert kills > 0


@pytest.mark.parametrize("database_kind", ["postgresql"], scope="session")
async def test_a_database_that_is_restarted_in_the_middle_has_each_session_billed_once(database_kind: str) -> None:
    server = Postgres()
    try:
        await server.execute("CREATE DATABASE restarted")
        mayhem = Mayhem(url=server.url("restarted"), replicas=2)
        await asyncio.to_thread(migrate, mayhem.url)
        await ended.end(mayhem.database, await ended.found(mayhem.database), SESSIONS, events=3)

        def restart() -> None:
            server.stop()
            server.start()

        try:
            restarts = await mayhem.until_settled(2, restart, chances())
            assert await billed(mayhem.database) == (SESSIONS, SESSIONS)
            assert await check(mayhem.database) == []
        finally:
            await mayhem.close()
    finally:
        server.close()
    assert restarts > 0
