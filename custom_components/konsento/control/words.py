"""The words that control, outlets and management servers share; spelt as docs/contracts.md spells them."""

from enum import StrEnum


class OutletState(StrEnum):
    """What the firmware says about its session."""

    IDLE = "idle"
    SUPPLYING = "supplying"
    SUSPENDED = "suspended"
    ENDED = "ended"
    FAULT = "fault"


class EndReason(StrEnum):
    """Why a session ended, in OCPP's words (ReasonEnumType)."""

    ENERGY_LIMIT = "EnergyLimitReached"
    TIME_LIMIT = "TimeLimitReached"
    REMOTE = "Remote"
    LOCAL = "Local"
    POWER_LOSS = "PowerLoss"
    IDLE = "EVDisconnected"
    NEVER_USED = "Timeout"
    OVERCURRENT = "OvercurrentFault"
    GROUND_FAULT = "GroundFault"
    OTHER = "Other"

    @classmethod
    def parse(cls, text: str) -> EndReason:
        """Return the reason of that name, `OTHER` for a name from a later firmware."""
        try:
            return cls(text)
        except ValueError:
            return cls.OTHER


class Refusal(StrEnum):
    """Why a start was refused; the reasonCode that the management server reads."""

    UNKNOWN_OUTLET = "UnknownOutlet"
    BUSY = "OutletBusy"
    OFFLINE = "OutletOffline"
    FAULTED = "OutletFaulted"
    DISABLED = "OutletDisabled"
    BAD_LIMIT = "BadLimit"
    NO_LIMIT = "NoLimit"
    EXPIRED = "RequestExpired"
    DEVICE = "DeviceRefused"
    ENDED = "AlreadyEnded"


class Connector(StrEnum):
    """State of an outlet towards a management server (ConnectorStatusEnumType)."""

    AVAILABLE = "Available"
    OCCUPIED = "Occupied"
    FAULTED = "Faulted"
    UNAVAILABLE = "Unavailable"


class TimerStart(StrEnum):
    """When the clock of a time limit begins to run."""

    RELAY = "relay"
    CURRENT = "current"
