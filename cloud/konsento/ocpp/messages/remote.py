"""What the server asks of a station: start, stop, availability, messages, unlocking."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from konsento.ocpp.messages.base import SINCE_21, Integer, Json, Natural, Request, Response, Text50, TransactionId
from konsento.ocpp.messages.types import Evse, IdToken, StatusInfo


class StartStopStatus(StrEnum):
    """Whether the station does it."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


class RequestStartTransactionResponse(Response, kw_only=True, frozen=True):
    """Whether the station starts. From our own site, Accepted with a transactionId means that the relay has closed."""

    status: StartStopStatus
    status_info: StatusInfo | None = None
    transaction_id: TransactionId | None = None


class RequestStartTransaction(Request[RequestStartTransactionResponse], kw_only=True, frozen=True):
    """Start. `remote_start_id` names the request: asked again, our own site answers the same."""

    id_token: IdToken
    remote_start_id: Integer
    evse_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    group_id_token: IdToken | None = None
    charging_profile: Json | None = None


class RequestStopTransactionResponse(Response, kw_only=True, frozen=True):
    """Whether the station stops; the Ended event follows."""

    status: StartStopStatus
    status_info: StatusInfo | None = None


class RequestStopTransaction(Request[RequestStopTransactionResponse], kw_only=True, frozen=True):
    """Stop a running transaction."""

    transaction_id: TransactionId


class OperationalStatus(StrEnum):
    """Whether an outlet serves."""

    INOPERATIVE = "Inoperative"
    OPERATIVE = "Operative"


class ChangeAvailabilityStatus(StrEnum):
    """Whether the change happens, at once or after the running transaction."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"


class ChangeAvailabilityResponse(Response, kw_only=True, frozen=True):
    """Whether the change happens."""

    status: ChangeAvailabilityStatus
    status_info: StatusInfo | None = None


class ChangeAvailability(Request[ChangeAvailabilityResponse], kw_only=True, frozen=True):
    """Put an outlet, or without one the whole station, into or out of service."""

    operational_status: OperationalStatus
    evse: Evse | None = None


class TriggerMessageStatus(StrEnum):
    """Whether the message will come."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_IMPLEMENTED = "NotImplemented"


class TriggerMessageResponse(Response, kw_only=True, frozen=True):
    """Whether the message will come."""

    status: TriggerMessageStatus
    status_info: StatusInfo | None = None


class TriggerMessage(Request[TriggerMessageResponse], kw_only=True, frozen=True):
    """Ask the station to send a message now. `requested_message` is its action; `CustomTrigger` is 2.1's."""

    requested_message: Text50
    evse: Evse | None = None
    custom_trigger: Annotated[Text50 | None, SINCE_21] = None


class UnlockStatus(StrEnum):
    """What became of the connector's lock."""

    UNLOCKED = "Unlocked"
    UNLOCK_FAILED = "UnlockFailed"
    ONGOING_AUTHORIZED_TRANSACTION = "OngoingAuthorizedTransaction"
    UNKNOWN_CONNECTOR = "UnknownConnector"


class UnlockConnectorResponse(Response, kw_only=True, frozen=True):
    """What became of the connector's lock."""

    status: UnlockStatus
    status_info: StatusInfo | None = None


class UnlockConnector(Request[UnlockConnectorResponse], kw_only=True, frozen=True):
    """Unlock the cable of a connector (for stations that lock; a bare outlet does not)."""

    evse_id: Natural
    connector_id: Natural
