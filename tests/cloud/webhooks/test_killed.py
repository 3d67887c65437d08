"""A process that is killed between sending and noting it down: the receiver hears the same event again, not another."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import konsento
from konsento.kit.work import LEASE

from .conftest import log

if TYPE_CHECKING:
    from ..api.conftest import Api
    from .conftest import Receiver

PROCESS = """
import asyncio, sys
from datetime import datetime
from konsento.api import sessions
from konsento.kit.bus import Bus
from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.kit.work import WorkQueue
from konsento.ocpp import LocalStationRouter
from konsento.services import Services
from konsento.settings import Settings
from konsento.webhooks import work

async def main():
    clock = ManualClock(datetime.fromisoformat(sys.argv[2]))
    settings = Settings(database_url=sys.argv[1], webhooks_to_loopback=True)
    database = Database(settings.database_url)
    queue = WorkQueue(database, clock)
    work.install(
        Services(
            database=database, settings=settings, clock=clock, router=LocalStationRouter(), live=Bus(), work=queue
        ),
        sessions.describe,
    )
    await queue.drain()

asyncio.run(main())
"""


async def test_what_was_sent_before_a_kill_is_sent_again_under_the_same_id(api: Api, receiver: Receiver) -> None:
    services = api.bench.services
    async with api.ann() as program:
        hook = (await program.post("/webhooks", json={"url": receiver.url})).json()
        await program.post(f"/webhooks/{hook['id']}/test")
        sender = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROCESS, services.settings.database_url, services.clock.now().isoformat()),
            env={"PYTHONPATH": str(Path(konsento.__file__).parents[1])},
        )
        receiver.before_answer = sender.kill
        await asyncio.wait_for(sender.wait(), 60)
        receiver.before_answer = lambda: None
        (before,) = await log(program, hook)
        await services.work.drain()
        while_leased = len(receiver.got)
        api.bench.clock.advance(LEASE)
        await services.work.drain()
        (after,) = await log(program, hook)

    assert (before["state"], before["attempts"], while_leased) == ("waiting", 0, 1)
    assert (after["state"], after["attempts"]) == ("delivered", 1)
    assert receiver.got[0][1] == receiver.got[1][1]
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]
