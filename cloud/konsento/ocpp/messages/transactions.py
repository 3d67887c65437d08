"""A transaction from the station's side: its events, its readings, its state."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from konsento.ocpp.messages.base import (
    SINCE_21,
    Integer,
    Json,
    Natural,
    Request,
    Response,
    Text50,
    Timestamp,
    TransactionId,
    check_number,
    in_utc,
)
from konsento.ocpp.messages.types import (
    Evse,
    IdToken,
    IdTokenInfo,
    MessageContent,
    MeterValue,
    TransactionInfo,
    TransactionLimit,
)


class TransactionEventType(StrEnum):
    """Where in its life a transaction is."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


class TransactionEventResponse(Response, kw_only=True, frozen=True):
    """The event is kept. Whatever is set here also tells the station something."""

    total_cost: Decimal | None = None
    """Running or final cost with tax; 0 says free, absent says nothing."""
    charging_priority: Integer | None = None
    id_token_info: IdTokenInfo | None = None
    transaction_limit: Annotated[TransactionLimit | None, SINCE_21] = None
    updated_personal_message: MessageContent | None = None
    updated_personal_message_extra: Annotated[
        Annotated[list[MessageContent], Meta(min_length=1, max_length=4)] | None, SINCE_21
    ] = None

    def __post_init__(self) -> None:
        check_number(self.total_cost)


class TransactionEvent(Request[TransactionEventResponse], kw_only=True, frozen=True):
    """Something happened in a transaction. `evse`, `id_token` and `remote_start_id` may come only once in its life."""

    event_type: TransactionEventType
    timestamp: Timestamp
    trigger_reason: Text50
    seq_no: Natural
    """Counts the events of this transaction."""
    transaction_info: TransactionInfo
    offline: bool = False
    """It happened while the station had no link: history, nothing to act on at once."""
    meter_value: Annotated[list[MeterValue], Meta(min_length=1)] | None = None
    evse: Evse | None = None
    id_token: IdToken | None = None
    number_of_phases_used: Natural | None = None
    cable_max_current: Integer | None = None
    reservation_id: Integer | None = None
    cost_details: Annotated[Json | None, SINCE_21] = None
    preconditioning_status: Annotated[Text50 | None, SINCE_21] = None
    evse_sleep: Annotated[bool | None, SINCE_21] = None

    def __post_init__(self) -> None:
        in_utc(self, "timestamp")


class MeterValuesResponse(Response, kw_only=True, frozen=True):
    """The readings were taken note of."""


class MeterValues(Request[MeterValuesResponse], kw_only=True, frozen=True):
    """Readings of an outlet outside a transaction. Nothing is billed from them."""

    evse_id: Natural
    meter_value: Annotated[list[MeterValue], Meta(min_length=1)]


class GetTransactionStatusResponse(Response, kw_only=True, frozen=True):
    """Whether the transaction goes on, and whether the station still holds messages about it."""

    messages_in_queue: bool
    ongoing_indicator: bool | None = None


class GetTransactionStatus(Request[GetTransactionStatusResponse], kw_only=True, frozen=True):
    """Ask about a transaction, or without an id whether any message waits."""

    transaction_id: TransactionId | None = None
