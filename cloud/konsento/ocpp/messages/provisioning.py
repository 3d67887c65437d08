"""A station introduces itself, keeps in touch, and shows and changes its device model."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from konsento.ocpp.messages.base import (
    SINCE_21,
    Body,
    Integer,
    Natural,
    Request,
    Response,
    Text20,
    Text50,
    Text2500,
    Timestamp,
    check_number,
    in_utc,
)
from konsento.ocpp.messages.types import Attribute, Component, StatusInfo, Variable


class RegistrationStatus(StrEnum):
    """Whether the server takes the station."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class Modem(Body, kw_only=True, frozen=True):
    """The station's mobile modem."""

    iccid: Text20 | None = None
    imsi: Text20 | None = None


class ChargingStation(Body, kw_only=True, frozen=True):
    """What the station is."""

    model: Text20
    vendor_name: Text50
    serial_number: Annotated[str, Meta(max_length=25)] | None = None
    firmware_version: Text50 | None = None
    modem: Modem | None = None


class BootNotificationResponse(Response, kw_only=True, frozen=True):
    """`interval` is seconds: between heartbeats when accepted, before the next try otherwise."""

    current_time: Timestamp
    interval: Natural
    status: RegistrationStatus
    status_info: StatusInfo | None = None

    def __post_init__(self) -> None:
        in_utc(self, "current_time")


class BootNotification(Request[BootNotificationResponse], kw_only=True, frozen=True):
    """The station has started. Its counters may begin anew."""

    charging_station: ChargingStation
    reason: Text50


class HeartbeatResponse(Response, kw_only=True, frozen=True):
    """The server's time, by which the station sets its clock."""

    current_time: Timestamp

    def __post_init__(self) -> None:
        in_utc(self, "current_time")


class Heartbeat(Request[HeartbeatResponse], kw_only=True, frozen=True):
    """The station is there."""


class VariableAttribute(Body, kw_only=True, frozen=True):
    """A value of a variable in a report."""

    type: Attribute = Attribute.ACTUAL
    value: Text2500 | None = None
    mutability: Text20 | None = None
    persistent: bool = False
    constant: bool = False


class VariableCharacteristics(Body, kw_only=True, frozen=True):
    """What values a variable takes."""

    data_type: Text20
    supports_monitoring: bool
    unit: Annotated[str, Meta(max_length=16)] | None = None
    min_limit: Decimal | None = None
    max_limit: Decimal | None = None
    max_elements: Annotated[Natural | None, SINCE_21] = None
    values_list: Annotated[str, Meta(max_length=1000)] | None = None

    def __post_init__(self) -> None:
        check_number(self.min_limit)
        check_number(self.max_limit)


class ReportData(Body, kw_only=True, frozen=True):
    """One variable of the device model."""

    component: Component
    variable: Variable
    variable_attribute: Annotated[list[VariableAttribute], Meta(min_length=1, max_length=4)]
    variable_characteristics: VariableCharacteristics | None = None


class NotifyReportResponse(Response, kw_only=True, frozen=True):
    """The page was taken."""


class NotifyReport(Request[NotifyReportResponse], kw_only=True, frozen=True):
    """A page of the device model; `tbc` says that more pages follow."""

    request_id: Integer
    generated_at: Timestamp
    seq_no: Natural
    tbc: bool = False
    report_data: Annotated[list[ReportData], Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        in_utc(self, "generated_at")


class DeviceModelStatus(StrEnum):
    """Whether a report will come."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"
    EMPTY_RESULT_SET = "EmptyResultSet"


class ReportBase(StrEnum):
    """How much of the device model to report."""

    CONFIGURATION_INVENTORY = "ConfigurationInventory"
    FULL_INVENTORY = "FullInventory"
    SUMMARY_INVENTORY = "SummaryInventory"


class GetBaseReportResponse(Response, kw_only=True, frozen=True):
    """Whether the report will come, as NotifyReport pages with the same requestId."""

    status: DeviceModelStatus
    status_info: StatusInfo | None = None


class GetBaseReport(Request[GetBaseReportResponse], kw_only=True, frozen=True):
    """Ask for the device model."""

    request_id: Integer
    report_base: ReportBase


class SetVariableStatus(StrEnum):
    """Whether one variable was set."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_COMPONENT = "UnknownComponent"
    UNKNOWN_VARIABLE = "UnknownVariable"
    NOT_SUPPORTED_ATTRIBUTE_TYPE = "NotSupportedAttributeType"
    REBOOT_REQUIRED = "RebootRequired"


class SetVariableData(Body, kw_only=True, frozen=True):
    """One variable to set. 2.0.1 takes at most 1,000 characters."""

    component: Component
    variable: Variable
    attribute_value: Text2500
    attribute_type: Attribute = Attribute.ACTUAL


class SetVariableResult(Body, kw_only=True, frozen=True):
    """What became of one variable."""

    attribute_status: SetVariableStatus
    component: Component
    variable: Variable
    attribute_type: Attribute = Attribute.ACTUAL
    attribute_status_info: StatusInfo | None = None


class SetVariablesResponse(Response, kw_only=True, frozen=True):
    """A result for each variable."""

    set_variable_result: Annotated[list[SetVariableResult], Meta(min_length=1)]


class SetVariables(Request[SetVariablesResponse], kw_only=True, frozen=True):
    """Set variables of the device model."""

    set_variable_data: Annotated[list[SetVariableData], Meta(min_length=1)]


class GetVariableStatus(StrEnum):
    """Whether one variable was read."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_COMPONENT = "UnknownComponent"
    UNKNOWN_VARIABLE = "UnknownVariable"
    NOT_SUPPORTED_ATTRIBUTE_TYPE = "NotSupportedAttributeType"


class GetVariableData(Body, kw_only=True, frozen=True):
    """One variable to read."""

    component: Component
    variable: Variable
    attribute_type: Attribute = Attribute.ACTUAL


class GetVariableResult(Body, kw_only=True, frozen=True):
    """The value of one variable, where it was read."""

    attribute_status: GetVariableStatus
    component: Component
    variable: Variable
    attribute_type: Attribute = Attribute.ACTUAL
    attribute_value: Text2500 | None = None
    attribute_status_info: StatusInfo | None = None


class GetVariablesResponse(Response, kw_only=True, frozen=True):
    """A result for each variable."""

    get_variable_result: Annotated[list[GetVariableResult], Meta(min_length=1)]


class GetVariables(Request[GetVariablesResponse], kw_only=True, frozen=True):
    """Read variables of the device model."""

    get_variable_data: Annotated[list[GetVariableData], Meta(min_length=1)]


class ResetType(StrEnum):
    """When to restart. `ImmediateAndResume` is 2.1's."""

    IMMEDIATE = "Immediate"
    ON_IDLE = "OnIdle"
    IMMEDIATE_AND_RESUME = "ImmediateAndResume"


class ResetStatus(StrEnum):
    """Whether the station restarts."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"


class ResetResponse(Response, kw_only=True, frozen=True):
    """Whether the station restarts."""

    status: ResetStatus
    status_info: StatusInfo | None = None


class Reset(Request[ResetResponse], kw_only=True, frozen=True):
    """Restart the station, or one outlet."""

    type: ResetType
    evse_id: Natural | None = None
