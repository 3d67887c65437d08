"""A charger of OCPP 1.6-J. Its meter runs by the world's clock; what it does badly is said by `Manners`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .line import Line, Payload, RefusedError
from .world import World

PROTOCOL = "ocpp1.6"


@dataclass(frozen=True, kw_only=True)
class Manners:
    """What a charger does as it should not, or need not."""

    lower_case: bool = False
    """It writes the idTag in small letters."""
    start_twice: bool = False
    """It sends StartTransaction again, as after a lost answer."""
    stop_twice: bool = False
    readings_twice: bool = False
    readings_without_transaction: bool = False
    no_readings: bool = False
    refuses_settings: bool = False
    in_kwh: bool = False
    stop_register_zero: bool = False
    sample_s: int | None = None
    """Its own interval, whatever it is set to."""


@dataclass
class Charger16:
    """A charger with one connector that is used."""

    world: World
    line: Line
    manners: Manners = field(default_factory=Manners)
    power_w: int = 3000
    meter_mwh: int = 1_000_000
    id_tag: str | None = None
    transaction: int | None = None
    stopping: bool = False
    sample_s: int = 60
    settings: dict[str, str] = field(default_factory=lambda: {"NumberOfConnectors": "2", "HeartbeatInterval": "300"})
    _sampled_at: datetime | None = None

    @classmethod
    async def dial(cls, world: World, manners: Manners | None = None, **more: Any) -> Charger16:
        """Connect one that answers as 1.6 asks for."""
        charger = cls(world, await world.dial(PROTOCOL), manners or Manners(), **more)
        charger._answer()
        return charger

    def _answer(self) -> None:
        self.line.on |= {
            "RemoteStartTransaction": self._remote_start,
            "RemoteStopTransaction": self._remote_stop,
            "ChangeConfiguration": self._change,
            "GetConfiguration": self._configuration,
            "TriggerMessage": lambda _: {"status": "Accepted"},
        }

    async def back(self) -> None:
        """Come back over a new line, as after an outage."""
        self.line = await self.world.dial(PROTOCOL)
        self._answer()

    async def boot(self) -> Payload:
        """Start, tell of both connectors, and be set up by the server."""
        about = {
            "chargePointVendor": "Acme",
            "chargePointModel": "Wall 7",
            "chargePointSerialNumber": "A-77",
            "firmwareVersion": "1.2.3",
        }
        answer = await self.line.call("BootNotification", about)
        for connector in (0, 1, 2):
            await self.status("Available", connector)
        await self.world.wait(5)
        return answer

    async def status(self, word: str, connector: int = 1, error: str = "NoError") -> None:
        """Tell the state of a connector."""
        told = {"connectorId": connector, "errorCode": error, "status": word, "timestamp": self._now()}
        await self.line.call("StatusNotification", told)

    async def begin(self, id_tag: str | None = None) -> Payload:
        """Send StartTransaction for what was started remotely, or for a card."""
        tag = id_tag or self.id_tag
        assert tag is not None
        if self.manners.lower_case:
            tag = tag.lower()
        start = {"connectorId": 1, "idTag": tag, "meterStart": self.meter_mwh // 1000, "timestamp": self._now()}
        answer = await self.line.call("StartTransaction", start)
        if self.manners.start_twice:
            assert await self.line.call("StartTransaction", start) == answer
        self.transaction = answer["transactionId"]
        self._sampled_at = self.world.clock.now()
        return answer

    async def run(self, seconds: int, step_s: int = 1) -> None:
        """Let time pass: the meter runs, readings are sent, and a remote stop is obeyed."""
        for _ in range(0, seconds, step_s):
            if self.transaction is None:
                return
            self.meter_mwh += self.power_w * step_s * 1000 // 3600
            await self.world.wait(step_s)
            if self.stopping:
                await self.end("Remote")
                return
            assert self._sampled_at is not None
            if (self.world.clock.now() - self._sampled_at).total_seconds() >= self.sample_s:
                self._sampled_at = self.world.clock.now()
                if not self.manners.no_readings:
                    await self.sample()

    def reading(self) -> Payload:
        """Return the readings of this moment."""
        wh = self.meter_mwh / 1000
        energy = {"value": f"{wh / 1000:.6f}", "unit": "kWh"} if self.manners.in_kwh else {"value": f"{wh:.3f}"}
        odd = {"value": "n/a", "measurand": "Voltage", "unit": "V", "phase": "L1-N"}
        power = {"value": str(self.power_w), "measurand": "Power.Active.Import", "unit": "W"}
        return {"timestamp": self._now(), "sampledValue": [energy, odd, power]}

    async def sample(self) -> None:
        """Send MeterValues."""
        values: Payload = {"connectorId": 1, "meterValue": [self.reading()]}
        if not self.manners.readings_without_transaction:
            values["transactionId"] = self.transaction
        for _ in range(2 if self.manners.readings_twice else 1):
            await self.line.call("MeterValues", values)

    def stop_message(self, reason: str | None = None) -> Payload:
        """Return the StopTransaction of this moment."""
        meter = 0 if self.manners.stop_register_zero else self.meter_mwh // 1000
        stop: Payload = {"transactionId": self.transaction, "meterStop": meter, "timestamp": self._now()}
        if reason is not None:
            stop["reason"] = reason
        if self.manners.stop_register_zero:
            stop["transactionData"] = [self.reading()]
        return stop

    async def end(self, reason: str | None = None) -> Payload:
        """Send StopTransaction, and let the server settle."""
        stop = self.stop_message(reason)
        for _ in range(2 if self.manners.stop_twice else 1):
            await self.line.call("StopTransaction", stop)
        self.transaction, self.id_tag, self.stopping = None, None, False
        await self.world.wait(1)
        return stop

    def _remote_start(self, payload: Payload) -> Payload:
        self.id_tag = payload["idTag"]
        return {"status": "Accepted"}

    def _remote_stop(self, payload: Payload) -> Payload:
        if payload["transactionId"] != self.transaction:
            return {"status": "Rejected"}
        self.stopping = True
        return {"status": "Accepted"}

    def _change(self, payload: Payload) -> Payload:
        if self.manners.refuses_settings:
            return {"status": "NotSupported"}
        self.settings[payload["key"]] = payload["value"]
        if payload["key"] == "MeterValueSampleInterval":
            self.sample_s = self.manners.sample_s or int(payload["value"])
        return {"status": "Accepted"}

    def _configuration(self, payload: Payload) -> Payload:
        wanted = payload.get("key") or list(self.settings)
        known = [{"key": k, "readonly": False, "value": self.settings[k]} for k in wanted if k in self.settings]
        return {"configurationKey": known, "unknownKey": [k for k in wanted if k not in self.settings]}

    def _now(self) -> str:
        return self.world.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


__all__ = ["PROTOCOL", "Charger16", "Manners", "RefusedError"]
