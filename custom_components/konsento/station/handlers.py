"""Who answers which call of a management server."""

from collections.abc import Awaitable, Callable

from .errors import RpcError
from .frames import Payload
from .link import Actions
from .messages import status_info
from .rpc import KNOWN_ACTIONS

_WHILE_PENDING = frozenset({"GetVariables", "SetVariables", "GetBaseReport", "GetReport", "TriggerMessage"})
"""What a server may ask of a station that it has not accepted yet (OCPP 2.1 B02)."""
_TO_BE_REJECTED = frozenset({"RequestStartTransaction", "RequestStopTransaction"})

type Check = Callable[[str, Payload], Awaitable[None]]


class Handlers:
    """Answers the calls of one management server."""

    def __init__(self, *actions: Actions) -> None:
        self._actions = {name: answer for part in actions for name, answer in part.items()}

    async def handle(self, action: str, payload: Payload, check: Check, *, accepted: bool) -> Payload:
        """Return the answer to a call; `check` holds it against its schema. Raises RpcError.

        `accepted`: whether the server has accepted the site.
        """
        answer = self._actions.get(action)
        if answer is None:
            raise RpcError(
                "NotSupported" if action in KNOWN_ACTIONS else "NotImplemented", "the station does not do this"
            )
        await check(action, payload)
        if not accepted and action not in _WHILE_PENDING:
            if action in _TO_BE_REJECTED:
                return {
                    "status": "Rejected",
                    "statusInfo": status_info("NotAccepted", "the station is not accepted yet"),
                }
            raise RpcError("SecurityError", "the station is not accepted yet")
        return await answer(payload)
