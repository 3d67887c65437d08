"""Stations as light as they can be: raw frames over asyncio, thousands in one loop.

The measuring program must not be what is measured, and a WebSocket client of a library takes as long for a frame as the
server does. These do just what is needed: one handshake, masked text frames (with a mask of zeros, which the protocol
allows), pongs, and one event at a time: the next leaves when the answer to the last is there.
"""

import asyncio
import base64
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Final, override

PASSWORD: Final = "bench"
_TEXT, _PING, _PONG, _CLOSE = 0x81, 0x89, 0x8A, 0x88
_BEGIN_WH: Final = 120_000

type Heard = Callable[[Station, float], None]


class Station(asyncio.Protocol):
    """One station with one running session, whose register grows by 5 Wh with every event."""

    def __init__(self, station_id: str, transaction_id: str, remote_start_id: int, free_outlet: str = "") -> None:
        self.station_id = station_id
        self.free_outlet = free_outlet
        """The code of an outlet of its site that nobody uses."""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard: Heard | None = None
        """Called when an answer has come, with how long it took, s."""
        self.waits = False
        """An event of this station is not answered yet."""
        self.asked_at: float | None = None
        """When the server last asked this station to start."""
        self.seq_no = -1
        self.errors = 0
        self._remote_start_id = remote_start_id
        self._transaction_id = transaction_id
        self._buffer = b""
        self._sent_at = 0.0

    async def connect(self, port: int) -> None:
        """Connect; raises ConnectionError where the server says no."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", port)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        token = base64.b64encode(f"{self.station_id}:{PASSWORD}".encode()).decode()
        transport.write(
            f"GET /ocpp/{self.station_id} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp2.1\r\n"
            f"Authorization: Basic {token}\r\n\r\n".encode()
        )
        await self.opened

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def send_next(self) -> None:
        """Send the next event of the session."""
        self.seq_no += 1
        self.waits = True
        at = datetime.now(UTC).isoformat(timespec="milliseconds")[:23]
        first = f'"remoteStartId":{self._remote_start_id},' if self.seq_no == 0 else ""
        kind = "Updated" if self.seq_no else "Started"
        frame = (
            f'[2,"{self.seq_no}","TransactionEvent",{{"eventType":"{kind}","timestamp":"{at}Z",'
            f'"triggerReason":"MeterValuePeriodic","seqNo":{self.seq_no},"transactionInfo":{{{first}'
            f'"transactionId":"{self._transaction_id}","chargingState":"Charging","timeSpentCharging":{self.seq_no * 6}'
            f'}},"meterValue":[{{"timestamp":"{at}Z","sampledValue":[{{"value":{_BEGIN_WH + self.seq_no * 5}.125,'
            f'"unitOfMeasure":{{"unit":"Wh"}}}},{{"value":3000,"measurand":"Power.Active.Import",'
            f'"unitOfMeasure":{{"unit":"W"}}}}]}}]}}]'
        ).encode()
        self._sent_at = perf_counter()
        self._transport.write(b"\x81\xfe" + len(frame).to_bytes(2) + b"\0\0\0\0" + frame)

    @override
    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        if not self.opened.done():
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if b" 101 " not in head[:16]:
                self.opened.set_exception(ConnectionError(head[:80].decode()))
                return
            self.opened.set_result(None)
        while len(data) >= 2:
            length, start = data[1], 2
            if length == 126:
                if len(data) < 4:
                    break
                length, start = int.from_bytes(data[2:4]), 4
            if len(data) < start + length:
                break
            self._frame(data[0], data[start : start + length])
            data = data[start + length :]
        self._buffer = data

    def _frame(self, head: int, payload: bytes) -> None:
        if head == _TEXT:
            if payload.startswith(b"[2,") and b'"RequestStartTransaction"' in payload:
                self.asked_at = perf_counter()
                message_id = payload.split(b'"', 2)[1]
                self._send_text(b'[3,"' + message_id + b'",{"status":"Rejected"}]')
                return
            if payload.startswith(b"[4,"):
                self.errors += 1
            self.waits = False
            if self.heard is not None:
                self.heard(self, perf_counter() - self._sent_at)
        elif head == _PING:
            self._transport.write(bytes((_PONG, 0x80 | len(payload))) + b"\0\0\0\0" + payload)

    def _send_text(self, text: bytes) -> None:
        self._transport.write(bytes((_TEXT, 0x80 | len(text))) + b"\0\0\0\0" + text)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed"))


async def connect_all(stations: Sequence[Station], port: int, at_once: int = 100) -> None:
    """Connect stations, some at a time."""
    for first in range(0, len(stations), at_once):
        await asyncio.gather(*(station.connect(port) for station in stations[first : first + at_once]))


async def each_sends(stations: Sequence[Station], events: int) -> float:
    """Have every station send so many events; returns how long that took, s."""
    left = len(stations) * events
    done = asyncio.get_running_loop().create_future()
    goals = {station: station.seq_no + events for station in stations}

    def heard(station: Station, _took: float) -> None:
        nonlocal left
        left -= 1
        if station.seq_no < goals[station]:
            station.send_next()
        if left == 0:
            done.set_result(None)

    began = perf_counter()
    for station in stations:
        station.heard = heard
        station.send_next()
    await done
    return perf_counter() - began


async def at_full_speed(stations: Sequence[Station], seconds: float) -> tuple[float, list[float]]:
    """Have every station send as soon as it is answered; returns the answers a second and the waits, s."""
    waits: list[float] = []
    over = False

    def heard(station: Station, took: float) -> None:
        if not over:
            waits.append(took)
            station.send_next()

    began = perf_counter()
    for station in stations:
        station.heard = heard
        station.send_next()
    await asyncio.sleep(seconds)
    over, took = True, perf_counter() - began
    await until_answered(stations)
    return len(waits) / took, waits


async def at_rate(stations: Sequence[Station], per_second: float, seconds: float) -> list[float]:
    """Have stations send in turn, so many events a second together; returns the waits, s.

    A station that still waits when its turn comes is waited for by itself alone: the others keep to the pace.
    """
    waits: list[float] = []
    owed: set[Station] = set()

    def heard(station: Station, took: float) -> None:
        waits.append(took)
        if station in owed:
            owed.discard(station)
            station.send_next()

    for station in stations:
        station.heard = heard
    began = perf_counter()
    sent = 0
    while (now := perf_counter()) < began + seconds:
        due = int((now - began) * per_second)
        while sent < due:
            station = stations[sent % len(stations)]
            if station.waits:
                owed.add(station)
            else:
                station.send_next()
            sent += 1
        await asyncio.sleep(0.002)
    owed.clear()
    await until_answered(stations)
    return waits


async def until_answered(stations: Sequence[Station]) -> None:
    """Wait until no station waits for an answer."""
    left = {station for station in stations if station.waits}
    done = asyncio.Event()

    def heard(station: Station, _took: float) -> None:
        left.discard(station)
        if not left:
            done.set()

    for station in stations:
        station.heard = heard
    if left:
        await done.wait()
