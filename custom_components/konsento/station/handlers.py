"""What a management server may ask a site to do."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from ocpp.v21.enums import Action  # type: ignore[import-untyped]  # the library ships no types

from ..control.limits import BadLimitError, Limits
from ..control.session import StartAnswer, StartRequest
from ..control.site import SiteControl
from ..control.words import Refusal, TimerStart
from . import variables
from .errors import RpcError
from .messages import VENDOR_ID, status_info
from .rpc import Payload

_KNOWN = frozenset(str(action.value) for action in Action)
_DEFAULT_VALIDITY = timedelta(seconds=60)
"""Of a start request that does not say until when it holds."""
_MAX_TEXT = 100
_TRIGGERS = frozenset({"BootNotification", "Heartbeat", "StatusNotification", "TransactionEvent"})


class Handlers:
    """Answers the calls of one management server."""

    def __init__(
        self, site: SiteControl, server: str, settings: variables.Variables, trigger: Callable[[str, int | None], None]
    ) -> None:
        """`trigger` sends a message (and of which outlet) soon after it was called."""
        self._site = site
        self._server = server
        self._settings = settings
        self._trigger = trigger
        self.tokens: dict[int, Payload] = {}
        """The idToken of every start whose first event is still to be told, by remoteStartId. They are the server's
        business alone, so they are in no journal: one that a restart has lost is left out of the event."""
        self._actions: dict[str, Callable[[Payload], Awaitable[Payload]]] = {
            "RequestStartTransaction": self._start,
            "RequestStopTransaction": self._stop,
            "GetTransactionStatus": self._transaction_status,
            "ChangeAvailability": self._availability,
            "TriggerMessage": self._trigger_message,
            "Reset": self._reset,
            "GetVariables": self._get_variables,
            "SetVariables": self._set_variables,
        }

    async def handle(self, action: str, payload: Payload, check: Callable[[str, Payload], Awaitable[None]]) -> Payload:
        """Return the answer to a call; `check` holds it against its schema. Raises RpcError."""
        handler = self._actions.get(action)
        if handler is None:
            raise RpcError("NotSupported" if action in _KNOWN else "NotImplemented", "the station does not do this")
        await check(action, payload)
        return await handler(payload)

    async def _start(self, payload: Payload) -> Payload:
        remote_start_id: int = payload["remoteStartId"]
        ours = payload.get("customData") or {}
        if ours.get("vendorId") != VENDOR_ID:
            ours = {}
        expires_at = _expiry(ours.get("expiresAt"))
        try:
            limits = _limits(ours) if ours else self._site.settings.default_limits
        except BadLimitError as error:
            return _start_answer(await self._site.refuse(self._server, remote_start_id, error.refusal), str(error))
        token = payload["idToken"]
        self.tokens[remote_start_id] = {"idToken": token["idToken"], "type": token["type"]}
        answer = await self._site.start(
            StartRequest(
                server=self._server,
                remote_start_id=remote_start_id,
                # Without a number no outlet is meant: one chosen here could be a stranger's socket.
                evse=payload.get("evseId", 0),
                limits=limits,
                expires_at=expires_at,
                token=token["idToken"],
                power_type=_text(ours.get("powerType")),
                supplier=_text(ours.get("supplier")),
            )
        )
        if answer.refusal:
            self.tokens.pop(remote_start_id, None)
        return _start_answer(answer)

    async def _stop(self, payload: Payload) -> Payload:
        if await self._site.stop(self._server, payload["transactionId"]):
            return {"status": "Accepted"}
        return {"status": "Rejected", "statusInfo": status_info("UnknownTransaction")}

    async def _transaction_status(self, payload: Payload) -> Payload:
        transaction = payload.get("transactionId")
        journal = self._site.journal
        answer: Payload = {"messagesInQueue": await journal.waiting_of(self._server, transaction) > 0}
        if transaction is not None:
            answer["ongoingIndicator"] = self._site.runs(self._server, transaction)
        return answer

    async def _availability(self, payload: Payload) -> Payload:
        evse = payload["evse"]["id"] if "evse" in payload else None
        if evse is not None and evse not in self._site.outlets:
            return {"status": "Rejected", "statusInfo": status_info(Refusal.UNKNOWN_OUTLET)}
        at_once = await self._site.set_service(self._server, evse, payload["operationalStatus"] == "Operative")
        return {"status": "Accepted" if at_once else "Scheduled"}

    async def _trigger_message(self, payload: Payload) -> Payload:
        message, evse = payload["requestedMessage"], payload.get("evse", {}).get("id")
        if message not in _TRIGGERS:
            return {"status": "NotImplemented"}
        if evse is not None and evse not in self._site.outlets:
            return {"status": "Rejected", "statusInfo": status_info(Refusal.UNKNOWN_OUTLET)}
        self._trigger(message, evse)
        return {"status": "Accepted"}

    async def _reset(self, payload: Payload) -> Payload:
        return {
            "status": "Rejected",
            "statusInfo": status_info("NotResettable", "a site is part of its owner's Home Assistant"),
        }

    async def _get_variables(self, payload: Payload) -> Payload:
        return {"getVariableResult": variables.get(self._settings, payload["getVariableData"])}

    async def _set_variables(self, payload: Payload) -> Payload:
        return {"setVariableResult": variables.put(self._settings, payload["setVariableData"])}


def _limits(ours: Payload) -> Limits:
    return Limits.parse(ours.get("energyLimitWh"), ours.get("timeLimitS"), ours.get("timerStart", TimerStart.RELAY))


def _text(value: object) -> str:
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def _expiry(text: object) -> datetime:
    if text is None:
        return datetime.now(UTC) + _DEFAULT_VALIDITY
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RpcError("PropertyConstraintViolation", "customData.expiresAt is no time with a time zone")
    return at.astimezone(UTC)


def _start_answer(answer: StartAnswer, sentence: str = "") -> Payload:
    if answer.session_id:
        return {"status": "Accepted", "transactionId": answer.session_id}
    return {"status": "Rejected", "statusInfo": status_info(answer.refusal or Refusal.DEVICE, sentence)}
