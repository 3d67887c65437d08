"""Hostile, broken and passing clients on the native API, against the program under AddressSanitizer and UBSan."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic

import pytest
from aioesphomeapi.client import APIClient

from build_firmware import build
from rig.outlet import OutletSpec, Watcher

from .conftest import SETTINGS, Device
from .frames import PING, PONG, SUBSCRIBE_LOGS, call, frame, hello, switch
from .hostile import Keys, Mischief, relay_keys

SPEC = OutletSpec(
    name="outlet-hostile",
    title="Outlet under attack",
    mac="02:00:00:00:0f:04",
    settings={**SETTINGS, "idle_time": "1h"},
)
SECONDS = 3
# What an outlet with all slots taken gives to the ninth client: nothing.
SLOTS = 8


@pytest.fixture(scope="session")
def firmware() -> Path:
    """The program that ends at the first memory fault."""
    return build(SPEC.settings, sanitize=True)


@asynccontextmanager
async def renewed(device: Device, session_id: str, lease_s: int = 2) -> AsyncIterator[None]:
    """Renew a session's lease every half second, as the control system does; a refusal fails the test."""

    async def renew() -> None:
        for seq in count(1):
            await device.watcher.act("session_renew", session_id=session_id, seq=seq, lease_s=lease_s)
            await asyncio.sleep(0.5)

    task = asyncio.create_task(renew())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()


@asynccontextmanager
async def connected(device: Device) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect as a stranger who has said hello and nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", device.outlet.port)
    try:
        writer.write(hello())
        yield reader, writer
    finally:
        writer.close()


async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wait until the outlet has worked through all that was written: it answers in order, a ping last."""
    writer.write(frame(PING))
    received = b""
    async with asyncio.timeout(10):
        while not received.endswith(frame(PONG)):
            part = await reader.read(65_536)
            assert part, "the outlet closed the connection"
            received += part


async def said(device: Device, *frames: bytes) -> None:
    """Say these on a connection of their own and wait until the watcher knows what became of them."""
    async with connected(device) as stranger:
        for each in frames:
            stranger[1].write(each)
        await heard(*stranger)
    await device.watcher.act("loopback", seq=0)


@asynccontextmanager
async def passers_by(device: Device) -> AsyncIterator[None]:
    """Let clients come and go: bare connections, log viewers that read nothing, clients that end in the middle."""

    async def bare() -> None:
        while True:
            _reader, writer = await asyncio.open_connection("127.0.0.1", device.outlet.port)
            writer.close()
            await asyncio.sleep(0.02)

    async def viewer() -> None:
        while True:
            async with connected(device) as (_reader, writer):
                writer.write(frame(SUBSCRIBE_LOGS, b"\x08\x07\x10\x01"))
                await asyncio.sleep(0.3)

    async def second() -> None:
        while True:
            client = APIClient("127.0.0.1", device.outlet.port, None)
            await client.connect(login=True)
            client.subscribe_states(lambda _state: None)
            await client.disconnect(force=True)

    tasks = [asyncio.create_task(each()) for each in (bare, viewer, second)]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()


async def answers_a_newcomer(device: Device) -> None:
    """Assert that the program lives and an ordinary client that comes now is served."""
    await device.outlet.process.check()
    newcomer = Watcher(device.outlet.port)
    await newcomer.connect()
    await newcomer.act("loopback", seq=4711)
    await newcomer.until(lambda states: states["loopback"] == 4711, 5)
    await newcomer.close()


def refusals(device: Device) -> int:
    return device.outlet.process.log.read_text(errors="replace").count(" refused, ")


def test_the_program_runs_under_the_sanitizers(firmware: Path) -> None:
    env = {**os.environ, "ASAN_OPTIONS": "help=1", "KONSENTO_API_PORT": "none"}
    done = subprocess.run([firmware], env=env, capture_output=True, check=False)
    assert b"Available flags for AddressSanitizer" in done.stdout + done.stderr
    assert b"__ubsan_handle_type_mismatch_v1_abort" in firmware.read_bytes()


async def test_no_bytes_and_no_arguments_crash_an_idle_outlet_or_close_its_relay(device: Device) -> None:
    mischief = Mischief(1, await Keys.of(device.outlet.port))
    await mischief.play(device.outlet.port, SECONDS)
    await answers_a_newcomer(device)
    assert refusals(device) > 100
    assert ("relay", True) not in device.watcher.seen_at
    await device.watcher.until(lambda states: states["power"] == 0)
    assert device.watcher.number("load_energy") == 0
    await device.watcher.act("outlet_enable", enabled=True)
    await device.start("honest")
    await device.state("supplying")


async def test_a_session_goes_on_under_its_limits_whatever_other_clients_send(device: Device) -> None:
    mischief = Mischief(2, await Keys.of(device.outlet.port))
    await device.start("s", energy_limit_wh=4, lease_s=2)
    async with renewed(device, "s"):
        await device.state("supplying")
        closed_at = device.watcher.seen_at["relay", True]
        await mischief.play(device.outlet.port, SECONDS)
        assert device.watcher.states["session_state"] == "supplying"
        assert device.watcher.seen_at["relay", True] == closed_at
        await answers_a_newcomer(device)
        await device.state("ended")
    assert device.watcher.states["end_reason"] == "EnergyLimitReached"
    assert 4 <= device.watcher.number("session_energy") < 4.1
    await device.watcher.until(lambda states: states["power"] == 0)
    assert device.watcher.number("load_energy") == pytest.approx(4, abs=0.5)


async def test_the_relay_itself_answers_to_no_key(device: Device) -> None:
    keys = await Keys.of(device.outlet.port)
    async with connected(device) as (reader, writer):
        for key in relay_keys() | {*keys.entities} | {*keys.actions.values()}:
            writer.write(switch(key, True))
        await heard(reader, writer)
    await answers_a_newcomer(device)
    assert ("relay", True) not in device.watcher.seen_at
    assert "by something else" not in device.outlet.process.log_tail()


async def test_passing_clients_neither_open_the_relay_nor_keep_it_closed(device: Device) -> None:
    await device.start("s", lease_s=2)
    async with passers_by(device):
        async with renewed(device, "s"):
            await device.state("supplying")
            closed_at = device.watcher.seen_at["relay", True]
            await device.watcher.until(lambda _: device.watcher.number("session_time") >= 2)
            assert device.watcher.seen_at["relay", True] == closed_at
            asked_at = monotonic()
        await device.watcher.act("session_renew", session_id="s", seq=1000, lease_s=2)
        await device.state("suspended", 5)
    opened_after = device.watcher.seen_at["relay", False] - asked_at
    # The program counts whole milliseconds.
    assert 1.998 <= opened_after < 3


async def test_strangers_in_all_slots_neither_open_the_relay_nor_keep_it_closed(device: Device) -> None:
    await device.start("s", lease_s=2)
    async with renewed(device, "s"), asyncio.timeout(10):
        closed_at = device.watcher.seen_at["relay", True]
        strangers = [await asyncio.open_connection("127.0.0.1", device.outlet.port) for _ in range(SLOTS)]
        # The one too many is turned away; by then all the others have a slot.
        assert await strangers[-1][0].read() == b""
        await device.watcher.until(lambda _: device.watcher.number("session_time") >= 2)
        assert device.watcher.seen_at["relay", True] == closed_at
    await device.state("suspended", 5)
    for _reader, writer in strangers:
        writer.close()
    await answers_a_newcomer(device)


async def test_commands_heard_before_are_harmless_in_any_order(device: Device) -> None:
    keys = (await Keys.of(device.outlet.port)).actions
    start = call(keys["session_start"], b"s", 1000, 0, b"relay", 2)
    renewals = [call(keys["session_renew"], b"s", seq, 2) for seq in range(1, 4)]
    stop = call(keys["session_stop"], b"s", b"Remote")
    watcher, random = device.watcher, Random(3)  # noqa: S311  # no secret, but the same again

    # Renewals that were heard do not prolong the lease, nor close the relay when it has ended.
    await said(device, start, *renewals)
    await device.state("supplying")
    asked_at = monotonic()
    while watcher.states["session_state"] != "suspended":
        await said(device, *random.sample([start, *renewals], 4))
        assert monotonic() - asked_at < 3
    closed_at = watcher.seen_at["relay", True]
    await said(device, *[start, *renewals] * 5)
    assert watcher.states["session_state"] == "suspended"

    # A stop that was heard ends no other session; what belongs to an ended one never closes the relay.
    await said(device, stop)
    await device.state("ended")
    for _ in range(10):
        await said(device, *random.sample([start, *renewals, stop], 5))
    assert watcher.seen_at["relay", True] == closed_at
    await device.start("t")
    await device.state("supplying")
    for _ in range(10):
        await said(device, *random.sample([start, *renewals, stop], 5))
    assert (watcher.states["session_id"], watcher.states["session_state"]) == ("t", "supplying")

    # Nor after a power cut.
    await device.outlet.process.kill()
    await device.restart()
    for _ in range(10):
        await said(device, *random.sample([start, *renewals, stop], 5))
    watcher = device.watcher
    assert (watcher.states["session_id"], watcher.states["session_state"]) == ("t", "suspended")
    assert ("relay", True) not in watcher.seen_at
