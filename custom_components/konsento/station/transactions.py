"""Starting, stopping and asking after sessions; their limits (OCPP 2.1 E, F)."""

import logging
from datetime import UTC, datetime, timedelta

from ..control.limits import MAX_ENERGY_WH, MAX_TIME_S, BadLimitError, Limits
from ..control.session import StartAnswer, StartRequest
from ..control.words import Refusal, TimerStart
from .frames import Payload
from .link import Actions, Link
from .messages import VENDOR_ID, status_info

_LOGGER = logging.getLogger(__name__)

_DEFAULT_VALIDITY = timedelta(seconds=60)
"""Of a start request that does not say until when it holds."""
_MAX_TEXT = 100


class Transactions:
    """The sessions of one management server, as it asks for them."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.tokens: dict[int, Payload] = {}
        """The idToken of every start whose first event is still to be told, by remoteStartId. They are the server's
        business alone, so they are in no journal: one that a restart has lost is left out of the event."""
        self.actions: Actions = {
            "RequestStartTransaction": self._start,
            "RequestStopTransaction": self._stop,
            "GetTransactionStatus": self._status,
        }
        self._told_unkept = False

    async def _start(self, payload: Payload) -> Payload:
        site, server = self._link.site, self._link.server
        remote_start_id: int = payload["remoteStartId"]
        ours = payload.get("customData") or {}
        if ours.get("vendorId") != VENDOR_ID:
            ours = {}
        until = ours.get("expiresAt")
        expires_at = datetime.now(UTC) + _DEFAULT_VALIDITY if until is None else self._link.time(until, "expiresAt")
        try:
            limits = _limits(ours) if ours else site.settings.default_limits
        except BadLimitError as error:
            return _start_answer(await site.refuse(server, remote_start_id, error.refusal), str(error))
        token = payload["idToken"]
        # What else a server that is not ours may have put in (a group, a profile) is dropped: it tells of a driver.
        self.tokens[remote_start_id] = {"idToken": token["idToken"], "type": token["type"]}
        answer = await site.start(
            StartRequest(
                server=server,
                remote_start_id=remote_start_id,
                # Without a number no outlet is meant: one chosen here could be a stranger's socket.
                evse=payload.get("evseId", 0),
                limits=limits,
                expires_at=expires_at,
                token=token["idToken"],
                power_type=_text(ours.get("powerType")),
                supplier=_text(ours.get("supplier")),
                supplier_code=_text(ours.get("supplierCode")),
            )
        )
        if answer.refusal:
            self.tokens.pop(remote_start_id, None)
        return _start_answer(answer)

    async def _stop(self, payload: Payload) -> Payload:
        if await self._link.site.stop(self._link.server, payload["transactionId"]):
            return {"status": "Accepted"}
        return {"status": "Rejected", "statusInfo": status_info("UnknownTransaction")}

    async def _status(self, payload: Payload) -> Payload:
        site, server = self._link.site, self._link.server
        transaction = payload.get("transactionId")
        answer: Payload = {"messagesInQueue": await site.journal.waiting_of(server, transaction) > 0}
        if transaction is not None:
            answer["ongoingIndicator"] = any(session.id == transaction for session in site.sessions_of(server))
        return answer

    async def take_limit(self, transaction: str, limit: Payload) -> None:
        """Use the `transactionLimit` of an answer; what it does not name stays as it is (OCPP 2.1 E16)."""
        session = next((s for s in self._link.site.sessions_of(self._link.server) if s.id == transaction), None)
        if session is None:
            return
        if not self._told_unkept and (unkept := sorted({"maxCost", "maxSoC"} & limit.keys())):
            self._told_unkept = True
            _LOGGER.warning("A site knows neither prices nor batteries: %s is not kept", " and ".join(unkept))
        known = session.wanted_limits or session.limits
        limits = Limits(
            energy_wh=_bounded(limit.get("maxEnergy"), MAX_ENERGY_WH) or known.energy_wh,
            time_s=_bounded(limit.get("maxTime"), MAX_TIME_S) or known.time_s,
            timer_start=known.timer_start,
        )
        if limits != known:
            await self._link.site.limit(self._link.server, transaction, limits)


def _bounded(value: object, most: int) -> int:
    """Return a limit in whole units that an outlet can take, 0 for none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return 0
    # Less than one unit is a limit too: the smallest that there is.
    return max(1, int(min(value, most)))


def _limits(ours: Payload) -> Limits:
    return Limits.parse(ours.get("energyLimitWh"), ours.get("timeLimitS"), ours.get("timerStart", TimerStart.RELAY))


def _text(value: object) -> str:
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def _start_answer(answer: StartAnswer, sentence: str = "") -> Payload:
    if answer.session_id:
        return {"status": "Accepted", "transactionId": answer.session_id}
    return {"status": "Rejected", "statusInfo": status_info(answer.refusal or Refusal.DEVICE, sentence)}
