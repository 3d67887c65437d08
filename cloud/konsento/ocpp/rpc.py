"""The calls of one connection, in both directions: one outstanding each way, bounded queues, every call answered."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any, Final, Protocol

from konsento.kit.db import is_away
from konsento.kit.ids import new_id
from konsento.models import Direction
from konsento.ocpp.codec import (
    RESPONSES,
    BadFrameError,
    ErrorCode,
    Frame,
    FrameType,
    read_frame,
    read_raw_response,
    read_request,
    read_response,
    write_call,
    write_error,
    write_raw_call,
    write_result,
)
from konsento.ocpp.errors import CallRefused, CallTimeout, StationBusy, StationOffline
from konsento.ocpp.handlers import Handlers
from konsento.ocpp.journal import Journal
from konsento.ocpp.lines import Line, Lines
from konsento.ocpp.messages import Request, Response, Version
from konsento.ocpp.raw_calls import check_raw
from konsento.ocpp.registration import NotRegisteredError, Registration
from konsento.ocpp.v201 import NotInVersionError

log = logging.getLogger(__name__)

MAX_UNANSWERED: Final = 32
"""Calls of a station that may wait for our answers. OCPP allows one; a station far beyond it is not speaking OCPP."""
MAX_WAITING_CALLS: Final = 16
"""Calls of ours that may wait for their turn on one connection."""


class TooManyCallsError(Exception):
    """The station sends calls without waiting for answers."""


class Link(Protocol):
    """What carries the frames."""

    async def send(self, text: str) -> None:
        """Send a frame; raises ConnectionError where the link is gone."""

    async def close(self, code: int, reason: str) -> None:
        """Close with a WebSocket close code."""


class Connection:
    """One station's connection. Frames go in by `receive`; `call` asks the station something."""

    def __init__(
        self,
        station_id: str,
        version: Version,
        handlers: Handlers | Registration,
        link: Link,
        journal: Journal | None = None,
        *,
        line: Line | None = None,
    ) -> None:
        self.station_id = station_id
        self.version = version
        self._handlers = handlers
        self._link = link
        self._journal = journal
        self._closed = False
        self._draining = False
        # What waits to be answered, in order: a call, or the finished answer to a frame that was none.
        self._unanswered: deque[Frame | str] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._waiting_calls = 0
        self._own_call_id: str | None = None
        self._own_answer: asyncio.Future[Frame | BadFrameError | None] | None = None
        self.line = line or Lines().open(station_id, version)
        """What is measured on it."""
        self.line.unanswered = lambda: len(self._unanswered) + (self._worker is not None)

    @property
    def open(self) -> bool:
        """Whether calls can be made."""
        return not self._closed

    def receive(self, text: str) -> None:
        """Take a frame, whatever is in it. Returns at once; raises TooManyCallsError beyond the bound of the queue."""
        if self._closed:
            return
        self.line.heard()
        if self._journal is not None:
            self._journal.note(self.station_id, Direction.IN, text)
        try:
            frame = read_frame(text, self.version)
        except BadFrameError as error:
            self._refuse(error, "frame")
            return
        match frame.type:
            case FrameType.CALL:
                self._enqueue(frame)
            case FrameType.CALLRESULT | FrameType.CALLERROR:
                self._take_answer(frame)
            case FrameType.CALLRESULTERROR:
                log.warning(
                    "station %s could not read our answer to %s: %s",
                    self.station_id,
                    frame.message_id,
                    frame.error_code,
                )
            case FrameType.SEND:
                self._take_sent(frame)

    async def call[R: Response](self, request: Request[R], *, timeout_s: float) -> R:
        """Ask the station; raises as `StationRouter.call` does."""
        action = type(request).__name__
        message_id = str(new_id())
        try:
            text = write_call(message_id, request, self.version)
        except NotInVersionError as error:
            raise CallRefused(self.station_id, action, ErrorCode.NOT_SUPPORTED, str(error)) from error
        kind: type[Any] = RESPONSES[type(request)]
        answer: R = await self._ask(action, message_id, text, lambda frame: read_response(kind, frame), timeout_s)
        return answer

    async def call_raw(self, action: str, payload: dict[str, Any], *, timeout_s: float) -> dict[str, Any]:
        """Ask the station something as it is; raises as `StationRouter.call_raw` does."""
        check_raw(self.station_id, action, payload, self.version)
        message_id = str(new_id())
        text = write_raw_call(message_id, action, payload)
        return await self._ask(action, message_id, text, read_raw_response, timeout_s)

    def close(self) -> None:
        """Take and send nothing more, because the link is gone or about to go; a call under way fails.

        A handler that runs goes on to its end, so that it commits or rolls back as a whole; the station, left without
        an answer, sends the message again.
        """
        self._closed = True
        self._unanswered.clear()
        self._own_answered(None)

    async def hang_up(self, code: int, reason: str) -> None:
        """Close connection and link with a WebSocket close code."""
        self.close()
        await self._link.close(code, reason)

    async def drain(self, timeout_s: float) -> None:
        """Take no more calls and wait until those taken are answered, `timeout_s` at most."""
        self._draining = True
        if self._worker is not None:
            await asyncio.wait({self._worker}, timeout=timeout_s)

    async def _send(self, text: str) -> None:
        self.line.said()
        if self._journal is not None:
            self._journal.note(self.station_id, Direction.OUT, text)
        await self._link.send(text)

    def _enqueue(self, item: Frame | str) -> None:
        if self._draining:
            return
        if len(self._unanswered) >= MAX_UNANSWERED:
            raise TooManyCallsError
        self._unanswered.append(item)
        if self._worker is None:
            # Eager: an answer that needs no waiting leaves before the reader takes the next frame.
            task = asyncio.create_task(self._answer_all(), name=f"ocpp {self.station_id}", eager_start=True)
            if not task.done():
                self._worker = task

    async def _answer_all(self) -> None:
        try:
            while self._unanswered:
                item = self._unanswered.popleft()
                text = item if isinstance(item, str) else await self._answer(item)
                if self._closed:
                    return
                await self._send(text)
        except ConnectionError:
            log.debug("station %s left before its answer", self.station_id)
            self.close()
        finally:
            self._worker = None

    async def _answer(self, frame: Frame) -> str:
        began = perf_counter()
        try:
            request = self._read(frame)
        except BadFrameError as error:
            self._log_refusal(error, _printable(frame.action))
            self.line.refuse(frame.action, error.code)
            return self._error(error.message_id, error.code, error.description)
        log.debug("from station %s: %s %s", self.station_id, frame.action, frame.message_id)
        try:
            text = await self._result(frame, request)
        except NotRegisteredError:
            log.info("station %s: %s before it was accepted", self.station_id, _printable(frame.action))
            return self._error(frame.message_id, ErrorCode.SECURITY_ERROR, "wait until BootNotification is accepted")
        except Exception as error:  # whatever a handler raises, the station must hear that its message was not kept
            where = (self.station_id, frame.action, frame.message_id)
            if is_away(error):
                log.error("station %s: %s %r was not kept: the database is away", *where)  # noqa: TRY400  # no traceback
            else:
                log.exception("station %s: %s %r was not kept", *where)
            self.line.refuse(frame.action, ErrorCode.INTERNAL_ERROR)
            return self._error(frame.message_id, ErrorCode.INTERNAL_ERROR, "the message was not kept; send it again")
        self.line.answered(frame.action, request, perf_counter() - began)
        return text

    # What another version than 2.x does in its own way (`ocpp.v16`).

    def _read(self, frame: Frame) -> Any:
        return read_request(frame, self.version)

    async def _result(self, frame: Frame, request: Any) -> str:
        response = await self._handlers.answer(self.station_id, request)
        return write_result(frame.message_id, response, self.version)

    def _error(self, message_id: str, code: ErrorCode, description: str) -> str:
        return write_error(message_id, code, description)

    def _refuse(self, error: BadFrameError, what: str) -> None:
        self._log_refusal(error, what)
        self.line.refuse(what, error.code)
        if error.answerable:
            self._enqueue(self._error(error.message_id, error.code, error.description))
        elif error.message_id == self._own_call_id:
            self._own_answered(error)

    def _log_refusal(self, error: BadFrameError, what: str) -> None:
        # Only the code: the description may quote what came.
        log.warning("station %s: unreadable %s (%r): %s", self.station_id, what, error.message_id, error.code)

    def _take_sent(self, frame: Frame) -> None:
        # In the journal it stands already, and there nothing more is done with it: nobody here decides by it.
        try:
            read_request(frame, self.version)
        except BadFrameError as error:
            self._log_refusal(error, _printable(frame.action))

    def _take_answer(self, frame: Frame) -> None:
        if frame.message_id != self._own_call_id or not self._own_answered(frame):
            log.warning("station %s: answer %r is late or to nothing we asked", self.station_id, frame.message_id)

    def _own_answered(self, answer: Frame | BadFrameError | None) -> bool:
        """End the call under way; False where none is, or it has its answer already."""
        if self._own_answer is None or self._own_answer.done():
            return False
        self._own_answer.set_result(answer)
        return True

    async def _ask[A](self, action: str, message_id: str, text: str, read: Callable[[Frame], A], timeout_s: float) -> A:
        """Send a call when its turn has come, and read its answer."""
        with self.line.calling(action):
            return await self._asked(action, message_id, text, read, timeout_s)

    async def _asked[A](
        self, action: str, message_id: str, text: str, read: Callable[[Frame], A], timeout_s: float
    ) -> A:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        await self._wait_for_turn(action, deadline)
        try:
            if self._closed:
                raise StationOffline(self.station_id, action)
            self._own_call_id, self._own_answer = message_id, loop.create_future()
            self.line.asked(action)
            log.debug("to station %s: %s %s", self.station_id, action, message_id)
            async with asyncio.timeout_at(deadline):
                await self._send(text)
                answer = await self._own_answer
        except TimeoutError as error:
            log.warning("station %s did not answer %s %s in time", self.station_id, action, message_id)
            raise CallTimeout(self.station_id, action, "no answer in time") from error
        except ConnectionError as error:
            raise CallTimeout(self.station_id, action, "link lost") from error
        finally:
            self._own_call_id = self._own_answer = None
            self._turn.release()
        if answer is None:
            raise CallTimeout(self.station_id, action, "link lost")
        try:
            if isinstance(answer, BadFrameError):
                raise answer
            if answer.type is FrameType.CALLERROR:
                code, description = answer.error_code, answer.error_description
                log.warning("station %s refused %s %s: %s", self.station_id, action, message_id, _printable(code))
                raise CallRefused(self.station_id, action, code, description)
            return read(answer)
        except BadFrameError as error:
            await self._tell_unreadable(action, message_id, error)
            raise CallTimeout(self.station_id, action, "unreadable answer") from error

    async def _tell_unreadable(self, action: str, message_id: str, error: BadFrameError) -> None:
        self._log_refusal(error, f"answer to {action}")
        # There is such a word for a CALLRESULT alone.
        if self.version is Version.V21 and error.frame_type is FrameType.CALLRESULT:
            text = write_error(message_id, error.code, error.description, frame_type=FrameType.CALLRESULTERROR)
            with suppress(ConnectionError):
                await self._send(text)

    async def _wait_for_turn(self, action: str, deadline: float) -> None:
        if self._closed:
            raise StationOffline(self.station_id, action)
        if self._waiting_calls >= MAX_WAITING_CALLS:
            raise StationBusy(self.station_id, action)
        self._waiting_calls += 1
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StationBusy(self.station_id, action) from error
        finally:
            self._waiting_calls -= 1


def _printable(text: str) -> str:
    # What a station made up goes into the log as one short line.
    return repr(text[:50])
