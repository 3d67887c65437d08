"""The door for stations under pressure: everybody at once after an outage, and peers that mean harm.

The server is the whole program on SQLite, in a process of its own. `boot_storm` connects a thousand stations at the
same moment to a server that has just begun and waits until each BootNotification is accepted; stations of before go on
with their heartbeats meanwhile. `hostile` measures how long fifty stations wait for the answer to a heartbeat, which is
a commit each, while others flood the server as fast as it takes them.
"""

import asyncio
import base64
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, TCPConnector

from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.migrations import migrate
from konsento.models import Site
from konsento.sites import proofs
from rig.bench import Row, percentile
from rig.ports import Ports

PASSWORD: Final = "only-for-benchmarks-0001"  # of a server that listens on this machine alone
STORM: Final = 1_000
HONEST: Final = 50
FLOODERS: Final = 20
FLOOD_S: Final = 8.0
EVERY_S: Final = 0.2
BOOT: Final = '[2,"b","BootNotification",{"chargingStation":{"model":"m","vendorName":"v"},"reason":"PowerUp"}]'
HEARTBEAT: Final = '[2,"h","Heartbeat",{}]'


class Server:
    """The program, and what it costs."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    def cpu_s(self) -> float:
        """Return the processor time that it has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Return what it holds of the machine's memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    async def dial(self, client: ClientSession, station_id: str) -> ClientWebSocketResponse:
        """Connect a station, again and again until it is let in."""
        token = base64.b64encode(f"{station_id}:{PASSWORD}".encode()).decode()
        while True:
            try:
                return await client.ws_connect(
                    f"http://127.0.0.1:{self.port}/ocpp/{station_id}",
                    protocols=("ocpp2.1",),
                    headers={"Authorization": f"Basic {token}"},
                )
            except ClientError:
                await asyncio.sleep(1)


def boot_storm() -> Sequence[Row]:
    """Measure with passwords that this server made, and with ones from a file."""
    return [
        asyncio.run(_storm("made by the server", lambda: proofs.stored_random(PASSWORD))),
        asyncio.run(_storm("from a file", lambda: proofs.stored_chosen(PASSWORD))),
    ]


def hostile() -> Sequence[Row]:
    """Measure without anybody hostile, and with each kind of hostility."""
    return asyncio.run(_hostile())


async def _storm(passwords: str, stored: Callable[[], str]) -> Row:
    async with _server(stored, STORM + HONEST) as server, _client() as client:
        waits: list[float] = []
        beating = [asyncio.create_task(_beats(await server.dial(client, f"S{n}"), waits)) for n in range(HONEST)]
        await asyncio.sleep(3)
        before, cpu_s = len(waits), server.cpu_s()
        began = perf_counter()
        times = await asyncio.gather(*(_boots(server, client, f"S{HONEST + n}", began) for n in range(STORM)))
        cpu_s = server.cpu_s() - cpu_s
        memory_mb = server.memory_mb()
        for task in beating:
            task.cancel()
        return {
            "1,000 stations boot at once, passwords": passwords,
            "all accepted after s": round(max(times), 1),
            "half of them s": round(percentile(times, 50), 1),
            "processor s": round(cpu_s, 1),
            "others' p50 ms": round(1000 * percentile(waits[before:], 50), 1),
            "others' p99 ms": round(1000 * percentile(waits[before:], 99), 1),
            "memory MB": round(memory_mb),
        }


async def _boots(server: Server, client: ClientSession, station_id: str, began: float) -> float:
    socket = await server.dial(client, station_id)
    await socket.send_str(BOOT)
    answer = await socket.receive_str(timeout=300)
    if "Accepted" not in answer:
        raise RuntimeError(answer)
    return perf_counter() - began


async def _hostile() -> list[Row]:
    async with _server(lambda: proofs.stored_random(PASSWORD), HONEST + FLOODERS) as server:
        return [await _flooded(server, name) for name in FLOODS]


type Flood = Callable[[int, int], Coroutine[Any, Any, None]]
"""Called with the server's port and the number of the station that it comes as."""


async def _flooded(server: Server, name: str) -> Row:
    async with _client() as client:
        waits: list[float] = []
        beating = [asyncio.create_task(_beats(await server.dial(client, f"S{n}"), waits)) for n in range(HONEST)]
        await asyncio.sleep(1)
        waits.clear()
        memory_mb, cpu_s = server.memory_mb(), server.cpu_s()
        # From a process of their own, as they come from other machines; nice, because it has no cores of its own.
        command = ["nice", sys.executable, "-m", "tests.bench.ocpp_doors", name, str(server.port)]
        floods = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[2], env=_environment())
        await asyncio.sleep(FLOOD_S)
        busy = (server.cpu_s() - cpu_s) / FLOOD_S
        grown_mb = server.memory_mb() - memory_mb
        with suppress(ProcessLookupError):  # without a flood it has ended already
            floods.kill()
        await floods.wait()
        for task in beating:
            task.cancel()
        await asyncio.gather(*beating, return_exceptions=True)
    return {
        f"{FLOODERS} hostile peers": name,
        "stations answered": len(waits),
        "p50 ms": round(1000 * percentile(waits, 50), 1),
        "p99 ms": round(1000 * percentile(waits, 99), 1),
        "server's processor": f"{100 * busy:.0f} %",
        "memory grown MB": round(grown_mb, 1),
    }


async def _beats(socket: ClientWebSocketResponse, waits: list[float]) -> None:
    while True:
        began = perf_counter()
        await socket.send_str(HEARTBEAT)
        await socket.receive_str(timeout=120)
        waits.append(perf_counter() - began)
        await asyncio.sleep(EVERY_S)


async def _attack(flood: Flood | None, port: int) -> None:
    await asyncio.gather(*(_pours(port, flood, HONEST + number) for number in range(FLOODERS) if flood is not None))


async def _pours(port: int, flood: Flood, number: int) -> None:
    while True:
        with suppress(OSError, EOFError, TimeoutError):
            await flood(port, number)
        await asyncio.sleep(0.05)


async def _shaken(port: int, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = base64.b64encode(f"S{number}:{PASSWORD}".encode()).decode()
    writer.write(
        f"GET /ocpp/S{number} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: ocpp2.1\r\nAuthorization: Basic {token}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def _frames(payload: bytes, opcode: int = 1, *, reads: bool = True) -> Flood:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2)
    # A mask of zeros masks nothing.
    batch = (bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload) * 100

    async def flood(port: int, number: int) -> None:
        reader, writer = await _shaken(port, number)
        swallowing = asyncio.create_task(reader.read(-1)) if reads else None
        try:
            while not writer.is_closing():
                writer.write(batch)
                await writer.drain()
                await asyncio.sleep(0)
        finally:
            writer.transport.abort()
            if swallowing is not None:
                swallowing.cancel()

    return flood


async def _slow_handshakes(port: int, _number: int) -> None:
    async def one() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for byte in b"GET /ocpp/S1 HTTP/1.1\r\nX: " + b"y" * 1000:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
        finally:
            writer.transport.abort()

    await asyncio.gather(*(one() for _ in range(50)), return_exceptions=True)


async def _slow_frames(port: int, number: int) -> None:
    _, writer = await _shaken(port, number)
    try:
        for byte in b"\x81\xfe\x20\x00\0\0\0\0" + b"[" * 0x2000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
    finally:
        writer.transport.abort()


async def _guesses(port: int, number: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = base64.b64encode(f"S{number}:wrong".encode()).decode()
    writer.write(f"GET /ocpp/S{number} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\n\r\n".encode())
    await reader.read(-1)
    writer.close()


FLOODS: Final[dict[str, Flood | None]] = {
    "none": None,
    "calls without waiting": _frames(HEARTBEAT.encode()),
    "calls, nothing read": _frames(HEARTBEAT.encode(), reads=False),
    "pings": _frames(b"x", 9),
    "pings, nothing read": _frames(b"x", 9, reads=False),
    "answers to nothing": _frames(b'[3,"x",{}]'),
    "nested": _frames(b"[" * 20_000),
    "truncated": _frames(BOOT[:60].encode()),
    "wrong types": _frames(b'[2,"1","TransactionEvent",{"eventType":7,"meterValue":[{"sampledValue":"x"}]}]'),
    "binary, again and again": _frames(b"x", 2),
    "1,000 slow handshakes": _slow_handshakes,
    "a byte a second": _slow_frames,
    "guessed passwords": _guesses,
}


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _client() -> ClientSession:
    return ClientSession(connector=TCPConnector(limit=0))


@asynccontextmanager
async def _server(stored: Callable[[], str], stations: int) -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/konsento.sqlite3"
        await asyncio.to_thread(migrate, url)
        database = Database(url)
        async with database.transaction() as session:
            session.add_all(
                Site(id=new_id(), station_id=f"S{n}", password_hash=stored(), name=f"S{n}", time_zone="UTC")
                for n in range(stations)
            )
        await database.close()
        ports = Ports()
        port = ports.take()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from konsento.cli import main; main()",
            "serve",
            env={
                **_environment(),
                "KONSENTO_DATABASE_URL": url,
                "KONSENTO_PORT": str(ports.take()),
                "KONSENTO_OCPP_PORT": str(port),
                "KONSENTO_LOG_LEVEL": "ERROR",
            },
        )
        try:
            while True:
                with suppress(OSError):
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                    break
                await asyncio.sleep(0.1)
            yield Server(process, port)
        finally:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(_attack(FLOODS[sys.argv[1]], int(sys.argv[2])))
