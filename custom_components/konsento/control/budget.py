"""Who may draw power now, where a site or a circuit of it cannot carry all that want it. Pure: no clock, no state.

A session is let in with what its outlet may draw at most; once its draw is known, it counts with that and a margin, so
that more sessions fit. Should cars then draw more, the next reading cuts the newest of the lowest priority. Who has had
his minimum time gives way to who has waited longest; nobody gives way to a lower priority.

Two things are told apart: what is drawn *now* (a session that was told to pause draws until its relay is seen open) and
what will be drawn *then*. Nobody is let in on the promise that somebody else will leave.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

SITE = ""
"""Id of the circuit at the root: everything that the site draws."""
NOISE_W = 0.5
"""Differences of less are rounding."""


class Priority(IntEnum):
    """Who goes first; the higher number."""

    LOW = 0
    NORMAL = 1
    HIGH = 2


class Reason(StrEnum):
    """Why a session waits."""

    SITE_LIMIT = "site_limit"
    CIRCUIT_LIMIT = "circuit_limit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Circuit:
    """A part of the wiring with a limit of its own, in W; None = none."""

    id: str
    parent: str | None = SITE
    """None for the root alone."""
    capacity_w: float | None = None
    """What it can carry by its wiring or contract: what never fits is measured by this."""
    limit_w: float | None = None
    """What it may carry now, at most `capacity_w`."""
    rest_w: float = 0.0
    """Drawn on it by what is no outlet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """One outlet, with or without a session. Times are of one monotonic clock, s."""

    outlet: int
    circuit: str = SITE
    priority: Priority = Priority.NORMAL
    rating_w: float
    """The most that it draws for hours."""
    wants: bool
    """A session is under way that would draw power if it was let: not ended, not paused by the owner."""
    held: bool = False
    """It was told to pause, or is one that has not begun."""
    since: float = 0.0
    """Since when it has been held, let in, or does not want power."""
    not_before: float = 0.0
    """Not let in earlier: relays are not switched back and forth."""
    closed: bool = False
    """Its relay is closed, or may be."""
    opened_at: float = 0.0
    """Since when `closed` is False."""
    power_w: float | None = None
    """What it draws; None when that is not known."""
    peak_w: float | None = None
    """The most that it drew lately; None when its session's draw is not known yet."""
    can_wait: bool = True
    """Whether it can be told to pause. One that cannot opens when its lease runs out, and is kept waiting only then."""
    waits_for: Reason | None = None
    """As decided last time."""

    @property
    def draws_w(self) -> float:
        """What it draws, as far as that is known: at most its rating while it cannot be asked."""
        if self.power_w is not None:
            return self.power_w
        return self.rating_w if self.closed else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Numbers that a decision is made by."""

    min_on_s: float = 900.0
    """Nobody who was let in has to give way earlier, unless a limit is exceeded."""
    margin_w: float = 100.0
    margin_share: float = 0.1
    """A known draw counts with the larger of both on top."""
    overbooking: float = 1.45
    """However little is drawn, the ratings of all that are let in stay within this times the limit: should all cars
    begin at once, a circuit breaker stands that for minutes (IEC 60898: 1.45 × the rated current within an hour), and
    the next reading comes in a second."""
    leave_s: float = 20.0
    """So long after it was told to pause, an outlet has opened its relay: longer than a lease. What it draws then, it
    draws for good."""
    idle_s: float = 60.0
    """Who was let in but has had his relay open for so long (too hot, out of reach) gives his place to who waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What is to be done, by outlet number."""

    held: Mapping[int, Reason]
    """Sessions that must pause, or go on pausing, and why. All others that want power may draw it."""
    never: Mapping[int, Reason]
    """Outlets whose rating is beyond what a circuit can carry: a session on them would wait for ever."""
    load_w: Mapping[str, float]
    """What is drawn now on each circuit."""
    over: frozenset[str] = frozenset()
    """Circuits on which more is drawn than allowed."""


@dataclass(slots=True, eq=False)
class _Book:
    """What is reckoned with on one circuit, W."""

    circuit: Circuit
    limit: float
    drawn: float
    """What is measured."""
    leaving: float = 0.0
    """The part of it that ends soon: of those that were told to pause."""
    now: float = 0.0
    """Claims, also of those that were told to pause and have not yet opened their relay."""
    then: float = 0.0
    """Claims without those."""
    ratings: float = 0.0
    """What all that are let in could draw at most."""
    reserved: float = 0.0
    """Kept free for those who have waited longer."""


class _Round:
    """One decision on the way: what is on each circuit, who is let in, who is held."""

    def __init__(self, circuits: Mapping[str, Circuit], now: float, rules: Rules) -> None:
        self.now = now
        self.rules = rules
        self.books = {key: _book(circuit) for key, circuit in circuits.items()}
        self.admitted: dict[int, Load] = {}
        self.held: dict[int, Reason] = {}
        self._paths = {key: [self.books[each] for each in path_of(circuits, key)] for key in circuits}
        self._in_vain: set[tuple[str, Priority, float]] = set()
        """Kinds of waiters for whom nobody gives way in this round."""
        self._prospects: dict[tuple[str, Priority, float], bool] = {}

    def path(self, load: Load) -> list[_Book]:
        """Return the books from an outlet's own circuit up to the site's."""
        return self._paths.get(load.circuit) or self._paths[SITE]

    def claim(self, load: Load) -> float:
        """Return what one that is let in is reckoned with."""
        rules = self.rules
        if load.peak_w is None or not load.can_wait:
            # What cannot be paused at once is never reckoned with as less than it may become.
            return max(load.rating_w, load.draws_w)
        margin = max(rules.margin_w, rules.margin_share * load.peak_w)
        return max(load.draws_w, min(load.rating_w, load.peak_w + margin))

    def take_in(self, loads: Iterable[Load]) -> None:
        """Enter what is there already."""
        for load in loads:
            let_in = load.wants and not load.held
            leaves = self.now - load.since < self.rules.leave_s
            for book in self.path(load):
                book.drawn += load.draws_w
                if let_in:
                    book.now += self.claim(load)
                elif leaves:
                    book.now += self.claim(load) if load.closed else load.draws_w
                    book.leaving += load.draws_w
                else:
                    # It draws although it should not: a stuck relay, somebody who takes what nobody has asked for.
                    book.now += load.draws_w
                    book.then += load.draws_w
                    book.ratings += load.draws_w
            if let_in:
                self._put_in(load)

    def _put_in(self, load: Load) -> None:
        self.admitted[load.outlet] = load
        for book in self.path(load):
            book.then += self.claim(load)
            book.ratings += max(load.rating_w, load.draws_w)

    def _let_go(self, load: Load) -> None:
        del self.admitted[load.outlet]
        for book in self.path(load):
            book.then -= self.claim(load)
            book.ratings -= max(load.rating_w, load.draws_w)
            book.leaving += load.draws_w

    def _keep(self, load: Load) -> None:
        """Take back that it was let go."""
        self._put_in(load)
        for book in self.path(load):
            book.leaving -= load.draws_w

    # --- a limit is exceeded

    def is_over(self, book: _Book) -> bool:
        """Whether more is drawn than allowed, or so much could be that no reading would come in time."""
        return (
            book.drawn - book.leaving > book.limit + NOISE_W
            or book.ratings > book.limit * self.rules.overbooking + NOISE_W
        )

    def cut(self) -> frozenset[str]:
        """Pause sessions until every limit holds; returns where one did not."""
        over = frozenset(key for key, book in self.books.items() if self.is_over(book))
        if not over:
            return over
        cut = list[tuple[Load, Reason]]()
        for load in sorted(
            self.admitted.values(),
            key=lambda load: (load.priority, not load.can_wait, -load.since, -load.outlet),
        ):
            exceeded = [book for book in self.path(load) if self.is_over(book)]
            if exceeded:
                self._let_go(load)
                cut.append((load, _reason(exceeded[0])))
        for load, reason in reversed(cut):
            # A small one that was cut first is spared where a larger one behind it has sufficed.
            self._keep(load)
            if any(self.is_over(book) for book in self.path(load)):
                self._let_go(load)
                self.held[load.outlet] = reason
        return over

    # --- who waits

    def serve(self, waiting: Sequence[Load]) -> None:
        """Let in who fits, in order, and have those give way whose time is over."""
        passed_over = list[Load]()
        for place, load in enumerate(waiting):
            if place and load.priority < waiting[place - 1].priority:
                # Nobody of a lower priority takes what one of a higher waits for.
                for other in passed_over:
                    self._reserve(other)
                passed_over.clear()
            if self.now < load.not_before:
                self.held[load.outlet] = load.waits_for or self._short_of(load)
                passed_over.append(load)
            elif self._fits_now(load):
                self._take_place(load)
                self.admitted[load.outlet] = load
            else:
                self.held[load.outlet] = self._short_of(load)
                if not self._short(load) or self._make_room(load):
                    # It comes in as soon as those have left who were told to.
                    self._take_place(load)
                elif self._has_prospects(load):
                    if self.now - load.since >= self.rules.min_on_s:
                        # Those behind that need less have passed it long enough.
                        self._reserve(load)
                    else:
                        passed_over.append(load)

    def _need(self, load: Load) -> float:
        return max(load.rating_w, load.peak_w or 0.0)

    def _fits_now(self, load: Load) -> bool:
        need = self._need(load)
        return all(book.now + book.reserved + need <= book.limit + NOISE_W for book in self.path(load)) and not (
            self._short(load)
        )

    def _short(self, load: Load) -> list[_Book]:
        """Return the circuits that cannot carry it, even after all have left who were told to."""
        need = self._need(load)
        return [
            book
            for book in self.path(load)
            if book.then + book.reserved + need > book.limit + NOISE_W
            or book.ratings + need > book.limit * self.rules.overbooking + NOISE_W
        ]

    def _short_of(self, load: Load) -> Reason:
        need = self._need(load)
        lacking = self._short(load) or [book for book in self.path(load) if book.now + need > book.limit + NOISE_W]
        return _reason(lacking[0]) if lacking else load.waits_for or Reason.SITE_LIMIT

    def _take_place(self, load: Load) -> None:
        need = self._need(load)
        for book in self.path(load):
            book.now += need
            book.then += need
            book.ratings += need

    def _reserve(self, load: Load) -> None:
        """Keep those behind from what this one waits for: of a circuit only what the one below it could pass on."""
        need = self._need(load)
        for book in self.path(load):
            free = max(0.0, book.limit - book.then - book.reserved)
            book.reserved += need
            need = min(need, free)

    def _make_room(self, load: Load) -> bool:
        """Have others give way; False, and nobody has, when that is not enough."""
        kind = (load.circuit, load.priority, self._need(load))
        if kind in self._in_vain:
            return False
        candidates = sorted(
            (
                other
                for other in self.admitted.values()
                if self._may_give_way(other, load)
                and (self._is_idle(other) or self.now - other.since >= self.rules.min_on_s)
            ),
            key=lambda other: (other.priority, not self._is_idle(other), other.since, other.outlet),
        )
        left = list[Load]()
        for other in candidates:
            if not (short := self._short(load)):
                break
            if any(book in short for book in self.path(other)):
                self._let_go(other)
                left.append(other)
        if self._short(load):
            for other in left:
                self._keep(other)
            self._in_vain.add(kind)
            return False
        for other in left:
            self._keep(other)
            if self._short(load):
                self._let_go(other)
                self.held[other.outlet] = self.held[load.outlet]
        return True

    def _may_give_way(self, other: Load, load: Load) -> bool:
        # Whoever was let in in this very round has `held` still set.
        return not other.held and other.can_wait and other.priority <= load.priority

    def _is_idle(self, load: Load) -> bool:
        return not load.closed and self.now - max(load.opened_at, load.since) >= self.rules.idle_s

    def _has_prospects(self, load: Load) -> bool:
        """Whether it would fit once all others have had their minimum time: if not, keeping a place helps nobody."""
        kind = (load.circuit, load.priority, self._need(load))
        if kind not in self._prospects:
            self._prospects[kind] = self._could_fit(load)
        return self._prospects[kind]

    def _could_fit(self, load: Load) -> bool:
        need, path = self._need(load), self.path(load)
        claims, ratings = dict.fromkeys(path, 0.0), dict.fromkeys(path, 0.0)
        for other in self.admitted.values():
            if self._may_give_way(other, load):
                for book in self.path(other):
                    if book in claims:
                        claims[book] += self.claim(other)
                        ratings[book] += max(other.rating_w, other.draws_w)
        return all(
            book.then - claims[book] + need <= book.limit + NOISE_W
            and book.ratings - ratings[book] + need <= book.limit * self.rules.overbooking + NOISE_W
            for book in path
        )


def _book(circuit: Circuit) -> _Book:
    rest = circuit.rest_w
    limit = math.inf if circuit.limit_w is None else circuit.limit_w
    return _Book(circuit, limit, drawn=rest, now=rest, then=rest, ratings=rest)


def decide(circuits: Mapping[str, Circuit], loads: Sequence[Load], now: float, rules: Rules | None = None) -> Decision:
    """Decide who may draw power. `circuits` has the SITE at its root; `now` is of the loads' clock.

    The order of `loads` does not matter.
    """
    turn = _Round(circuits, now, rules or Rules())
    turn.take_in(loads)
    over = turn.cut()
    waiting = sorted(
        (load for load in loads if load.wants and load.held),
        key=lambda load: (-load.priority, load.since, load.outlet),
    )
    never = {load.outlet: reason for load in loads if (reason := _never(turn, load))}
    turn.held.update({load.outlet: never[load.outlet] for load in waiting if load.outlet in never})
    turn.serve([load for load in waiting if load.outlet not in never])
    return Decision(
        held=turn.held, never=never, load_w={key: book.drawn for key, book in turn.books.items()}, over=over
    )


def path_of(circuits: Mapping[str, Circuit], circuit: str) -> tuple[str, ...]:
    """Return a circuit and those that feed it, up to the site.

    Where a feeder is missing, or is fed by what it feeds, the site is taken for it.
    """
    path = list[str]()
    at: str | None = circuit
    while at is not None and at in circuits and at not in path:
        path.append(at)
        at = circuits[at].parent
    if SITE not in path:
        path.append(SITE)
    return tuple(path)


def _never(turn: _Round, load: Load) -> Reason | None:
    for book in turn.path(load):
        capacity = book.circuit.capacity_w
        if capacity is not None and load.rating_w > capacity + NOISE_W:
            return _reason(book)
    return None


def _reason(book: _Book) -> Reason:
    return Reason.SITE_LIMIT if book.circuit.id == SITE else Reason.CIRCUIT_LIMIT
