"""Parts that several messages share."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from konsento.ocpp.messages.base import (
    SINCE_21,
    Body,
    Integer,
    Natural,
    Text20,
    Text50,
    Text255,
    Text1024,
    Timestamp,
    TransactionId,
    check_number,
    in_utc,
)


class StatusInfo(Body, kw_only=True, frozen=True):
    """Why an answer is what it is."""

    reason_code: Text20
    additional_info: Text1024 | None = None


class Evse(Body, kw_only=True, frozen=True):
    """An outlet: OCPP's EVSE, counted from 1; 0 is the whole station."""

    id: Natural
    connector_id: Natural | None = None


class Component(Body, kw_only=True, frozen=True):
    """A component of the station's device model."""

    name: Text50
    instance: Text50 | None = None
    evse: Evse | None = None


class Variable(Body, kw_only=True, frozen=True):
    """A variable of a component of the device model."""

    name: Text50
    instance: Text50 | None = None


class Attribute(StrEnum):
    """Which value of a variable is meant."""

    ACTUAL = "Actual"
    TARGET = "Target"
    MIN_SET = "MinSet"
    MAX_SET = "MaxSet"


class AdditionalInfo(Body, kw_only=True, frozen=True):
    """A further identifier beside an idToken."""

    additional_id_token: Text255
    type: Text50


class IdToken(Body, kw_only=True, frozen=True):
    """Who asks. Ours are 20 random characters of type Central and say nothing about the driver.

    2.0.1 takes only its eight types and 36 characters; 2.1 adds DirectPayment among others.
    """

    id_token: Annotated[str, Meta(max_length=255, pattern=r"\A[^\x00-\x1f]*\Z")]
    type: Text20
    additional_info: Annotated[list[AdditionalInfo], Meta(min_length=1)] | None = None

    def __repr__(self) -> str:
        # An idToken opens an outlet: it must not reach a log through the text of a message.
        return f"IdToken(type={self.type!r}, id_token=…)"


class MessageFormat(StrEnum):
    """How a text for a display is written."""

    ASCII = "ASCII"
    HTML = "HTML"
    URI = "URI"
    UTF8 = "UTF8"
    QRCODE = "QRCODE"


class MessageContent(Body, kw_only=True, frozen=True):
    """A text for the station's display."""

    format: MessageFormat
    content: Text1024
    language: Annotated[str, Meta(max_length=8)] | None = None


class AuthorizationStatus(StrEnum):
    """Whether an idToken may charge."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    CONCURRENT_TX = "ConcurrentTx"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    NO_CREDIT = "NoCredit"
    NOT_ALLOWED_TYPE_EVSE = "NotAllowedTypeEVSE"
    NOT_AT_THIS_LOCATION = "NotAtThisLocation"
    NOT_AT_THIS_TIME = "NotAtThisTime"
    UNKNOWN = "Unknown"


class IdTokenInfo(Body, kw_only=True, frozen=True):
    """What the server says about an idToken."""

    status: AuthorizationStatus
    cache_expiry_date_time: Timestamp | None = None
    charging_priority: Integer | None = None
    group_id_token: IdToken | None = None
    language1: Annotated[str, Meta(max_length=8)] | None = None
    language2: Annotated[str, Meta(max_length=8)] | None = None
    evse_id: Annotated[list[Natural], Meta(min_length=1)] | None = None
    personal_message: MessageContent | None = None

    def __post_init__(self) -> None:
        in_utc(self, "cache_expiry_date_time")


class Measurand(StrEnum):
    """The measurands that the server reads. A station may send others."""

    ENERGY_IMPORT_REGISTER = "Energy.Active.Import.Register"
    POWER_IMPORT = "Power.Active.Import"
    VOLTAGE = "Voltage"
    CURRENT_IMPORT = "Current.Import"


class ReadingContext(StrEnum):
    """The occasions of a reading that the server tells apart. A station may send others."""

    TRANSACTION_BEGIN = "Transaction.Begin"
    TRANSACTION_END = "Transaction.End"
    SAMPLE_PERIODIC = "Sample.Periodic"
    SAMPLE_CLOCK = "Sample.Clock"


class UnitOfMeasure(Body, kw_only=True, frozen=True):
    """The unit of a reading; the value counts in `unit` × 10^`multiplier`."""

    unit: Text20 = "Wh"
    multiplier: Integer = 0


class SignedMeterValue(Body, kw_only=True, frozen=True):
    """A reading signed by the meter."""

    signed_meter_data: Annotated[str, Meta(max_length=32768)]
    encoding_method: Text50
    signing_method: Text50 | None = None
    public_key: Annotated[str, Meta(max_length=2500)] | None = None


class SampledValue(Body, kw_only=True, frozen=True):
    """One reading of one measurand, exactly as the digits came."""

    value: Decimal
    measurand: Text50 = Measurand.ENERGY_IMPORT_REGISTER.value
    context: Text50 = ReadingContext.SAMPLE_PERIODIC.value
    phase: Text20 | None = None
    location: Text20 = "Outlet"
    signed_meter_value: SignedMeterValue | None = None
    unit_of_measure: UnitOfMeasure | None = None

    def __post_init__(self) -> None:
        check_number(self.value)


class MeterValue(Body, kw_only=True, frozen=True):
    """Readings taken at one time."""

    timestamp: Timestamp
    sampled_value: Annotated[list[SampledValue], Meta(min_length=1)]

    def __post_init__(self) -> None:
        in_utc(self, "timestamp")


class TransactionLimit(Body, kw_only=True, frozen=True):
    """The limits of a transaction. 2.0.1 has none."""

    max_cost: Decimal | None = None
    """In the currency of the tariff, tax included."""
    max_energy: Decimal | None = None
    """Wh."""
    max_time: Integer | None = None
    """Seconds."""
    max_so_c: Annotated[int, Meta(ge=0, le=100)] | None = None
    """Per cent."""

    def __post_init__(self) -> None:
        check_number(self.max_cost)
        check_number(self.max_energy)


class TransactionInfo(Body, kw_only=True, frozen=True):
    """Which transaction an event belongs to, and how it stands."""

    transaction_id: TransactionId
    charging_state: Text50 | None = None
    """`Charging`, `SuspendedEVSE`, `SuspendedEV`, `EVConnected`, `Idle`."""
    time_spent_charging: Integer | None = None
    """Seconds in which energy flowed."""
    stopped_reason: Text50 | None = None
    """OCPP's word; absent in Ended means `Local`."""
    remote_start_id: Integer | None = None
    operation_mode: Annotated[Text50 | None, SINCE_21] = None
    tariff_id: Annotated[Annotated[str, Meta(max_length=60)] | None, SINCE_21] = None
    transaction_limit: Annotated[TransactionLimit | None, SINCE_21] = None
