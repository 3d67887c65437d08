"""The connection of a station of 1.6: reads and writes 1.6, and speaks 2.1 with the floors above."""

import asyncio
import json
import logging
from typing import Any, Final, override

import msgspec

from konsento.kit.clock import Clock
from konsento.kit.ids import new_id
from konsento.ocpp.actions import to_station
from konsento.ocpp.codec import BadFrameError, ErrorCode, Frame, FrameType, read_payload
from konsento.ocpp.errors import CallRefused, CallTimeout
from konsento.ocpp.handlers import Handlers
from konsento.ocpp.journal import Journal
from konsento.ocpp.lines import Line
from konsento.ocpp.messages import (
    Authorize,
    AuthorizeResponse,
    BootNotificationResponse,
    DataTransfer,
    DataTransferResponse,
    FirmwareStatusNotification,
    GetBaseReport,
    GetTransactionStatus,
    GetTransactionStatusResponse,
    Heartbeat,
    HeartbeatResponse,
    Request,
    Response,
    SecurityEventNotification,
    SetVariables,
    TransactionEventResponse,
    Version,
)
from konsento.ocpp.registration import Registration
from konsento.ocpp.rpc import Connection, Link
from konsento.ocpp.v16 import incoming, outgoing
from konsento.ocpp.v16 import messages as v16
from konsento.ocpp.v16.messages import ChargePointStatus
from konsento.ocpp.v16.transactions import Transactions
from konsento.ocpp.v201 import NotInVersionError

log = logging.getLogger(__name__)

_decoders: Final[dict[str, msgspec.json.Decoder[v16.Part]]] = {
    kind.__name__: msgspec.json.Decoder(kind, strict=False) for kind in v16.FROM_STATION
}
_CODES: Final = {
    # 1.6-J, 4.2.3, has fewer, and two of them in a spelling of their own.
    ErrorCode.FORMAT_VIOLATION: "FormationViolation",
    ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED: "GenericError",
    ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION: "OccurenceConstraintViolation",
    ErrorCode.RPC_FRAMEWORK_ERROR: "FormationViolation",
}


class Connection16(Connection):
    """A connection whose station speaks 1.6. Its messages are answered by the same handlers as everybody's."""

    def __init__(
        self,
        station_id: str,
        handlers: Handlers | Registration,
        link: Link,
        journal: Journal | None,
        *,
        line: Line | None = None,
        transactions: Transactions,
        clock: Clock,
    ) -> None:
        super().__init__(station_id, Version.V16, handlers, link, journal, line=line)
        self._transactions = transactions
        self._clock = clock
        self._states: dict[int, ChargePointStatus] = {}
        """What each connector last told of itself over this line, since its last transaction began."""

    @override
    async def call[R: Response](self, request: Request[R], *, timeout_s: float) -> R:
        action = type(request).__name__
        until = asyncio.get_running_loop().time() + timeout_s
        if isinstance(request, GetTransactionStatus):
            status: Any = await self._transaction_status(request, until)
            return status  # type: ignore[no-any-return]  # the answer of that request
        try:
            calls = outgoing.calls_for(request)
        except NotInVersionError as error:
            raise CallRefused(self.station_id, action, ErrorCode.NOT_SUPPORTED, str(error)) from error
        answers = []
        for called, payload in calls:
            try:
                answers.append(await self._ask_16(called, payload, until))
            except CallRefused:
                if not isinstance(request, SetVariables):
                    raise
                # One setting that it does not have is no reason to keep the others from it.
                answers.append(v16.Status(status="NotSupported"))
        if isinstance(request, GetBaseReport):
            settings = [answer for answer in answers if isinstance(answer, v16.Configuration)]
            page = outgoing.report(request, settings, self._clock.now())
            await self._handlers.answer(self.station_id, page)
        try:
            answer: Any = outgoing.answer_to(request, answers)
        except ValueError as error:
            raise CallTimeout(self.station_id, action, "unreadable answer") from error
        return answer  # type: ignore[no-any-return]  # the answer of that request

    async def _ask_16(self, action: str, payload: dict[str, Any], until: float) -> v16.Part:
        message_id = str(new_id())
        text = json.dumps([FrameType.CALL, message_id, action, payload], separators=(",", ":"))
        decoder: msgspec.json.Decoder[v16.Part] = msgspec.json.Decoder(outgoing.kind_of_answer(action))
        left_s = until - asyncio.get_running_loop().time()
        return await self._ask(action, message_id, text, lambda frame: read_payload(decoder, frame), left_s)

    async def _transaction_status(self, request: GetTransactionStatus, until: float) -> GetTransactionStatusResponse:
        """Answer what 1.6 cannot be asked from the state of the connector; where that is not known, ask for it."""
        number = outgoing.transaction_number(request.transaction_id or "")
        connector = await self._transactions.connector(self.station_id, number) if number is not None else None
        if connector is None:
            raise CallRefused(self.station_id, "GetTransactionStatus", ErrorCode.NOT_SUPPORTED)
        state = self._states.get(connector)
        if state is None:
            wanted = {"requestedMessage": "StatusNotification", "connectorId": connector}
            await self._ask_16("TriggerMessage", wanted, until)
            return GetTransactionStatusResponse(messages_in_queue=True)
        # Without its StopTransaction; a station that has one sends it before it tells anything else (1.6, 3.7).
        on = state in incoming.OCCUPIED - incoming.PLUGGED
        return GetTransactionStatusResponse(messages_in_queue=False, ongoing_indicator=on)

    @override
    def _read(self, frame: Frame) -> v16.Part:
        decoder = _decoders.get(frame.action)
        if decoder is None:
            known = frame.action in to_station(Version.V16)
            code = ErrorCode.NOT_SUPPORTED if known else ErrorCode.NOT_IMPLEMENTED
            raise BadFrameError(code, "this server does not take it", message_id=frame.message_id)
        return read_payload(decoder, frame)

    @override
    async def _result(self, frame: Frame, request: v16.Part) -> str:
        payload = await self._taken(request)
        return json.dumps([FrameType.CALLRESULT, frame.message_id, payload], separators=(",", ":"))

    @override
    def _error(self, message_id: str, code: ErrorCode, description: str) -> str:
        name = _CODES.get(code, code.value)
        return json.dumps([FrameType.CALLERROR, message_id, name, description[:255], {}], separators=(",", ":"))

    async def _ask_above(self, message: Request[Any]) -> Any:
        return await self._handlers.answer(self.station_id, message)

    async def _taken(self, message: v16.Part) -> dict[str, Any]:
        """Have a message answered above, and return the payload of the answer."""
        match message:
            case v16.StartTransaction() | v16.MeterValues() | v16.StopTransaction():
                return await self._metered(message)
            case v16.BootNotification():
                self._states.clear()
                booted: BootNotificationResponse = await self._ask_above(incoming.boot(message))
                at = incoming.wire_time(booted.current_time)
                return {"status": booted.status.value, "currentTime": at, "interval": booted.interval}
            case v16.Heartbeat():
                beat: HeartbeatResponse = await self._ask_above(Heartbeat())
                return {"currentTime": incoming.wire_time(beat.current_time)}
            case v16.Authorize():
                about: AuthorizeResponse = await self._ask_above(Authorize(id_token=incoming.token(message.id_tag)))
                return {"idTagInfo": incoming.id_tag_info(about.id_token_info)}
            case v16.StatusNotification():
                self._states[message.connector_id] = message.status
                await self._ask_above(incoming.status(message, self._clock.now()))
            case v16.DataTransfer():
                return await self._data(message)
            case v16.FirmwareStatusNotification() | v16.SignedFirmwareStatusNotification():
                number = message.request_id if isinstance(message, v16.SignedFirmwareStatusNotification) else None
                await self._ask_above(FirmwareStatusNotification(status=message.status, request_id=number))
            case v16.SecurityEventNotification():
                event = SecurityEventNotification(
                    type=message.type, timestamp=message.timestamp, tech_info=message.tech_info
                )
                await self._ask_above(event)
            case v16.SignCertificate():
                return {"status": "Rejected"}
            case _:
                log.info("station %s: %s", self.station_id, type(message).__name__)
        return {}

    async def _metered(self, message: v16.StartTransaction | v16.MeterValues | v16.StopTransaction) -> dict[str, Any]:
        if isinstance(message, v16.StartTransaction):
            # One that is held is turned away here, before it has taken a number.
            await self._ask_above(Heartbeat())
            place = await self._transactions.start(self.station_id, message)
            # What the connector was before says nothing about this transaction.
            self._states.pop(message.connector_id, None)
            answer: TransactionEventResponse = await self._ask_above(incoming.started(message, place))
            return {"transactionId": place.number, "idTagInfo": incoming.id_tag_info(answer.id_token_info)}
        if isinstance(message, v16.StopTransaction):
            found = await self._transactions.stop(self.station_id, message)
            if found is None:
                log.warning("station %s: transaction %d ends and is not known", self.station_id, message.transaction_id)
            else:
                await self._ask_above(incoming.ended(message, found))
            return {}
        read = await self._transactions.reading(self.station_id, message)
        if read is not None:
            event = incoming.updated(message, read)
            if event is not None:
                await self._ask_above(event)
        elif message.transaction_id is None and (values := incoming.readings(message)) is not None:
            await self._ask_above(values)
        return {}

    async def _data(self, message: v16.DataTransfer) -> dict[str, Any]:
        told = DataTransfer(vendor_id=message.vendor_id, message_id=message.message_id, data=message.data)
        answer: DataTransferResponse = await self._ask_above(told)
        if answer.data is None:
            return {"status": answer.status.value}
        data = answer.data if isinstance(answer.data, str) else json.dumps(answer.data, separators=(",", ":"))
        return {"status": answer.status.value, "data": data}
