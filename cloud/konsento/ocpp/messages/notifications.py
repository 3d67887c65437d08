"""What a station reports about itself and its outlets, and the door for what OCPP has no message for."""

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

from konsento.ocpp.messages.base import (
    SINCE_21,
    Body,
    Integer,
    Natural,
    Request,
    Response,
    Text50,
    Text255,
    Text2500,
    Timestamp,
    TransactionId,
    in_utc,
)
from konsento.ocpp.messages.types import Component, StatusInfo, Variable


class ConnectorStatus(StrEnum):
    """Whether an outlet can be used."""

    AVAILABLE = "Available"
    OCCUPIED = "Occupied"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class StatusNotificationResponse(Response, kw_only=True, frozen=True):
    """The state was taken note of."""


class StatusNotification(Request[StatusNotificationResponse], kw_only=True, frozen=True):
    """The state of an outlet, at a change and after connecting; ours give a reason in customData."""

    timestamp: Timestamp
    connector_status: ConnectorStatus
    evse_id: Natural
    connector_id: Natural

    def __post_init__(self) -> None:
        in_utc(self, "timestamp")


class EventData(Body, kw_only=True, frozen=True):
    """One event of the device model."""

    event_id: Natural
    timestamp: Timestamp
    trigger: Text50
    actual_value: Text2500
    component: Component
    variable: Variable
    event_notification_type: Text50
    cause: Natural | None = None
    tech_code: Text50 | None = None
    tech_info: Annotated[str, Meta(max_length=500)] | None = None
    cleared: bool | None = None
    transaction_id: TransactionId | None = None
    variable_monitoring_id: Natural | None = None
    severity: Annotated[Natural | None, SINCE_21] = None

    def __post_init__(self) -> None:
        in_utc(self, "timestamp")


class NotifyEventResponse(Response, kw_only=True, frozen=True):
    """The events were taken note of."""


class NotifyEvent(Request[NotifyEventResponse], kw_only=True, frozen=True):
    """Events of the device model; `tbc` says that more follow."""

    generated_at: Timestamp
    seq_no: Natural
    event_data: Annotated[list[EventData], Meta(min_length=1)]
    tbc: bool = False

    def __post_init__(self) -> None:
        in_utc(self, "generated_at")


class SecurityEventNotificationResponse(Response, kw_only=True, frozen=True):
    """The event was taken note of."""


class SecurityEventNotification(Request[SecurityEventNotificationResponse], kw_only=True, frozen=True):
    """Something that concerns security happened at the station."""

    type: Text50
    timestamp: Timestamp
    tech_info: Text255 | None = None

    def __post_init__(self) -> None:
        in_utc(self, "timestamp")


class FirmwareStatusNotificationResponse(Response, kw_only=True, frozen=True):
    """The state was taken note of."""


class FirmwareStatusNotification(Request[FirmwareStatusNotificationResponse], kw_only=True, frozen=True):
    """How a firmware update of the station goes."""

    status: Text50
    request_id: Integer | None = None
    status_info: Annotated[StatusInfo | None, SINCE_21] = None


class DataTransferStatus(StrEnum):
    """Whether the receiver understood."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_MESSAGE_ID = "UnknownMessageId"
    UNKNOWN_VENDOR_ID = "UnknownVendorId"


class DataTransferResponse(Response, kw_only=True, frozen=True):
    """Whether the receiver understood, with data of its own."""

    status: DataTransferStatus
    status_info: StatusInfo | None = None
    data: Any = None


class DataTransfer(Request[DataTransferResponse], kw_only=True, frozen=True):
    """A vendor's own message, in either direction."""

    vendor_id: Text255
    message_id: Text50 | None = None
    data: Any = None
