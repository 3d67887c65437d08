"""Peers that do not play by the rules, through a real gateway: each bound holds, and nobody else notices."""

import asyncio
import random
import socket as sockets
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konsento.ocpp import StationOffline
from konsento.ocpp.messages import Heartbeat, HeartbeatResponse, Reset, ResetType
from konsento.ocpp.pace import IN_A_ROW, Pace

from ..examples import up_to
from .conftest import Site
from .test_tls import Shop

type MakeSite = Callable[..., Awaitable[Site]]

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
HEARTBEAT: Final = b'[2,"1","Heartbeat",{}]'


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, mask: bool = True) -> bytes:
    """Return a WebSocket frame as a client writes it."""
    head = bytes([(0x80 if fin else 0) | opcode])
    bit, length = (0x80 if mask else 0), len(payload)
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", length)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", length)
    # A mask of zeros masks nothing.
    return head + (b"\0\0\0\0" if mask else b"") + payload


class Peer:
    """A TCP connection that writes whatever it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def close_code(self, *, within_s: float = 5) -> int | None:
        """Read until the end; the code of the close frame, None where the socket was just cut."""
        data = b""
        async with asyncio.timeout(within_s):
            try:
                while piece := await self.reader.read(65536):
                    data = (data + piece)[-4096:]
            except ConnectionError:
                pass
        index = data.rfind(bytes([0x80 | CLOSE]))
        return int(struct.unpack("!H", data[index + 2 : index + 4])[0]) if index >= 0 else None


@asynccontextmanager
async def dialled(site: Site, station_id: str = "EVIL", *, receive_buffer: int | None = None) -> AsyncIterator[Peer]:
    """Connect and shake hands by hand."""
    raw = sockets.socket()
    if receive_buffer is not None:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", site.gateway.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=2**10)
    lines = [
        f"GET /ocpp/{station_id} HTTP/1.1",
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol: ocpp2.1",
        *(f"{key}: {value}" for key, value in site.auth(station_id).items()),
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in answer
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


async def gone(site: Site, station_id: str = "EVIL", within_s: float = 5) -> None:
    left = asyncio.Event()

    async def note(who: str) -> None:
        if who == station_id:
            left.set()

    site.router.on_disconnect(note)
    if site.router.connected(station_id):
        await asyncio.wait_for(left.wait(), within_s)


async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write the head of a request that never ends, until the other side cuts it."""
    for byte in b"GET /ocpp/SITE-1 HTTP/1.1\r\nHost: x\r\n" * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        if reader.at_eof():
            raise ConnectionResetError
        await asyncio.sleep(0.02)


async def end_of(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the socket is closed or cut."""
    data = b""
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            data += piece
    return data


async def test_a_handshake_a_byte_at_a_time_is_cut_when_its_time_is_over(make_site: MakeSite) -> None:
    site = await make_site(patience_s=0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.gateway.port)
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        await dribble(reader, writer)
    assert 0.2 < time.monotonic() - began < 3
    writer.close()


async def test_a_socket_that_says_nothing_is_cut_and_so_is_one_after_its_answer(make_site: MakeSite) -> None:
    site = await make_site(patience_s=0.2)
    silent, asking = [await asyncio.open_connection("127.0.0.1", site.gateway.port) for _ in range(2)]
    asking[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await end_of(asking[0])).startswith(b"HTTP/1.1 200")
        assert await end_of(silent[0]) == b""
    for _, writer in (silent, asking):
        writer.close()


async def test_a_tls_handshake_that_does_not_go_on_is_cut(make_site: MakeSite, tmp_path: Path) -> None:
    site = await make_site(tls=Shop(tmp_path).files, patience_s=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.gateway.port)
    writer.write(b"\x16\x03\x01")
    async with asyncio.timeout(5):
        assert await end_of(reader) == b""
    writer.close()


async def test_a_frame_that_is_too_large_is_refused_before_it_is_sent(make_site: MakeSite) -> None:
    site = await make_site(max_frame_bytes=1000)
    async with dialled(site) as peer:
        # Only the head: a thousand million bytes are to follow.
        peer.writer.write(bytes([0x81, 0x80 | 127]) + struct.pack("!Q", 10**9) + b"\0\0\0\0")
        assert await peer.close_code() == 1009


async def test_fragments_that_together_are_too_large_are_refused(make_site: MakeSite) -> None:
    site = await make_site(max_frame_bytes=1000)
    async with dialled(site) as peer:
        peer.writer.write(frame(b"[" * 400, fin=False))
        for _ in range(3):
            peer.writer.write(frame(b"[" * 400, 0, fin=False))
        assert await peer.close_code() == 1009


async def test_a_message_in_fragments_with_a_ping_between_is_one_message(site: Site) -> None:
    async with dialled(site) as peer:
        peer.writer.write(frame(HEARTBEAT[:7], fin=False) + frame(b"hi", PING) + frame(HEARTBEAT[7:], 0))
        assert await peer.reader.readexactly(4) == b"\x8a\x02hi"
        assert (await peer.reader.readexactly(4))[:1] == b"\x81"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"\xff\xfe"), 1007),
        (frame(b"x", 3), 1002),
        (frame(b"x", 0), 1002),
        (frame(b"x" * 126, PING), 1002),
        (frame(HEARTBEAT, BINARY), 1003),
        (bytes([0xF1, 0x80]) + b"\0\0\0\0", 1002),
    ],
)
async def test_what_is_no_websocket_frame_of_text_closes_the_socket_with_its_code(
    make_site: MakeSite, data: bytes, code: int
) -> None:
    # The peer does not answer the close.
    site = await make_site(patience_s=0.3)
    async with dialled(site) as peer:
        peer.writer.write(data)
        assert await peer.close_code() == code
    await gone(site)


async def test_a_station_that_reads_nothing_is_hung_up_and_costs_no_more_than_its_buffers(make_site: MakeSite) -> None:
    site = await make_site(patience_s=0.5, frames_per_s=100_000.0)
    async with dialled(site, receive_buffer=4096) as peer:
        sent = 0

        async def write_on() -> None:
            nonlocal sent
            while sent < 500_000:
                peer.writer.write(frame(HEARTBEAT) * 100)
                await peer.writer.drain()
                sent += 100

        with pytest.raises((ConnectionError, TimeoutError)):
            await asyncio.wait_for(write_on(), 20)
        await gone(site)
        # Until then reading stood still: the rest waits in the buffers of its own machine.
        assert sent < 400_000


async def test_a_station_that_reads_nothing_cannot_keep_a_goodbye_waiting(make_site: MakeSite) -> None:
    site = await make_site(patience_s=0.3)
    stuck = asyncio.Event()

    @site.handlers.on(Heartbeat)
    async def wait(_station_id: str, _message: Heartbeat) -> HeartbeatResponse | None:
        await stuck.wait()
        return None

    async with dialled(site) as peer:
        peer.writer.write(frame(HEARTBEAT) * 40)
        # It neither reads the close nor answers it.
        await gone(site)
    stuck.set()


async def test_a_peer_that_is_there_but_answers_no_ping_is_found_dead(make_site: MakeSite) -> None:
    site = await make_site(ping_interval_s=0.1)
    async with dialled(site):
        await gone(site)
    with pytest.raises(StationOffline):
        await site.router.call("EVIL", Reset(type=ResetType.ON_IDLE))


async def test_half_a_frame_now_and_then_costs_nobody_anything(site: Site) -> None:
    async with dialled(site) as peer, await site.connect() as station:
        for byte in frame(HEARTBEAT)[:10]:
            peer.writer.write(bytes([byte]))
            assert (await station.call("Heartbeat", {}))[0] == 3
        assert site.router.connected("EVIL")


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(frame(HEARTBEAT), id="calls"),
        pytest.param(frame(b"x", PING), id="pings"),
        pytest.param(frame(b'[3,"nothing asked",{}]'), id="answers to nothing"),
        pytest.param(frame(b'[4,"x","y","z",{}]'), id="errors to nothing"),
        pytest.param(frame(b"[" * 5000), id="nested"),
        pytest.param(frame(b'[2,"1","BootNotification",{"chargingStation":'), id="truncated"),
        pytest.param(frame(b'[2,"1","Heartbeat",[1e999,"' + b"a" * 3000 + b'"]]'), id="wrong types"),
    ],
)
async def test_floods_do_not_delay_the_others(site: Site, flood: bytes) -> None:
    async def pour(peer: Peer) -> None:
        try:
            while True:
                peer.writer.write(flood * 200)
                await peer.writer.drain()
        except ConnectionError:
            pass

    async def swallow(peer: Peer) -> None:
        try:
            while await peer.reader.read(65536):
                pass
        except ConnectionError:
            pass

    async with dialled(site, "EVIL-1") as one, dialled(site, "EVIL-2") as two, await site.connect() as station:
        pouring = [asyncio.create_task(work(peer)) for peer in (one, two) for work in (pour, swallow)]
        await asyncio.sleep(0.2)
        waits = []
        for _ in range(30):
            began = time.perf_counter()
            assert (await station.call("Heartbeat", {}))[0] == 3
            waits.append(time.perf_counter() - began)
        for task in pouring:
            task.cancel()
    # Of this machine's own pouring, too; without turns it is a second and more.
    assert sorted(waits)[15] < 0.25


@given(seed=st.integers(0, 2**32), payloads=st.lists(st.binary(max_size=200), min_size=1, max_size=20))
@settings(max_examples=up_to(30), deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_bytes_come_the_gateway_lives_and_serves_the_next(seed: int, payloads: list[bytes]) -> None:
    asyncio.run(_random_bytes(random.Random(seed), payloads))  # noqa: S311  # a seed is the point of it


async def _random_bytes(chance: random.Random, payloads: list[bytes]) -> None:
    site = Site(patience_s=1.0)
    await site.gateway.start("127.0.0.1", 0)
    try:
        async with dialled(site) as peer:
            for payload in payloads:
                opcode = chance.choice([TEXT, TEXT, TEXT, 0, BINARY, PING, 10, 3, 15])
                data = frame(payload, opcode, fin=chance.random() < 0.8)
                peer.writer.write(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.1 else data)
        async with await site.connect() as station:
            assert (await station.call("Heartbeat", {}))[0] == 3
    finally:
        await site.gateway.stop(grace_s=0.2)
        await site.client.close()


@pytest.mark.parametrize("flood", [frame(b"x", BINARY), frame(HEARTBEAT)], ids=["binary", "calls"])
async def test_who_is_turned_away_in_the_middle_of_a_flood_is_read_no_further(site: Site, flood: bytes) -> None:
    never = asyncio.Event()

    @site.handlers.on(Heartbeat)
    async def wait(_station_id: str, _message: Heartbeat) -> HeartbeatResponse | None:
        await never.wait()
        return None

    taken = 0

    async def write_on(peer: Peer) -> None:
        nonlocal taken
        while True:
            peer.writer.write(flood * 1000)
            await peer.writer.drain()
            taken += 1000 * len(flood)

    async with dialled(site) as peer:
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(write_on(peer), 5)
    never.set()
    # No more than what the buffers of both ends hold.
    assert taken < 16 * 2**20


async def test_a_large_frame_counts_as_many_small_ones() -> None:
    pace = Pace(per_s=1000, burst=100)
    assert [pace.due(100) for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]
    await pace.rest()
    began = time.monotonic()
    assert pace.due(200 * 1024)
    await pace.rest()
    assert time.monotonic() - began > 0.05
