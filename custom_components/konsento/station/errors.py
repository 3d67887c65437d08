"""What can go wrong on the line to a management server."""

from typing import Any


class RpcError(Exception):
    """A CALLERROR, received or to be sent. `code` is one of OCPP-J's error codes (part 4, chapter 4.3)."""

    def __init__(self, code: str, description: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.details = details or {}


class LineDownError(Exception):
    """The connection ended, or an answer did not come, before the call was answered."""


class UnansweredError(LineDownError):
    """The answer did not come in time, on a line that may well be up."""


class UnreachableError(Exception):
    """No WebSocket server answers at the address."""


class WrongPasswordError(Exception):
    """The server refuses the password of the station."""


class UnknownStationError(Exception):
    """The server does not know the station."""


class NoCommonVersionError(Exception):
    """The server speaks neither OCPP 2.1 nor 2.0.1."""
