"""Messages to JSON and back, as OCPP-J frames: `[2, id, action, payload]` and its kin."""

import re
from enum import IntEnum, StrEnum
from functools import cache
from typing import Any, Final, get_args

import msgspec
from msgspec import Raw

from konsento.ocpp import messages, schemas
from konsento.ocpp.actions import FROM_STATION, OTHERS_FROM_STATION, SENT_BY_STATION, known_actions
from konsento.ocpp.messages import Body, Request, Response, Version
from konsento.ocpp.others import OtherMessage
from konsento.ocpp.v201 import as_v201

UNREADABLE_ID: Final = "-1"
"""The message id of a CALLERROR about a frame whose own id cannot be read (OCPP-J)."""
MAX_ID_LENGTH: Final = 36
"""Characters of a message id."""


class FrameType(IntEnum):
    """The first element of a frame. The last two came with 2.1."""

    CALL = 2
    CALLRESULT = 3
    CALLERROR = 4
    CALLRESULTERROR = 5
    SEND = 6


class ErrorCode(StrEnum):
    """The error codes of OCPP-J 2.x."""

    FORMAT_VIOLATION = "FormatViolation"
    GENERIC_ERROR = "GenericError"
    INTERNAL_ERROR = "InternalError"
    MESSAGE_TYPE_NOT_SUPPORTED = "MessageTypeNotSupported"
    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    OCCURRENCE_CONSTRAINT_VIOLATION = "OccurrenceConstraintViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    RPC_FRAMEWORK_ERROR = "RpcFrameworkError"
    SECURITY_ERROR = "SecurityError"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"


class BadFrameError(Exception):
    """A frame or a payload that cannot be read: the error code and the sentence that tell the sender why.

    `message_id` and `frame_type` are the frame's own where they could be read.
    """

    def __init__(
        self,
        code: ErrorCode,
        description: str,
        *,
        message_id: str = UNREADABLE_ID,
        frame_type: FrameType | None = None,
    ) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.message_id = message_id
        self.frame_type = frame_type

    @property
    def answerable(self) -> bool:
        """False where the frame was itself an answer, or wants none: answering answers could go on for ever."""
        return self.frame_type is None or self.frame_type is FrameType.CALL


class Frame(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A frame whose envelope was read. What an envelope of its type lacks is empty."""

    type: FrameType
    message_id: str
    action: str = ""
    payload: Raw = Raw(b"{}")
    error_code: str = ""
    error_description: str = ""


_elements = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)
_object = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder(decimal_format="number")

RESPONSES: Final[dict[type[Request[Any]], type[Response]]] = {
    kind: get_args(base)[0]
    for kind in vars(messages).values()
    if isinstance(kind, type) and issubclass(kind, Request) and kind is not Request
    for base in kind.__orig_bases__  # type: ignore[attr-defined]  # every class with a generic base has it
}
"""Every request and the class of its answer."""
_decoders: Final[dict[type[Body], msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind) for pair in RESPONSES.items() for kind in pair
}
_from_station: Final = {kind.__name__: kind for kind in FROM_STATION}
_LONGEST_ERROR: Final = 255
"""Characters of the description in an error (OCPP-J)."""
_LONGEST_CODE: Final = 50
_BEGINNING: Final = re.compile(r'\s*\[\s*([2-6])\s*,\s*"([^"\\\x00-\x1f]{1,36})"\s*,\s*("[^"\\\x00-\x1f]*"\s*,)?')
"""Type, id and, of a request, the action: what can still be read of a frame whose rest is broken."""

_NUL: Final = rb"\u0000"
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""After an even number of backslashes: otherwise it is a backslash, and the letters `u0000`."""

# Whatever bytes come, reading them ends in one of these. RecursionError is msgspec's word for brackets nested too deep.
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


def read_frame(text: str | bytes, version: Version) -> Frame:
    """Read the envelope of a frame; raises BadFrameError. Its payload waits for `read_request` or `read_response`."""
    try:
        elements = _elements.decode(text)
    except _UNREADABLE as error:
        raise _broken(text, str(error)) from error
    frame_type = _frame_type(elements, version)
    message_id = _message_id(elements)
    if message_id is None:
        raise BadFrameError(
            ErrorCode.RPC_FRAMEWORK_ERROR, "the message id is not a string of 1 to 36", frame_type=frame_type
        )
    try:
        return _envelope(frame_type, message_id, elements)
    except ValueError as error:
        raise BadFrameError(
            ErrorCode.RPC_FRAMEWORK_ERROR, str(error), message_id=message_id, frame_type=frame_type
        ) from error


def read_request(frame: Frame, version: Version) -> Request[Any] | OtherMessage:
    """Read the payload of a station's CALL or SEND; raises BadFrameError."""
    action = frame.action
    if frame.type is FrameType.CALL:
        kind = _from_station.get(action)
        if kind is not None:
            request: Request[Any] = read_payload(_decoders[kind], frame)
            return request
        taken = action in OTHERS_FROM_STATION
    else:
        taken = action in SENT_BY_STATION
    if action not in known_actions(version):
        raise BadFrameError(ErrorCode.NOT_IMPLEMENTED, "no such action", message_id=frame.message_id)
    if not taken:
        raise BadFrameError(ErrorCode.NOT_SUPPORTED, "this server does not take it", message_id=frame.message_id)
    return OtherMessage(action=action, payload=read_payload(_decoder_of(action, version), frame), version=version)


def read_response[R: Response](kind: type[R], frame: Frame) -> R:
    """Read the payload of a CALLRESULT as an answer of that class; raises BadFrameError."""
    answer: R = read_payload(_decoders[kind], frame)
    return answer


def read_raw_response(frame: Frame) -> dict[str, Any]:
    """Read the payload of a CALLRESULT as it came; raises BadFrameError for what is no object."""
    answer: dict[str, Any] = read_payload(_object, frame)
    return answer


def read_payload[P](decoder: msgspec.json.Decoder[P], frame: Frame) -> P:
    """Read the payload of a frame with that decoder; raises BadFrameError.

    A NUL in a text, which PostgreSQL does not take, is left out: the message would be refused again and again.
    """
    payload = bytes(frame.payload)
    if _NUL in payload:
        payload = _ESCAPED_NUL.sub(rb"\1", payload)
    try:
        return decoder.decode(payload)
    except _UNREADABLE as error:
        told = str(error)
        code = _code_of(told) if isinstance(error, msgspec.ValidationError) else ErrorCode.FORMAT_VIOLATION
        raise BadFrameError(code, told, message_id=frame.message_id, frame_type=frame.type) from error


def write_call(message_id: str, request: Request[Any], version: Version) -> str:
    """Return the CALL of a request; raises NotInVersionError where that version cannot say it."""
    return _write([FrameType.CALL, message_id, type(request).__name__, _in_version(request, version)])


def write_raw_call(message_id: str, action: str, payload: dict[str, Any]) -> str:
    """Return the CALL of a request as it is."""
    return _write([FrameType.CALL, message_id, action, payload])


def write_result(message_id: str, response: Response | dict[str, Any], version: Version) -> str:
    """Return the CALLRESULT of an answer; raises NotInVersionError where that version cannot say it."""
    payload = _in_version(response, version) if isinstance(response, Response) else response
    return _write([FrameType.CALLRESULT, message_id, payload])


def write_error(
    message_id: str, code: ErrorCode, description: str, *, frame_type: FrameType = FrameType.CALLERROR
) -> str:
    """Return a CALLERROR, or a CALLRESULTERROR, with at most as much text as OCPP allows."""
    return _write([frame_type, message_id, code, description[:_LONGEST_ERROR], {}])


def _in_version(body: Body, version: Version) -> Body:
    return body if version is Version.V21 else as_v201(body)


def _write(frame: list[object]) -> str:
    return _encoder.encode(frame).decode()


def _broken(text: str | bytes, why: str) -> BadFrameError:
    """Return what to say about a frame that is no JSON array, to whom it can be told."""
    beginning = _BEGINNING.match(text if isinstance(text, str) else text.decode("utf-8", "replace"))
    if beginning is None:
        return BadFrameError(ErrorCode.RPC_FRAMEWORK_ERROR, f"not a JSON array: {why}")
    number, message_id, action = beginning.groups()
    frame_type = FrameType(int(number))
    # Where the action was read, only its payload can be what is broken.
    is_payload = frame_type is FrameType.CALL and action
    code = ErrorCode.FORMAT_VIOLATION if is_payload else ErrorCode.RPC_FRAMEWORK_ERROR
    return BadFrameError(code, f"not JSON: {why}", message_id=message_id, frame_type=frame_type)


def _frame_type(elements: list[Raw], version: Version) -> FrameType:
    number = bytes(elements[0]) if elements else b""
    if not number.isdigit() or len(number) > 4:
        raise BadFrameError(ErrorCode.RPC_FRAMEWORK_ERROR, "the first element is not a message type")
    try:
        frame_type = FrameType(int(number))
    except ValueError:
        frame_type = None
    if frame_type is None or (version is not Version.V21 and frame_type > FrameType.CALLERROR):
        raise BadFrameError(
            ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED,
            f"there is no message type {int(number)}",
            message_id=_message_id(elements) or UNREADABLE_ID,
        )
    return frame_type


def _message_id(elements: list[Raw]) -> str | None:
    message_id = _string(elements[1]) if len(elements) > 1 else None
    return message_id if message_id is not None and 0 < len(message_id) <= MAX_ID_LENGTH else None


def _envelope(frame_type: FrameType, message_id: str, elements: list[Raw]) -> Frame:
    match frame_type, elements:
        case ((FrameType.CALL | FrameType.SEND), [_, _, raw_action, payload]):
            action = _string(raw_action)
            if action is None:
                raise ValueError("the action is not a string")
            return Frame(type=frame_type, message_id=message_id, action=action, payload=payload)
        case FrameType.CALLRESULT, [_, _, payload]:
            return Frame(type=frame_type, message_id=message_id, payload=payload)
        case ((FrameType.CALLERROR | FrameType.CALLRESULTERROR), [_, _, raw_code, *rest]):
            code = _string(raw_code)
            if code is None:
                raise ValueError("the error code is not a string")
            # Stations leave out the description or the details; the code is what counts.
            description = (_string(rest[0]) or "") if rest else ""
            return Frame(
                type=frame_type,
                message_id=message_id,
                error_code=code[:_LONGEST_CODE],
                error_description=description[:_LONGEST_ERROR],
            )
        case _:
            raise ValueError(f"a frame of type {int(frame_type)} does not have {len(elements)} elements")


def _string(raw: Raw) -> str | None:
    try:
        return _text.decode(raw)
    except _UNREADABLE:
        return None


@cache
def _decoder_of(action: str, version: Version) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(schemas.type_of(action, version))


_CODES_BY_MESSAGE: Final = (
    (re.compile(r"Expected `object`, got `\w+`$"), ErrorCode.FORMAT_VIOLATION),
    (
        re.compile(r"Object missing required field|Expected `array` of length"),
        ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
    ),
    (re.compile(r"Expected `[^`]+`(, got| \| )"), ErrorCode.TYPE_CONSTRAINT_VIOLATION),
)


def _code_of(message: str) -> ErrorCode:
    """Return the OCPP code for what msgspec says is wrong: it gives a sentence, not a kind."""
    for pattern, code in _CODES_BY_MESSAGE:
        if pattern.match(message):
            return code
    return ErrorCode.PROPERTY_CONSTRAINT_VIOLATION
