"""Telling a management server what happened in its sessions: in order, until it has answered (OCPP 2.1 E04, E13)."""

import logging
from collections import deque
from datetime import datetime

from ..control.clock import Clock
from ..control.journal import Journal, Waiting
from . import messages
from .errors import RpcError
from .link_settings import LinkSettingsStore
from .rpc import Rpc
from .transactions import Transactions

_LOGGER = logging.getLogger(__name__)

_AHEAD = 50
"""So many events are read, and forgotten again once they are told, in one visit to the disk."""
_LONGEST_PAUSE_S = 60.0
_MALFORMED = frozenset(
    {
        "FormatViolation",
        "FormationViolation",
        "OccurenceConstraintViolation",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "TypeConstraintViolation",
    }
)
"""The verdicts on an event that will be the same the next time. After every other error it is sent again for as long as
it takes: it may be the server's own trouble, and an event that is left out is energy that nobody pays."""


class Delivery:
    """The events of one management server. One that was told may be told again after a crash; none is left out."""

    def __init__(
        self,
        *,
        journal: Journal,
        server: str,
        name: str,
        link: LinkSettingsStore,
        transactions: Transactions,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._server = server
        self._name = name
        self._link = link
        self._transactions = transactions
        self._clock = clock
        self._ahead: deque[Waiting] = deque()
        self._told: list[int] = []
        self._pending = True
        self._attempts = 0
        self._hold_until = 0.0
        self.online_since: datetime | None = None
        """What happened before is told as history."""

    def begin(self, now: datetime) -> None:
        """Start over on a new connection."""
        self.online_since = now
        self._pending = True
        self._ahead.clear()

    def wake(self) -> None:
        """Look again: there may be something new."""
        self._pending = True

    def due_s(self) -> float | None:
        """Return in how many seconds there is something to do; None when only news can bring that."""
        if not self._pending and not self._ahead:
            return None
        return max(0.0, self._hold_until - self._clock.monotonic())

    async def deliver(self, rpc: Rpc) -> bool:
        """Tell the oldest event; returns whether one was sent."""
        if self.due_s() != 0.0:
            return False
        if not self._ahead:
            await self._forget_told()
            # Cleared before looking: an event that is written meanwhile sets it again.
            self._pending = False
            self._ahead.extend(await self._journal.waiting(self._server, _AHEAD))
            if not self._ahead:
                return False
        waiting = self._ahead[0]
        event = waiting.event
        offline = self.online_since is None or event.at < self.online_since
        token = self._transactions.tokens.get(event.remote_start_id or 0)
        try:
            answer = await rpc.call("TransactionEvent", messages.transaction_event(event, rpc.version, offline, token))
        except RpcError as error:
            await self._refused(error, f"{event.kind} {event.seq_no} of session {event.session_id}")
            return True
        self._transactions.tokens.pop(event.remote_start_id or 0, None)
        await self._take_off()
        if limit := answer.get("transactionLimit"):
            await self._transactions.take_limit(event.session_id, limit)
        return True

    async def _take_off(self) -> None:
        self._attempts = 0
        self._told.append(self._ahead.popleft().id)
        if not self._ahead:
            await self._forget_told()
            self._pending = True

    async def _forget_told(self) -> None:
        told, self._told = self._told, []
        if told:
            await self._journal.delivered(told)

    async def _refused(self, error: RpcError, what: str) -> None:
        self._attempts += 1
        settings = self._link.now
        if error.code in _MALFORMED and self._attempts >= settings.attempts:
            _LOGGER.error("%s: given up after %s refusals: %s (%s)", self._name, self._attempts, what, error)
            await self._take_off()
            return
        pause = min(_LONGEST_PAUSE_S, float(settings.attempt_interval_s * self._attempts))
        self._hold_until = self._clock.monotonic() + pause
        _LOGGER.warning("%s: %s was not taken (%s); sent again in %.0f s", self._name, what, error, pause)
