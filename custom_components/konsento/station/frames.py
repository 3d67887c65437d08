"""The frames of OCPP-J (part 4, chapter 4): text in, one of four things out."""

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from .errors import RpcError

CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6
UNREADABLE_ID = "-1"
"""In the place of a message id that cannot be read."""
_MAX_ID = 36
_CODE = re.compile("[A-Za-z]{1,50}")

type Payload = dict[str, Any]


class BadFrameError(Exception):
    """A text that is no frame, and what its sender is to be told."""

    def __init__(self, message_id: str, code: str, description: str) -> None:
        super().__init__(description)
        self.message_id = message_id
        self.error = RpcError(code, description)


@dataclass(frozen=True, slots=True)
class Call:
    """The other side asks for something."""

    id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Reply:
    """The other side has answered a call of ours: with a payload, or with an error."""

    id: str
    answer: Payload | RpcError


@dataclass(frozen=True, slots=True)
class Useless:
    """Nothing can be done with it, and nothing may be answered to it.

    Two sides complaining about each other's complaints never end.
    """

    kind: int


type Frame = Call | Reply | Useless


def parse(text: str) -> Frame:
    """Read a frame; raises BadFrameError, and nothing else whatever the text is."""
    try:
        frame = json.loads(text, parse_constant=_no_number)
        if "\\u" in text:
            # Half a surrogate pair is JSON, but no text that anybody could write down.
            json.dumps(frame, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadFrameError(UNREADABLE_ID, "RpcFrameworkError", "the frame is no JSON") from error
    if not isinstance(frame, list) or len(frame) < 2 or not isinstance(frame[1], str) or len(frame[1]) > _MAX_ID:
        raise BadFrameError(UNREADABLE_ID, "RpcFrameworkError", "the frame has no readable message id")
    # True and 2.0 are equal to integers in Python, but are none on the wire.
    kind, message_id, rest = frame[0] if type(frame[0]) is int else None, frame[1], frame[2:]
    match kind, rest:
        case 2, [str() as action, dict() as payload]:
            return Call(message_id, action, payload)
        case 2, _:
            raise BadFrameError(message_id, "FormatViolation", "a CALL has an action and an object")
        case 3, [dict() as payload]:
            return Reply(message_id, payload)
        case 4, [str() as code, *_]:
            # Its description is read by nobody: a server may quote there what it was told, a token too.
            return Reply(message_id, RpcError(code if _CODE.fullmatch(code) else "GenericError"))
        case 3 | 4 | 5 | 6, _:
            return Useless(kind)
    raise BadFrameError(message_id, "MessageTypeNotSupported", "unknown message type")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
