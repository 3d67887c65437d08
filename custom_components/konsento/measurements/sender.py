"""Sends what waits: on schedule, when the other side asks for it, or by hand; again and again until it is answered."""

import contextlib
import logging
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import ClientSession

from ..control.clock import Clock
from ..control.journal import Journal
from .outbox import Outbox, Refusal
from .route import AT_MOST, Line, Route, RouteError, Trouble
from .timetable import Schedule, own_offset, pause_after

_LOGGER = logging.getLogger(__name__)

LOOK = timedelta(minutes=5)
"""How often the other side is asked whether it waits for something."""
_KIND, _KEY = "measurements", "sender"
TOO_LARGE = "TooLarge"
"""Why one is put aside that is too much for the other side even alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the owner has chosen."""

    route: Route
    region: str
    schedule: Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one round of sending came to."""

    sent: int
    refused: int
    waiting: int


class Sender:
    """The measurements of one site on their way. Who calls makes sure that one call ends before the next."""

    def __init__(self, journal: Journal, http: ClientSession, clock: Clock) -> None:
        self.outbox = Outbox(journal)
        self.plan: Plan | None = None
        """None: nothing leaves the site, and nothing is written down for it."""
        self.sent_at: datetime | None = None
        """When something was sent last, and was answered."""
        self.stuck_since: datetime | None = None
        """Since when sending fails."""
        self.trouble: RouteError | None = None
        """Why the last request came to nothing."""
        self._journal = journal
        self._http = http
        self._clock = clock
        self._offset_s = 0
        self._done_at: datetime | None = None
        self._failures = 0
        self._overdue = False
        self._not_before = -math.inf
        self._look_at = -math.inf

    async def open(self, plan: Plan | None) -> None:
        """Go on where the last run of the program ended; the journal is open."""
        kept = (await self._journal.remembered(_KIND)).get(_KEY)
        if kept is None:
            self._offset_s = own_offset()
        else:
            self._offset_s = int(kept["offset_s"])
            self.sent_at, self._done_at = _time(kept["sent_at"]), _time(kept["done_at"])
        await self.outbox.prune(self._clock.now())
        await self.follow(plan)

    async def follow(self, plan: Plan | None) -> None:
        """Do as the owner has chosen from now on. What ended before follows the choice before."""
        now = self._clock.now()
        if kept := self.plan:
            await self.outbox.register(now, kept.region)
        else:
            # The first choice of this run is that of the last one; a new route starts with what ends from now on.
            await self.outbox.register(now, plan.region if plan and self._done_at else None)
        self.plan, self.trouble, self.stuck_since = plan, None, None
        self._failures, self._overdue, self._not_before, self._look_at = 0, False, -math.inf, -math.inf
        if plan is None:
            self._done_at = None
            if dropped := await self.outbox.drop():
                _LOGGER.warning(
                    "%s measurements were still to be sent; dropped, as there is no route any more", dropped
                )
        else:
            # Not at once: the first time it is due is as good as any other.
            self._done_at = self._done_at or now
            await self.outbox.move(plan.region)
            if left := await self.outbox.leave(plan.route.url, now):
                _LOGGER.warning("%s measurements may have arrived at the former address; put aside", left)
        await self._keep()

    async def register(self) -> None:
        """Make measurements of the sessions that are over."""
        await self.outbox.register(self._clock.now(), self.plan.region if self.plan else None)

    async def tick(self) -> None:
        """Do what is due. What comes to nothing is noted, not raised, and tried again later."""
        await self.register()
        monotonic = self._clock.monotonic()
        if (plan := self.plan) is None or monotonic < self._not_before:
            return
        wanted, due = False, self._overdue or self._is_due(plan)
        if not due and monotonic >= self._look_at:
            self._look_at = monotonic + LOOK.total_seconds()
            try:
                wanted = await self._line(plan).wanted()
            except RouteError as error:
                self._note(error)
                return
            self._succeeded()
        if due or wanted:
            with contextlib.suppress(RouteError):
                await self.send()

    def next_at(self) -> datetime | None:
        """Return when it sends next by its schedule: now where it is due already, None where nothing is sent."""
        if (plan := self.plan) is None:
            return None
        now = self._clock.now()
        if self._overdue or self._is_due(plan):
            return now
        return plan.schedule.next_due(now, self._offset_s)

    def _is_due(self, plan: Plan) -> bool:
        now, done_at = self._clock.now(), self._done_at
        # Done in the future: the clock was wrong then.
        return done_at is None or done_at > now or done_at < plan.schedule.last_due(now, self._offset_s)

    def _line(self, plan: Plan) -> Line:
        return Line(self._http, plan.route, self._clock)

    async def send(self, *, again: bool = False) -> Outcome:
        """Send everything that waits; `again`: also what was refused before. Raises RouteError, and tries again."""
        if (plan := self.plan) is None:
            raise RouteError(Trouble.NOT_FOUND, "there is no route")
        await self.register()
        if again:
            await self.outbox.try_refused(plan.region)
        try:
            sent, refused = await self._deliver_all(plan)
        except RouteError as error:
            self._overdue = True
            self._note(error)
            raise
        now = self._clock.now()
        self._overdue, self._done_at = False, now
        self._succeeded()
        await self._keep()
        await self.outbox.prune(now)
        return Outcome(sent=sent, refused=refused, waiting=(await self.outbox.counts()).waiting)

    async def _deliver_all(self, plan: Plan) -> tuple[int, int]:
        line, most = self._line(plan), AT_MOST
        sent = refused = 0
        while True:
            batch, first = await self.outbox.take(plan.route.url, most)
            if not batch:
                return sent, refused
            try:
                refusals = await line.deliver(batch)
            except RouteError as error:
                if not error.arrived:
                    await self.outbox.untried(first)
                if error.trouble is not Trouble.TOO_LARGE:
                    raise
                if len(batch) > 1:
                    most = len(batch) // 2
                    continue
                refusals = [Refusal(id=each.id, reason=TOO_LARGE) for each in batch]
            gone = {each.id for each in refusals}
            now = self._clock.now()
            await self.outbox.settle((each.id for each in batch if each.id not in gone), refusals, now)
            if refusals:
                reasons = ", ".join(sorted({each.reason for each in refusals}))
                _LOGGER.warning("%s measurements were refused: %s", len(refusals), reasons)
            sent, refused = sent + len(batch) - len(gone), refused + len(gone)
            if len(batch) > len(gone):
                self.sent_at = now
                await self._keep()

    def _succeeded(self) -> None:
        if self.trouble is not None:
            _LOGGER.info("Measurements are taken again")
        self._failures, self._not_before, self.trouble, self.stuck_since = 0, -math.inf, None, None

    def _note(self, error: RouteError) -> None:
        if self.trouble is None:
            _LOGGER.warning("Measurements wait: %s", error)
        self.trouble, self.stuck_since = error, self.stuck_since or self._clock.now()
        self._failures += 1
        pause = pause_after(self._failures, error.retry_after_s)
        self._not_before = self._clock.monotonic() + pause.total_seconds()

    async def _keep(self) -> None:
        value = {
            "offset_s": self._offset_s,
            "sent_at": self.sent_at.isoformat() if self.sent_at else None,
            "done_at": self._done_at.isoformat() if self._done_at else None,
        }
        await self._journal.remember(_KIND, _KEY, value)


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
