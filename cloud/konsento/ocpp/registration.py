"""Between an unknown station and the handlers until the operator has accepted it (2.1 part 2, B02 and B03)."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from konsento.ocpp import others
from konsento.ocpp.handlers import Handlers
from konsento.ocpp.messages import (
    BootNotification,
    NotifyReport,
    RegistrationStatus,
    Request,
    Response,
    Version,
)
from konsento.ocpp.others import OtherMessage
from konsento.ocpp.throttle import Throttle

log = logging.getLogger(__name__)

type Register = Callable[[str, Version, BootNotification], Awaitable[RegistrationStatus]]
"""Called with every BootNotification of a station that is held; says whether it is accepted now."""

REJECTED_RETRY_S: Final = 3600
"""When a rejected station may ask again; every answer until then would be the same."""
BOOTS_A_MINUTE: Final = 10
"""A station that boots more often gets the answer of before: the database is not asked for it."""


class NotRegisteredError(Exception):
    """The station has to be accepted first. It gets the CALLERROR SecurityError."""


class Registration:
    """Answers for a station that is held.

    Its BootNotification is answered Pending, with the time after which it may ask again, or Rejected. While it is
    pending it may be asked for its device model, so its reports are taken; everything else is refused with
    SecurityError, and by that not lost: a TransactionEvent that was not acknowledged is kept by the station. The first
    BootNotification after the operator has accepted it is answered Accepted, and from then on the handlers answer.
    """

    def __init__(self, handlers: Handlers, register: Register, version: Version, *, retry_s: int) -> None:
        self._handlers = handlers
        self._register = register
        self._version = version
        self._retry_s = retry_s
        self._status: RegistrationStatus | None = None
        self._boots = Throttle(BOOTS_A_MINUTE, 60.0)

    async def answer(self, station_id: str, message: Request[Any] | OtherMessage) -> Response | others.Answer:
        """Return the answer to a message; raises NotRegisteredError, and what the handlers raise."""
        if isinstance(message, BootNotification) and self._status is not RegistrationStatus.ACCEPTED:
            await self._ask(station_id, message)
        match self._status:
            case RegistrationStatus.ACCEPTED:
                return await self._handlers.answer(station_id, message)
            case RegistrationStatus.PENDING if isinstance(message, BootNotification):
                return self._handlers.boot_answer(RegistrationStatus.PENDING, self._retry_s)
            case RegistrationStatus.REJECTED if isinstance(message, BootNotification):
                return self._handlers.boot_answer(RegistrationStatus.REJECTED, REJECTED_RETRY_S)
            case RegistrationStatus.PENDING if isinstance(message, NotifyReport):
                return await self._handlers.answer(station_id, message)
        raise NotRegisteredError

    async def _ask(self, station_id: str, message: BootNotification) -> None:
        if self._boots.blocked_s(station_id):
            return
        self._boots.fail(station_id)
        status = await self._register(station_id, self._version, message)
        if status is not self._status:
            log.info("station %s: BootNotification answered %s", station_id, status)
        self._status = status
