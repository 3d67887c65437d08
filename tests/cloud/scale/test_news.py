"""News and wake-ups between processes: prompt, few however much happens, and never needed for what is true."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from konsento.kit import bus as bus_module
from konsento.kit.bus import NatsBus
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.kit.nats import Nats, is_nats_url
from konsento.kit.work import IDLE_LOOK_S, Job, WorkQueue
from konsento.kit.work_news import WorkNews
from rig.engines import NatsServer


@asynccontextmanager
async def running(*nats: Nats) -> AsyncIterator[None]:
    """Have connections, from now on."""
    up = [asyncio.Event() for _ in nats]
    for one, event in zip(nats, up, strict=True):
        one.when_up(event.set)
    tasks = [asyncio.create_task(one.run()) for one in nats]
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in up)), 60)
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_waits_in_another_process_is_woken(nats: NatsServer) -> None:
    here, there = Nats(nats.url, name="here"), Nats(nats.url, name="there")
    one, other = NatsBus(here), NatsBus(there)
    key = new_id()
    async with running(here, there), other.listening(key) as woken, other.listening(new_id()) as not_woken:
        woken.clear()
        not_woken.clear()
        one.publish(key)
        await asyncio.wait_for(woken.wait(), 60)

        assert not not_woken.is_set()


async def test_however_much_happens_few_messages_go_to_other_processes(nats: NatsServer) -> None:
    here, there = Nats(nats.url, name="here"), Nats(nats.url, name="there")
    one = NatsBus(here)
    messages: list[bytes] = []
    last = new_id()
    told = asyncio.Event()

    async def count(content: bytes) -> None:
        messages.append(content)
        if content.endswith(last.bytes):
            told.set()

    there.listen(bus_module.SUBJECT, count)
    keys = [new_id() for _ in range(50)]
    async with running(here, there):
        loop = asyncio.get_running_loop()
        begin = loop.time()
        while loop.time() - begin < 1.0:
            for key in keys:
                one.publish(key)
            await asyncio.sleep(0.001)
        await asyncio.sleep(bus_module.TELL_EVERY_S)
        one.publish(last)
        await asyncio.wait_for(told.wait(), 60)

    assert len(messages) <= 8
    assert {content[i : i + 16] for content in messages for i in range(0, len(content), 16)} == {
        key.bytes for key in [*keys, last]
    }


async def test_who_waits_looks_by_itself_while_nats_is_away_and_when_it_is_back(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "LOOK_EVERY_S", 0.05)
    here = Nats(nats.url, name="here")
    bus = NatsBus(here)
    async with running(here), bus.listening(new_id()) as woken:
        looking = asyncio.create_task(bus.run())
        woken.clear()
        await asyncio.sleep(0.2)
        while_there = woken.is_set()
        await nats.stop()
        await asyncio.wait_for(woken.wait(), 60)
        looking.cancel()
        woken.clear()
        await nats.start()
        await asyncio.wait_for(woken.wait(), 60)

        assert not while_there


async def test_work_that_another_process_adds_is_done_at_once(database: Database, nats: NatsServer) -> None:
    here, there = Nats(nats.url, name="pages"), Nats(nats.url, name="work")
    adds, works = WorkQueue(database, SystemClock()), WorkQueue(database, SystemClock())
    WorkNews(here, adds, works=False)
    WorkNews(there, works, works=True)
    done: asyncio.Queue[str] = asyncio.Queue()

    @works.on("test")
    async def handler(job: Job) -> None:
        await done.put(job.key)

    async with running(here, there):
        runner = asyncio.create_task(works.run())
        await asyncio.sleep(0.3)  # it sleeps now, for as long as it does without work
        async with database.transaction() as session:
            await adds.add(session, "test", "now")
            await adds.add(session, "test", "soon", after_s=0.5)
            await adds.add(session, "test", "much later", after_s=3600)
        found = [await asyncio.wait_for(done.get(), IDLE_LOOK_S / 2) for _ in range(2)]
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)

    assert found == ["now", "soon"]


async def test_a_connection_may_need_a_name_and_a_password(nats: NatsServer, tmp_path: object) -> None:
    guarded = NatsServer(nats.process.log.parent, "--user", "konsento", "--pass", "secret/of it")
    await guarded.start()
    good = Nats(guarded.url.replace("nats://", "nats://konsento:secret%2Fof%20it@"), name="good")
    bad = Nats(guarded.url, name="bad")
    async with running(good):
        task = asyncio.create_task(bad.run())
        await asyncio.sleep(0.5)
        connected = (good.connected, bad.connected)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await guarded.stop()

    assert connected == (True, False)


@pytest.mark.parametrize(
    ("servers", "good"),
    [
        ("nats://a:4222", True),
        ("tls://u:p@a:4222, nats://b", True),
        ("http://a", False),
        ("a:4222", False),
        ("nats://", False),
    ],
)
def test_what_names_nats_servers(servers: str, *, good: bool) -> None:
    assert is_nats_url(servers) is good
