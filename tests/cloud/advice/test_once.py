"""Nobody is told twice and nobody is left out: of processes that die between two drivers, or run side by side."""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import konsento
from konsento.advice import handing, listing, recipients, telling
from konsento.kit.db import Database
from konsento.kit.work import LEASE, Again
from konsento.models import AdviceKind, AdviceState

from ..recommended import REGION
from .drivers import DAY, Town, at

NAMES = [f"driver-{number}" for number in range(5)]
KEY = f"{REGION}:{DAY}:evening"
PROCESS = """
import asyncio, os, signal, sys
from datetime import datetime
from konsento.advice import handing, listing, recipients, telling, work
from konsento.kit.bus import Bus
from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.kit.work import WorkQueue
from konsento.notifications import mail
from konsento.ocpp import LocalStationRouter
from konsento.services import Services
from konsento.settings import Settings

for module in (handing, listing, recipients, telling):
    module.PAGE = 2
before, pages = mail.queue_many, []

async def killed_at_the_second_page(*arguments):
    await before(*arguments)
    pages.append(arguments)
    if len(pages) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

mail.queue_many = killed_at_the_second_page

async def main():
    settings = Settings(database_url=sys.argv[1], smtp_url=sys.argv[3], public_url="https://konsento.test")
    clock, database = ManualClock(datetime.fromisoformat(sys.argv[2])), Database(settings.database_url)
    queue = WorkQueue(database, clock)
    work.install(
        Services(
            database=database, settings=settings, clock=clock, router=LocalStationRouter(), live=Bus(), work=queue
        )
    )
    await queue.drain()

asyncio.run(main())
"""


async def test_a_process_that_is_killed_between_two_drivers_has_told_each_once(town: Town) -> None:
    for name in NAMES:
        await town.driver(name)
    await town.decide()
    services = town.core.services
    town.core.clock.advance(at(20) - town.core.clock.now())
    url = services.database.engine.url.render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROCESS, url, at(20).isoformat(), services.settings.smtp_url),
        env={"PYTHONPATH": str(Path(konsento.__file__).parents[1])},
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    sent = [one.state for one in await town.messages()]
    assert sent.count(AdviceState.SENT) == 2

    await town.core.work()
    while_leased = len(town.mails)
    town.core.clock.advance(LEASE)
    await town.core.work()

    assert while_leased == 2
    assert town.to == [f"{name}@example.com" for name in NAMES]
    assert {one.state for one in await town.messages()} == {AdviceState.SENT}


async def test_a_page_that_fails_sends_nothing_and_comes_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.driver("ann")
    await town.decide()
    before, failures = handing.mail.queue_many, iter([True, False])

    async def fails_once(*arguments: Any) -> None:
        await before(*arguments)
        if next(failures):
            raise OSError

    monkeypatch.setattr(handing.mail, "queue_many", fails_once)
    await town.wait_until(at(20))
    assert town.mails == []

    await town.wait_until(at(20, 1))

    assert town.to == ["ann@example.com"]


async def _tell(town: Town, replica: Any) -> None:
    while isinstance(again := await telling.go_on(replica, REGION, DAY, AdviceKind.EVENING), Again):
        assert again.after_s == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], scope="session")
async def test_two_replicas_that_tell_at_once_tell_each_driver_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (handing, listing, recipients, telling):
        monkeypatch.setattr(module, "PAGE", 3)
    names = [f"driver-{number:02}" for number in range(20)]
    for name in names:
        await town.driver(name)
    await town.decide()
    town.core.clock.advance(at(20) - town.core.clock.now())
    services = town.core.services
    other = Database(services.database.engine.url.render_as_string(hide_password=False))
    replica = type(services)(
        database=other, settings=services.settings, clock=services.clock, router=services.router, live=services.live,
        work=services.work,
    )  # fmt: skip

    await asyncio.gather(_tell(town, services), _tell(town, replica), _tell(town, services))
    await other.close()
    await town.core.work()

    assert town.to == [f"{name}@example.com" for name in names]
    assert len(await town.messages()) == 20


async def test_a_day_that_is_decided_again_and_again_is_told_once(town: Town) -> None:
    await town.driver("ann")
    await town.evening(DAY)
    for hour in (20, 21, 22):
        await town.wait_until(at(hour, 10))
        await town.decide()
    town.core.clock.advance(timedelta(hours=1))
    await town.core.work()

    assert town.to == ["ann@example.com"]
