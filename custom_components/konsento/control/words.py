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
    """Why a session ended: every word of OCPP (ReasonEnumType), also those that only a later outlet may say."""

    ENERGY_LIMIT = "EnergyLimitReached"
    TIME_LIMIT = "TimeLimitReached"
    REMOTE = "Remote"
    LOCAL = "Local"
    POWER_LOSS = "PowerLoss"
    IDLE = "EVDisconnected"
    """The car takes nothing any more."""
    NEVER_USED = "Timeout"
    """No car has ever taken anything."""
    OVERCURRENT = "OvercurrentFault"
    GROUND_FAULT = "GroundFault"
    POWER_QUALITY = "PowerQuality"
    EMERGENCY_STOP = "EmergencyStop"
    IMMEDIATE_RESET = "ImmediateReset"
    """A management server has reset the site, or this outlet."""
    REBOOT = "Reboot"
    DEAUTHORIZED = "DeAuthorized"
    OUT_OF_CREDIT = "LocalOutOfCredit"
    MASTER_PASS = "MasterPass"  # noqa: S105  # OCPP's word for a caretaker's card
    STOPPED_BY_EV = "StoppedByEV"
    STATE_OF_CHARGE = "SOCLimitReached"
    ENERGY_TRANSFER_REJECTED = "ReqEnergyTransferRejected"
    OTHER = "Other"

    @property
    def for_outlet(self) -> EndReason:
        """The word that an outlet is stopped with: it takes five of them (docs/contracts.md §1)."""
        return self if self in _TAKEN_BY_OUTLETS else EndReason.OTHER

    @classmethod
    def parse(cls, text: str) -> EndReason:
        """Return the reason of that name, `OTHER` for a name from a later firmware."""
        try:
            return cls(text)
        except ValueError:
            return cls.OTHER


_TAKEN_BY_OUTLETS = frozenset(
    {EndReason.REMOTE, EndReason.LOCAL, EndReason.POWER_LOSS, EndReason.IDLE, EndReason.OTHER}
)


class SessionKind(StrEnum):
    """For whom a session is: all that a site knows about it."""

    LOCAL = "local"
    """Given away by the site's owner: measured, billed to nobody, told to no management server."""
    DRIVER = "driver"
    """Asked for by a management server, which bills it."""


class Refusal(StrEnum):
    """Why a start was refused; the reasonCode that the management server reads."""

    UNKNOWN_OUTLET = "UnknownOutlet"
    BUSY = "OutletBusy"
    RESERVED = "OutletReserved"
    OFFLINE = "OutletOffline"
    FAULTED = "OutletFaulted"
    DISABLED = "OutletDisabled"
    BAD_LIMIT = "BadLimit"
    NO_LIMIT = "NoLimit"
    EXPIRED = "RequestExpired"
    DEVICE = "DeviceRefused"
    ENDED = "AlreadyEnded"
    POWER_LIMIT = "PowerLimit"
    """There is no power for it and it cannot wait: the outlet may draw more than there can ever be, or is too old."""


class Connector(StrEnum):
    """State of an outlet towards a management server (ConnectorStatusEnumType)."""

    AVAILABLE = "Available"
    OCCUPIED = "Occupied"
    RESERVED = "Reserved"
    FAULTED = "Faulted"
    UNAVAILABLE = "Unavailable"


class TimerStart(StrEnum):
    """When the clock of a time limit begins to run."""

    RELAY = "relay"
    CURRENT = "current"
