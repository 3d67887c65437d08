"""What a session tells its management server, as it is kept in the journal until it was answered."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .limits import Limits
from .words import EndReason


class EventKind(StrEnum):
    """Place of an event in its session (TransactionEventEnumType)."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


class Trigger(StrEnum):
    """What made an event necessary (TriggerReasonEnumType)."""

    REMOTE_START = "RemoteStart"
    PERIODIC = "MeterValuePeriodic"
    CHARGING_STATE = "ChargingStateChanged"
    ASKED = "Trigger"
    ENERGY_LIMIT = "EnergyLimitReached"
    TIME_LIMIT = "TimeLimitReached"
    REMOTE_STOP = "RemoteStop"
    STOP_AUTHORIZED = "StopAuthorized"
    EV_LOST = "EVCommunicationLost"
    EV_TIMEOUT = "EVConnectTimeout"
    LIMIT_SET = "LimitSet"
    """Only OCPP 2.1 has it, as only 2.1 changes limits."""
    RESET = "ResetCommand"
    DEAUTHORIZED = "Deauthorized"
    ABNORMAL = "AbnormalCondition"

    @classmethod
    def of_end(cls, reason: EndReason) -> Trigger:
        """Return the trigger that goes with an end reason (docs/contracts.md §2)."""
        return _TRIGGER_OF_END.get(reason, cls.ABNORMAL)


_TRIGGER_OF_END = {
    EndReason.ENERGY_LIMIT: Trigger.ENERGY_LIMIT,
    EndReason.TIME_LIMIT: Trigger.TIME_LIMIT,
    EndReason.REMOTE: Trigger.REMOTE_STOP,
    EndReason.LOCAL: Trigger.STOP_AUTHORIZED,
    EndReason.IDLE: Trigger.EV_LOST,
    EndReason.NEVER_USED: Trigger.EV_TIMEOUT,
    EndReason.STOPPED_BY_EV: Trigger.EV_LOST,
    EndReason.IMMEDIATE_RESET: Trigger.RESET,
    EndReason.MASTER_PASS: Trigger.STOP_AUTHORIZED,
    EndReason.DEAUTHORIZED: Trigger.DEAUTHORIZED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEvent:
    """One step of a session with its meter reading."""

    session_id: str
    seq_no: int
    """Counts from 0 without gaps within the session."""
    kind: EventKind
    trigger: Trigger
    at: datetime
    """When it happened, UTC."""
    evse: int
    register_mwh: int
    """Lifetime register of the outlet at the session's start plus the session's energy, mWh."""
    power_w: float
    supplying: bool
    supply_s: int
    voltage_v: float | None = None
    current_a: float | None = None
    end_reason: EndReason | None = None
    remote_start_id: int | None = None
    """Only in the first event."""
    power_type: str = ""
    """Only in the last event, as is the supplier: what the measurement stays with."""
    supplier: str = ""
    limits: Limits | None = None
    """Only in the first event and where they have changed."""

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SessionEvent:
        """Return the event that the journal kept."""
        return cls(
            **{
                **data,
                "kind": EventKind(data["kind"]),
                "trigger": Trigger(data["trigger"]),
                "at": datetime.fromisoformat(data["at"]),
                "end_reason": EndReason(data["end_reason"]) if data["end_reason"] else None,
                "limits": Limits.from_json(limits) if (limits := data.get("limits")) else None,
            }
        )
