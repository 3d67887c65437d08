"""A site that is played at the end of a real socket: it keeps what it has to say until that is acknowledged."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from rig.changes import Changes

STEP_WH = 0.8
"""Of one event; a second passes from one to the next by the station's own clock: 2,880 W."""


@dataclass
class Supply:
    """A transaction as the station runs it."""

    transaction_id: str
    remote_start_id: int
    begun: datetime
    sent: int = 0
    """Events so far; the number of the next."""
    ended: bool = False

    @property
    def wh(self) -> float:
        """The energy of the transaction."""
        return STEP_WH * (self.sent - 1)


@dataclass
class PlayedStation:
    """One station with one outlet. It dials the addresses in turn, until one of them takes it, whenever it has to."""

    station_id: str
    password: str
    addresses: list[str]
    """Of gateways, `ws://HOST:PORT/ocpp`; the first is tried first."""
    stays_away: bool = False
    """Once it has lost its connection it does not come back."""
    supplies: list[Supply] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Actions of the calls that came, in their order."""
    acknowledged: int = 0
    repeated: int = 0
    """Events that were sent again, because no acknowledgement had come."""
    at: str = ""
    """The address that it is connected to."""
    connects: int = 0
    close_codes: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._journal: deque[dict[str, Any]] = deque()
        self._told: set[int] = set()
        self._changes = Changes()
        self._supplies = False
        self._answers: dict[str, asyncio.Future[list[Any]]] = {}
        self._number = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to dial."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def until(self, condition: Callable[[], bool], patience: float = 30) -> None:
        """Wait until something about it is true."""
        await self._changes.until(condition, patience)

    def supply(self, *, on: bool = True) -> None:
        """Have energy flow, or none: events are made as quickly as they are acknowledged."""
        self._supplies = on
        self._changes.told()

    def end(self, reason: str = "EVDisconnected") -> None:
        """End the transaction that runs."""
        self._event(self.supplies[-1], "Ended", reason)

    @property
    def _flows(self) -> bool:
        return self._supplies and bool(self.supplies) and not self.supplies[-1].ended

    @property
    def delivered(self) -> bool:
        """Whether all that it had to say is acknowledged."""
        return not self._journal

    async def _run(self) -> None:
        turn = 0
        async with aiohttp.ClientSession() as http:
            while True:
                address = self.addresses[turn % len(self.addresses)]
                turn += 1
                try:
                    socket = await http.ws_connect(
                        f"{address}/{self.station_id}",
                        protocols=("ocpp2.1",),
                        headers={"Authorization": aiohttp.encode_basic_auth(self.station_id, self.password)},
                        timeout=aiohttp.ClientWSTimeout(ws_close=1),
                    )
                except aiohttp.ClientError, OSError:
                    await asyncio.sleep(0.1)
                    continue
                self.at, self.connects = address, self.connects + 1
                await self._serve(socket)
                self.at = ""
                self.close_codes.append(socket.close_code)
                self._changes.told()
                if self.stays_away:
                    return

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        talking = asyncio.create_task(self._talk(socket))
        try:
            async for message in socket:
                frame = json.loads(message.data)
                if frame[0] == 2:
                    await socket.send_json([3, frame[1], self._answer(frame[2], frame[3])])
                elif (waiting := self._answers.pop(frame[1], None)) is not None and not waiting.done():
                    waiting.set_result(frame)
        except OSError:
            pass
        finally:
            talking.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await talking
            await socket.close()

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        now = datetime.now(UTC).isoformat()
        boot = {"chargingStation": {"vendorName": "Konsento", "model": "Played"}, "reason": "PowerUp"}
        await self._call(socket, "BootNotification", boot)
        status = {"timestamp": now, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        await self._call(socket, "StatusNotification", status)
        self._changes.told()
        while True:
            if not self._journal:
                await self._changes.until(lambda: bool(self._journal) or self._flows, 3600)
                if not self._journal and self._flows:
                    self._event(self.supplies[-1], "Updated")
                continue
            event = self._journal[0]
            self.repeated += event["seqNo"] in self._told
            self._told.add(event["seqNo"])
            # Answered with an error it is sent again, as OCPP has it (E13).
            if await self._call(socket, "TransactionEvent", event):
                self._journal.popleft()
                self._told.discard(event["seqNo"])
                self.acknowledged += 1
                self._changes.told()
            else:
                await asyncio.sleep(0.2)

    async def _call(self, socket: aiohttp.ClientWebSocketResponse, action: str, payload: dict[str, Any]) -> bool:
        self._number += 1
        number = str(self._number)
        waiting = self._answers[number] = asyncio.get_running_loop().create_future()
        await socket.send_json([2, number, action, payload])
        return bool((await waiting)[0] == 3)

    def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(action)
        self._changes.told()
        match action:
            case "RequestStartTransaction":
                number = payload["remoteStartId"]
                known = next((one for one in self.supplies if one.remote_start_id == number), None)
                if known is None:
                    known = Supply(f"{self.station_id}-{number}", number, datetime.now(UTC))
                    self.supplies.append(known)
                    self._event(known, "Started")
                return {"status": "Accepted", "transactionId": known.transaction_id}
            case "GetTransactionStatus":
                ongoing = any(s.transaction_id == payload["transactionId"] and not s.ended for s in self.supplies)
                return {"messagesInQueue": bool(self._journal), "ongoingIndicator": ongoing}
            case "GetBaseReport":
                return {"status": "NotSupported"}
            case "RequestStopTransaction":
                self.end("Remote")
        return {"status": "Accepted"}

    def _event(self, supply: Supply, kind: str, reason: str = "") -> None:
        seq_no, supply.sent = supply.sent, supply.sent + 1
        supply.ended = kind == "Ended"
        at = (supply.begun + timedelta(seconds=seq_no)).isoformat()
        info: dict[str, Any] = {
            "transactionId": supply.transaction_id,
            "timeSpentCharging": seq_no,
            "chargingState": "Charging",
        }
        if kind == "Started":
            info["remoteStartId"] = supply.remote_start_id
        if reason:
            info["stoppedReason"] = reason
        self._journal.append(
            {
                "eventType": kind,
                "timestamp": at,
                "triggerReason": "MeterValuePeriodic",
                "seqNo": seq_no,
                "transactionInfo": info,
                "evse": {"id": 1, "connectorId": 1},
                "meterValue": [{"timestamp": at, "sampledValue": [{"value": round(1000 + STEP_WH * seq_no, 1)}]}],
            }
        )
        self._changes.told()
