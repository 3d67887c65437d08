"""Who answers what a station asks: upper floors register a handler per message, most have an answer of our own."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from konsento.kit.clock import Clock
from konsento.ocpp import others
from konsento.ocpp.codec import RESPONSES
from konsento.ocpp.messages import (
    AuthorizationStatus,
    Authorize,
    AuthorizeResponse,
    BootNotification,
    BootNotificationResponse,
    DataTransfer,
    DataTransferResponse,
    DataTransferStatus,
    FirmwareStatusNotification,
    FirmwareStatusNotificationResponse,
    Heartbeat,
    HeartbeatResponse,
    IdTokenInfo,
    MeterValues,
    MeterValuesResponse,
    NotifyEvent,
    NotifyEventResponse,
    NotifyReport,
    NotifyReportResponse,
    RegistrationStatus,
    Request,
    Response,
    SecurityEventNotification,
    SecurityEventNotificationResponse,
    StatusNotification,
    StatusNotificationResponse,
)
from konsento.ocpp.others import OtherMessage

type Handler[M: Request[Any]] = Callable[[str, M], Awaitable[Response | None]]
"""Called with the station's id and the message. None means: the answer of our own (see `Handlers`) will do."""


class NoHandlerError(Exception):
    """Nobody answers this message. The station gets InternalError, so that it keeps the message and tries again."""


class Handlers:
    """The registered handlers. A message is answered only after its handler has returned.

    A handler commits what must not be lost before it returns. What it raises becomes CALLERROR InternalError and the
    station tries again, so for a business reason it returns an answer instead. Handlers of one connection run one after
    the other, in the order of the messages; those of several stations run at the same time.

    Without a handler, or where it returns None, BootNotification is accepted, Heartbeat tells the time, the
    notifications are taken, an idToken is unknown and so is the vendor of a DataTransfer. TransactionEvent has no such
    answer: an event that nobody keeps is not acknowledged. What has no class of its own is answered by `ocpp.others`.
    """

    def __init__(self, clock: Clock, *, heartbeat_interval_s: int = 60) -> None:
        self.clock = clock
        self._heartbeat_interval_s = heartbeat_interval_s
        self._handlers: dict[type[Request[Any]], Handler[Any]] = {}
        self._own_answers: dict[type[Request[Any]], Callable[[], Response]] = {
            Authorize: lambda: AuthorizeResponse(id_token_info=IdTokenInfo(status=AuthorizationStatus.UNKNOWN)),
            BootNotification: self.boot_answer,
            DataTransfer: lambda: DataTransferResponse(status=DataTransferStatus.UNKNOWN_VENDOR_ID),
            FirmwareStatusNotification: FirmwareStatusNotificationResponse,
            Heartbeat: lambda: HeartbeatResponse(current_time=self._wire_time()),
            MeterValues: MeterValuesResponse,
            NotifyEvent: NotifyEventResponse,
            NotifyReport: NotifyReportResponse,
            SecurityEventNotification: SecurityEventNotificationResponse,
            StatusNotification: StatusNotificationResponse,
        }

    def on[M: Request[Any]](self, message: type[M]) -> Callable[[Handler[M]], Handler[M]]:
        """Register the decorated function for that message; ValueError where it has a handler already."""

        def register(handler: Handler[M]) -> Handler[M]:
            if message in self._handlers:
                raise ValueError(f"{message.__name__} has a handler already")
            self._handlers[message] = handler
            return handler

        return register

    async def answer(self, station_id: str, message: Request[Any] | OtherMessage) -> Response | others.Answer:
        """Return the answer to a message of that station.

        Raises what the handler raises, TypeError where the handler's answer belongs to another message, and
        NoHandlerError where there is no answer.
        """
        if isinstance(message, OtherMessage):
            return others.answer(message, self._wire_time())
        kind = type(message)
        handler = self._handlers.get(kind)
        answer = await handler(station_id, message) if handler is not None else None
        if answer is None:
            own = self._own_answers.get(kind)
            if own is None:
                raise NoHandlerError(f"nobody answers {kind.__name__}")
            return own()
        if not isinstance(answer, RESPONSES[kind]):
            raise TypeError(f"the handler of {kind.__name__} returned a {type(answer).__name__}")
        return answer

    def boot_answer(
        self, status: RegistrationStatus = RegistrationStatus.ACCEPTED, interval_s: int | None = None
    ) -> BootNotificationResponse:
        """Return the answer to a BootNotification; without `interval_s` it names the interval between heartbeats."""
        return BootNotificationResponse(
            current_time=self._wire_time(),
            interval=self._heartbeat_interval_s if interval_s is None else interval_s,
            status=status,
        )

    def _wire_time(self) -> datetime:
        # OCPP allows at most three decimals of a second.
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
