"""A charger of OCPP 2.1 or 2.0.1. Its meter runs by the world's clock; what it does badly is said by `Manners`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .line import Line, Payload
from .world import World

V21, V201 = "ocpp2.1", "ocpp2.0.1"


@dataclass(frozen=True, kw_only=True)
class Manners:
    """What a charger does as it should not, or need not."""

    keeps_limits: bool = False
    """It keeps to a transactionLimit and says so (2.1, E16)."""
    token_only: bool = False
    """It names the session by its token alone, not by the number of the start."""
    lower_case: bool = False
    tells_again: bool = False
    """It says EVSE, token and number in every event, not only in the first."""
    no_evse: bool = False
    first_seq_no: int = 0
    skips: bool = False
    """Every second Updated gets lost."""
    no_started: bool = False
    begin_zero: bool = False
    """The first register is a placeholder."""
    readings_beside: bool = False
    """It tells its meter in MeterValues; its events have none."""
    counts_names: bool = False
    """It names transactions 1, 2 …, and begins anew after a reboot."""
    twice: bool = False
    """It sends every event again."""
    no_power: bool = False
    no_time: bool = False
    """It does not tell timeSpentCharging."""
    plug_starts: bool = False
    """A transaction begins when the car is plugged in (TxStartPoint EVConnected)."""
    refuses_settings: bool = False
    sample_s: int | None = None
    """Its own interval, whatever it is set to."""
    answer_s: float = 0.0
    """How slowly it answers, in real seconds."""


@dataclass
class Charger2:
    """A charger with two EVSEs, of which the first is used."""

    world: World
    line: Line
    protocol: str = V21
    manners: Manners = field(default_factory=Manners)
    power_w: int = 3000
    meter_mwh: int = 1_000_000
    start: Payload | None = None
    transaction: str | None = None
    stopping: str = ""
    sample_s: int = 60
    limit: Payload = field(default_factory=dict)
    count: int = 0
    seq_no: int = 0
    sent: list[Payload] = field(default_factory=list)
    answers: list[Payload] = field(default_factory=list)
    offline: bool = False
    queue: list[Payload] = field(default_factory=list)
    _begun: datetime | None = None
    _begun_mwh: int = 0
    _sampled_at: datetime | None = None
    _skip: bool = False
    _told: bool = False

    @classmethod
    async def dial(cls, world: World, protocol: str = V21, manners: Manners | None = None, **more: Any) -> Charger2:
        """Connect one that answers as OCPP asks for."""
        charger = cls(world, await world.dial(protocol), protocol, manners or Manners(), **more)
        charger._answer()
        return charger

    def _answer(self) -> None:
        self.line.before_answer_s = self.manners.answer_s
        self.line.on |= {
            "RequestStartTransaction": self._remote_start,
            "RequestStopTransaction": self._remote_stop,
            "SetVariables": self._set,
            "GetVariables": self._get,
            "GetBaseReport": lambda _: {"status": "NotSupported"},
            "GetTransactionStatus": lambda asked: {
                "messagesInQueue": False,
                "ongoingIndicator": asked.get("transactionId") == self.transaction,
            },
            "TriggerMessage": lambda _: {"status": "Rejected"},
        }

    async def back(self) -> None:
        """Come back over a new line, as after an outage."""
        self.line = await self.world.dial(self.protocol)
        self._answer()

    async def boot(self, *, status_first: bool = False) -> None:
        """Start, tell of both EVSEs, and be set up by the server."""
        if status_first:
            await self.status("Available")
        station = {"vendorName": "Acme", "model": "Post 22", "serialNumber": "P-1", "firmwareVersion": "9.1"}
        await self.line.call("BootNotification", {"chargingStation": station, "reason": "PowerUp"})
        if self.manners.counts_names:
            self.count = 0
        for evse in (1, 2):
            await self.status("Available", evse)
        await self.world.wait(5)

    async def status(self, word: str, evse: int = 1, connector: int = 1) -> None:
        """Tell the state of a connector."""
        told = {"timestamp": self.now(), "connectorStatus": word, "evseId": evse, "connectorId": connector}
        await self.line.call("StatusNotification", told)

    async def plug(self) -> None:
        """A car is plugged in."""
        await self.status("Occupied")
        if self.manners.plug_starts:
            self._new()
            await self.event("Started", "CablePluggedIn", state="EVConnected")

    async def begin(self) -> None:
        """Begin, or go on with, the transaction that was started remotely."""
        if self.transaction is None:
            self._new()
        self._begun, self._begun_mwh, self._sampled_at = (
            self.world.clock.now(),
            self.meter_mwh,
            self.world.clock.now(),
        )
        first = "Updated" if self.manners.plug_starts or self.manners.no_started else "Started"
        self._told = False
        await self.event(first, "RemoteStart")

    def _new(self) -> None:
        self.count += 1
        self.transaction = str(self.count) if self.manners.counts_names else f"tx-{id(self)}-{self.count}"
        self.seq_no, self.limit, self._told = self.manners.first_seq_no, {}, False
        self._begun = self.world.clock.now()

    async def run(self, seconds: int, step_s: int = 1) -> None:
        """Let time pass: the meter runs, readings are sent, a remote stop is obeyed, and a limit if it does that."""
        for _ in range(0, seconds, step_s):
            if self.transaction is None:
                return
            if self.limit.get("maxEnergy") is None or self.meter_mwh - self._begun_mwh < self.limit["maxEnergy"] * 1000:
                self.meter_mwh += self.power_w * step_s * 1000 // 3600
            elif not self.stopping:
                self.stopping = "EnergyLimitReached"
            await self.world.wait(step_s)
            if self.stopping:
                await self.end(self.stopping)
                return
            assert self._sampled_at is not None
            if (self.world.clock.now() - self._sampled_at).total_seconds() >= self.sample_s:
                self._sampled_at = self.world.clock.now()
                await self.sample()

    async def sample(self) -> None:
        """Tell the meter."""
        if self.manners.readings_beside:
            await self.line.call("MeterValues", {"evseId": 1, "meterValue": [self.reading("Sample.Periodic")]})
            return
        self._skip = self.manners.skips and not self._skip
        if self._skip:
            self.seq_no += 1
            return
        await self.event("Updated", "MeterValuePeriodic")

    def reading(self, context: str) -> Payload:
        """Return the readings of this moment."""
        wh = 0 if self.manners.begin_zero and context == "Transaction.Begin" else self.meter_mwh / 1000
        samples: list[Payload] = [{"value": wh, "context": context}]
        if not self.manners.no_power:
            watts = {"value": self.power_w, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}}
            samples.append(watts)
        return {"timestamp": self.now(), "sampledValue": samples}

    async def event(self, kind: str, trigger: str, *, state: str = "Charging", **more: Any) -> None:
        """Send an event of the transaction, or keep it while there is no line."""
        info: Payload = {"transactionId": self.transaction, "chargingState": state, **more}
        assert self._begun is not None
        if not self.manners.no_time:
            info["timeSpentCharging"] = int((self.world.clock.now() - self._begun).total_seconds())
        event: Payload = {
            "eventType": kind,
            "timestamp": self.now(),
            "triggerReason": trigger,
            "seqNo": self.seq_no,
            "transactionInfo": info,
        }
        self.seq_no += 1
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        if not self.manners.readings_beside:
            event["meterValue"] = [self.reading(context)]
        if self.start is not None and (self.manners.tells_again or not self._told) and state == "Charging":
            self._told = True
            token = dict(self.start["idToken"])
            if self.manners.lower_case:
                token["idToken"] = token["idToken"].lower()
            event["idToken"] = token
            if not self.manners.token_only:
                info["remoteStartId"] = self.start["remoteStartId"]
            if not self.manners.no_evse:
                event["evse"] = {"id": 1}
        self.sent.append(event)
        if self.offline:
            self.queue.append(event | {"offline": True})
            return
        await self.send(event)

    async def send(self, event: Payload) -> None:
        """Send an event, and again if it has that habit."""
        for _ in range(2 if self.manners.twice else 1):
            answer = await self.line.call("TransactionEvent", event)
            self.answers.append(answer)
        limit = answer.get("transactionLimit")
        if limit is not None and self.manners.keeps_limits and limit != self.limit:
            self.limit = limit
            await self.event("Updated", "LimitSet", transactionLimit=limit)

    async def end(self, reason: str = "Local") -> None:
        """Send the last event, and let the server settle."""
        trigger = {"Remote": "RemoteStop", "EnergyLimitReached": "EnergyLimitReached"}.get(reason, "StopAuthorized")
        await self.event("Ended", trigger, stoppedReason=reason)
        self.transaction, self.start, self.stopping = None, None, ""
        await self.world.wait(1)

    async def deliver(self) -> None:
        """Send what was kept while there was no line."""
        self.offline = False
        for event in self.queue:
            await self.send(event)
        self.queue.clear()
        await self.world.wait(1)

    def now(self) -> str:
        """Return the time as it goes over the line."""
        return self.world.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _remote_start(self, payload: Payload) -> Payload:
        self.start = payload
        if self.transaction is not None:
            return {"status": "Accepted", "transactionId": self.transaction}
        return {"status": "Accepted"}

    def _remote_stop(self, payload: Payload) -> Payload:
        if payload["transactionId"] != self.transaction:
            return {"status": "Rejected"}
        self.stopping = "Remote"
        return {"status": "Accepted"}

    def _set(self, payload: Payload) -> Payload:
        results = []
        for one in payload["setVariableData"]:
            status = "Rejected" if self.manners.refuses_settings else "Accepted"
            if one["variable"]["name"] == "TxUpdatedInterval" and status == "Accepted":
                self.sample_s = self.manners.sample_s or int(one["attributeValue"])
            results.append({"attributeStatus": status, "component": one["component"], "variable": one["variable"]})
        return {"setVariableResult": results}

    def _get(self, payload: Payload) -> Payload:
        return {
            "getVariableResult": [
                {
                    "attributeStatus": "Accepted",
                    "attributeValue": str(self.sample_s),
                    "component": one["component"],
                    "variable": one["variable"],
                }
                for one in payload["getVariableData"]
            ]
        }
