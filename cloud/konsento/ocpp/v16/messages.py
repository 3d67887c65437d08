"""The messages of OCPP 1.6-J (edition 2, with the security extension) that are read or written here.

Read leniently where money hangs on it: numbers come as strings, times without a zone. A refused StopTransaction is
lost energy.
"""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from konsento.ocpp.messages.base import check_number


class Part(Struct, kw_only=True, frozen=True, rename="camel", omit_defaults=True):
    """A part of a message of 1.6."""


Integer = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Natural = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Connector = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""Counted from 1; 0 is the charger itself."""
IdTag = Annotated[str, Meta(min_length=1, max_length=20, pattern=r"\A[^\x00-\x1f]*\Z")]
"""Knows no capitals (1.6, 3.13: CiString)."""
Text20 = Annotated[str, Meta(max_length=20)]
Text50 = Annotated[str, Meta(max_length=50)]


def _in_utc(part: Part, *fields: str) -> None:
    """Turn times to UTC; one without a zone is taken as UTC, which 1.6 asks for (3.14)."""
    for field in fields:
        at: datetime | None = getattr(part, field)
        if at is None or at.tzinfo is UTC:
            continue
        try:
            force_setattr(part, field, at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
        except OverflowError as error:
            raise ValueError("a time outside the calendar") from error


class SampledValue(Part, kw_only=True, frozen=True):
    """One reading: a text, whatever is in it. What each word means stands in 1.6, 7.43."""

    value: str | int | float
    context: str | None = None
    format: str | None = None
    measurand: str | None = None
    phase: str | None = None
    location: str | None = None
    unit: str | None = None


class MeterValue(Part, kw_only=True, frozen=True):
    """Readings taken at one time."""

    timestamp: datetime
    sampled_value: list[SampledValue]

    def __post_init__(self) -> None:
        _in_utc(self, "timestamp")


class BootNotification(Part, kw_only=True, frozen=True):
    """The charger has started."""

    charge_point_vendor: Annotated[str, Meta(max_length=50)]
    charge_point_model: Text20
    charge_point_serial_number: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


class Heartbeat(Part, kw_only=True, frozen=True):
    """The charger is there."""


class Authorize(Part, kw_only=True, frozen=True):
    """Somebody showed a card."""

    id_tag: IdTag


class StartTransaction(Part, kw_only=True, frozen=True):
    """A transaction has begun."""

    connector_id: Connector
    id_tag: IdTag
    meter_start: Decimal
    """Wh."""
    timestamp: datetime
    reservation_id: Integer | None = None

    def __post_init__(self) -> None:
        check_number(self.meter_start)
        _in_utc(self, "timestamp")


class StopTransaction(Part, kw_only=True, frozen=True):
    """A transaction is over."""

    transaction_id: Integer
    meter_stop: Decimal
    """Wh."""
    timestamp: datetime
    id_tag: str | None = None
    reason: str | None = None
    transaction_data: list[MeterValue] | None = None

    def __post_init__(self) -> None:
        check_number(self.meter_stop)
        _in_utc(self, "timestamp")


class MeterValues(Part, kw_only=True, frozen=True):
    """Readings, of a transaction where they name one."""

    connector_id: Connector
    meter_value: list[MeterValue]
    transaction_id: Integer | None = None


class ChargePointStatus(StrEnum):
    """The state of a connector, or of the charger."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class StatusNotification(Part, kw_only=True, frozen=True):
    """A connector's state."""

    connector_id: Connector
    status: ChargePointStatus
    error_code: str = "NoError"
    info: str | None = None
    timestamp: datetime | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None

    def __post_init__(self) -> None:
        _in_utc(self, "timestamp")


class DataTransfer(Part, kw_only=True, frozen=True):
    """A vendor's own message, in either direction."""

    vendor_id: Annotated[str, Meta(max_length=255)]
    message_id: Text50 | None = None
    data: Any = None


class FirmwareStatusNotification(Part, kw_only=True, frozen=True):
    """How a firmware update goes."""

    status: Text50


class SignedFirmwareStatusNotification(Part, kw_only=True, frozen=True):
    """How an update with a signed firmware goes."""

    status: Text50
    request_id: Integer | None = None


class SecurityEventNotification(Part, kw_only=True, frozen=True):
    """Something that concerns security happened."""

    type: Text50
    timestamp: datetime
    tech_info: Annotated[str, Meta(max_length=255)] | None = None

    def __post_init__(self) -> None:
        _in_utc(self, "timestamp")


class DiagnosticsStatusNotification(Part, kw_only=True, frozen=True):
    """How an upload of diagnostics goes."""

    status: Text50


class LogStatusNotification(Part, kw_only=True, frozen=True):
    """How an upload of a log goes."""

    status: Text50
    request_id: Integer | None = None


class SignCertificate(Part, kw_only=True, frozen=True):
    """The charger wants a certificate."""

    csr: Annotated[str, Meta(max_length=5500)]


FROM_STATION: tuple[type[Part], ...] = (
    Authorize,
    BootNotification,
    DataTransfer,
    DiagnosticsStatusNotification,
    FirmwareStatusNotification,
    Heartbeat,
    LogStatusNotification,
    MeterValues,
    SecurityEventNotification,
    SignCertificate,
    SignedFirmwareStatusNotification,
    StartTransaction,
    StatusNotification,
    StopTransaction,
)
"""Everything that a station of 1.6 sends: the name of the class is the action."""


class Status(Part, kw_only=True, frozen=True):
    """The answer to most of what a server asks: one word."""

    status: str


class DataTransferAnswer(Part, kw_only=True, frozen=True):
    """Whether a charger understood a vendor's message."""

    status: str
    data: Any = None


class ConfigurationKey(Part, kw_only=True, frozen=True):
    """One setting of a charger."""

    key: Text50
    readonly: bool = True
    value: str | None = None


class Configuration(Part, kw_only=True, frozen=True):
    """The settings of a charger that were asked for."""

    configuration_key: list[ConfigurationKey] | None = None
    unknown_key: list[str] | None = None
