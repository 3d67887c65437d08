"""How many events a second the gateway answers, and how long a station waits, without a database behind it.

Each socket sends a TransactionEvent with one reading and waits for the answer, as stations do. The baseline of the same
run is a bare aiohttp echo of the same frames: what the sockets alone cost. The server runs in a process of its own.
"""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from time import perf_counter

from aiohttp import ClientSession, TCPConnector, WSMsgType, web

from konsento.kit.clock import SystemClock
from konsento.ocpp import Entry, Gateway, Handlers, LocalStationRouter, Shown
from konsento.ocpp.messages import TransactionEvent, TransactionEventResponse
from rig.bench import Row

SOCKETS = (50, 200)
SECONDS = 4.0
WARM_UP_S = 0.5
PASSWORD = "bench"
EVENT = json.dumps(
    {
        "eventType": "Updated",
        "timestamp": "2026-11-23T09:30:00.000Z",
        "triggerReason": "MeterValuePeriodic",
        "seqNo": 7,
        "transactionInfo": {
            "transactionId": "0193f5a0-7e1c-7bb8-9c3a-0f9d2c1b4a55",
            "chargingState": "Charging",
            "timeSpentCharging": 70,
        },
        "meterValue": [
            {
                "timestamp": "2026-11-23T09:30:00.000Z",
                "sampledValue": [
                    {"value": 123456.789, "unitOfMeasure": {"unit": "Wh"}},
                ],
            }
        ],
    }
)


def run() -> Sequence[Row]:
    """Measure the echo and the gateway with 50 and with 200 sockets."""
    return asyncio.run(_run())


async def _run() -> Sequence[Row]:
    rows: list[Row] = []
    async with _server() as ports, ClientSession(connector=TCPConnector(limit=0)) as session:
        for name, port in ports.items():
            rows.extend([await _measure(session, name, port, sockets) for sockets in SOCKETS])
    return rows


async def _measure(session: ClientSession, name: str, port: int, sockets: int) -> Row:
    waits: list[float] = []
    began = perf_counter()
    await asyncio.gather(*(_station(session, port, f"S{number}", began, waits) for number in range(sockets)))
    cuts = quantiles(waits, n=100)
    return {
        "answered": f"{name}, {sockets} sockets",
        "per second": round(len(waits) / SECONDS),
        "p50 ms": round(cuts[49] * 1000, 2),
        "p99 ms": round(cuts[98] * 1000, 2),
    }


async def _station(session: ClientSession, port: int, station_id: str, began: float, waits: list[float]) -> None:
    token = base64.b64encode(f"{station_id}:{PASSWORD}".encode()).decode()
    async with session.ws_connect(
        f"http://127.0.0.1:{port}/ocpp/{station_id}",
        protocols=("ocpp2.1",),
        headers={"Authorization": f"Basic {token}"},
    ) as socket:
        number = 0
        while (sent := perf_counter()) < began + WARM_UP_S + SECONDS:
            number += 1
            await socket.send_str(f'[2,"{number}","TransactionEvent",{EVENT}]')
            await socket.receive_str()
            if sent >= began + WARM_UP_S:
                waits.append(perf_counter() - sent)


@asynccontextmanager
async def _server() -> AsyncIterator[dict[str, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.ocpp_gateway",
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the server has no pipes")
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


async def _serve() -> None:
    handlers = Handlers(SystemClock())

    @handlers.on(TransactionEvent)
    async def answer(_station_id: str, _event: TransactionEvent) -> TransactionEventResponse:
        return TransactionEventResponse()

    async def authenticate(_station_id: str, shown: Shown) -> Entry:
        return Entry.ADMITTED if shown.password == PASSWORD else Entry.REFUSED

    gateway = Gateway(handlers, LocalStationRouter(), authenticate)
    await gateway.start("127.0.0.1", 0)
    app = web.Application()
    app.router.add_get("/ocpp/{station_id}", _echo)
    echo = web.AppRunner(app, access_log=None)
    await echo.setup()
    await web.TCPSite(echo, "127.0.0.1", 0).start()
    ports = {"bare echo": echo.addresses[0][1], "gateway": gateway.port}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    # The parent closes the pipe when it has measured, or when it dies.
    await asyncio.to_thread(sys.stdin.read)
    await gateway.stop()
    await echo.cleanup()


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=("ocpp2.1",), compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


if __name__ == "__main__":
    asyncio.run(_serve())
