"""The power budget of a site: looks at its outlets, decides who may draw, and has the others wait."""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .budget import SITE, Circuit, Decision, Load, Priority, Rules, decide, path_of
from .clock import Clock
from .draw import Draw
from .holds import Hold
from .outlet import OutletControl
from .ratings import most_power, nominal_voltage
from .session import Phase, Session
from .site import SiteControl
from .words import OutletState, Refusal

_LOGGER = logging.getLogger(__name__)

PAUSE_S = 60.0
"""A relay that was opened for want of power stays open for at least so long."""
_COMING_S = 30.0
"""For so long a place is kept for a session that was let in but has not begun."""
_HOUSEHOLD_A = 16.0
_HOUSEHOLD_V = 230.0
"""An outlet that does not say what it can draw is taken for the largest of a household."""


_UNSEEN = ("", False, False)


@dataclass(slots=True)
class _Place:
    """What is known of one outlet from one decision to the next."""

    draw: Draw = field(default_factory=Draw)
    condition: tuple[str, bool, bool] = _UNSEEN
    """Session, whether it wants power, whether it is held."""
    since: float = -math.inf
    opened_at: float = -math.inf
    closed: bool = False
    not_before: float = 0.0
    coming_until: float = -math.inf
    """A session has been let in here that has not yet begun."""
    order: bool | None = None
    """The hold (True) or release (False) that is on its way."""
    rating_w: float | None = None
    """As the outlet said it last."""


class PowerBudget:
    """Who may draw power at one site."""

    def __init__(self, site: SiteControl, clock: Clock) -> None:
        self.circuits: Mapping[str, Circuit] = {SITE: Circuit(id=SITE, parent=None)}
        self.rules = Rules()
        self.circuit_of: Mapping[int, str] = {}
        """By outlet number; the others are the site's own."""
        self.priority_of: Mapping[int, Priority] = {}
        """By outlet number; the others are NORMAL."""
        self.decision = Decision(held={}, never={}, load_w={SITE: 0.0})
        self._site = site
        self._clock = clock
        self._places: dict[int, _Place] = {}
        self._orders: dict[int, asyncio.Task[None]] = {}
        self._listeners: list[Callable[[], None]] = []
        site.admission = self._admit

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back after every decision; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def close(self) -> None:
        """Decide no more. Who waits goes on waiting: the next run decides anew."""
        self._site.admission = lambda _: frozenset()
        orders = list(self._orders.values())
        for order in orders:
            order.cancel()
        await asyncio.gather(*orders, return_exceptions=True)

    @property
    def limited(self) -> bool:
        """Whether there is any limit at all."""
        return any(circuit.limit_w is not None for circuit in self.circuits.values())

    @property
    def waiting(self) -> list[int]:
        """The outlets whose sessions wait for power."""
        return sorted(self.decision.held)

    def free_w(self, circuit: str = SITE) -> float | None:
        """Return how much more may be drawn on a circuit now, W; None without a limit."""
        limit = self.circuits[circuit].limit_w
        return None if limit is None else max(0.0, limit - self.decision.load_w.get(circuit, 0.0))

    def rating_w(self, evse: int) -> float:
        """Return the most that an outlet draws for hours, W.

        One that does not say so is taken for the largest of a household, or for all that its circuit can carry.
        """
        driver, place = self._site.outlets[evse].driver, self._places.setdefault(evse, _Place())
        volts = driver.report.voltage_v if driver.report else None
        if (said := most_power(driver.facts, volts)) is not None:
            place.rating_w = float(said)
        if place.rating_w is not None:
            return place.rating_w
        path = path_of(self.circuits, self.circuit_of.get(evse, SITE))
        capacities = [capacity for each in path if (capacity := self.circuits[each].capacity_w) is not None]
        return min([_HOUSEHOLD_A * (nominal_voltage(volts) or _HOUSEHOLD_V), *capacities])

    def is_limited(self, evse: int) -> bool:
        """Whether any limit applies to an outlet."""
        path = path_of(self.circuits, self.circuit_of.get(evse, SITE))
        return any(self.circuits[each].limit_w is not None for each in path)

    def too_small(self, evse: int) -> tuple[str, float, float] | None:
        """Return a circuit that can never carry what an outlet says that it draws, what it can, and that, in W."""
        self.rating_w(evse)
        if (said := self._places[evse].rating_w) is None:
            return None
        for each in path_of(self.circuits, self.circuit_of.get(evse, SITE)):
            capacity = self.circuits[each].capacity_w
            if capacity is not None and said > capacity:
                return each, capacity, said
        return None

    # --- deciding

    def look(self) -> None:
        """Look at all outlets, decide, and have done what follows."""
        controls = self._site.outlets.values()
        if not self.limited and not any(each.session and Hold.BUDGET in each.session.holds for each in controls):
            # Nobody shares anything: a site without limits pays nothing for them.
            drawn = sum(report.power_w for each in controls if (report := each.driver.report))
            self._act(Decision(held={}, never={}, load_w={SITE: drawn}))
            return
        self._act(decide(self.circuits, self._loads(), self._clock.monotonic(), self.rules))

    def _admit(self, evse: int) -> frozenset[Hold] | Refusal:
        """Answer whether a session that is about to begin may draw power, must wait, or would wait for ever."""
        if not self.limited or (control := self._site.outlets.get(evse)) is None:
            return frozenset()
        now = self._clock.monotonic()
        loads = [load for load in self._loads() if load.outlet != evse]
        newcomer = Load(
            outlet=evse,
            circuit=self.circuit_of.get(evse, SITE),
            priority=self.priority_of.get(evse, Priority.NORMAL),
            rating_w=self.rating_w(evse),
            wants=True,
            held=True,
            since=now,
            can_wait=control.driver.facts.can_wait,
        )
        decision = decide(self.circuits, [*loads, newcomer], now, self.rules)
        if evse in decision.never:
            return Refusal.POWER_LIMIT
        if evse not in decision.held:
            self._places[evse].coming_until = now + _COMING_S
        elif not newcomer.can_wait:
            # It will not begin: nobody has to give way to it.
            return frozenset({Hold.BUDGET})
        self._act(decision)
        return frozenset({Hold.BUDGET}) if evse in decision.held else frozenset()

    def _loads(self) -> list[Load]:
        self._places = {evse: self._places.get(evse) or _Place() for evse in self._site.outlets}
        now = self._clock.monotonic()
        return [self._load(control, self._places[evse], now) for evse, control in self._site.outlets.items()]

    def _load(self, control: OutletControl, place: _Place, now: float) -> Load:
        session, report = control.session, control.driver.report
        if session is not None:
            place.coming_until = -math.inf
        closed = _is_closed(control, session)
        wants = _wants(session) or now < place.coming_until
        held = session is not None and (Hold.BUDGET in session.holds if place.order is None else place.order)
        condition = (session.id if session else "", wants, held)
        if place.condition != condition:
            if held and (closed or place.closed):
                place.not_before = now + PAUSE_S
            first = place.condition is _UNSEEN
            place.condition, place.since = condition, now
            if first and held and session and session.started_at:
                # It has waited already before the program was started anew.
                place.since = now - (self._clock.now() - session.started_at).total_seconds()
        if place.closed and not closed:
            place.opened_at = now
        place.closed = closed
        place.draw.read(now, condition[0], closed, report.power_w if report else None)
        return Load(
            outlet=control.evse,
            circuit=self.circuit_of.get(control.evse, SITE),
            priority=self.priority_of.get(control.evse, Priority.NORMAL),
            rating_w=self.rating_w(control.evse),
            wants=wants,
            held=held,
            since=place.since,
            not_before=place.not_before,
            closed=closed,
            opened_at=place.opened_at,
            power_w=report.power_w if report else None,
            peak_w=place.draw.peak_w if held or place.draw.is_known(now) else None,
            can_wait=control.driver.facts.can_wait,
            waits_for=self.decision.held.get(control.evse),
        )

    # --- acting

    def _act(self, decision: Decision) -> None:
        self.decision = decision
        for evse, control in self._site.outlets.items():
            session = control.session
            if session is None or session.phase is not Phase.RUNNING or evse in self._orders:
                continue
            # Whoever the owner has paused is held too: when the owner lets it go on, there must be power for it.
            hold = evse in decision.held or (Hold.OWNER in session.holds and self.is_limited(evse))
            if hold != (Hold.BUDGET in session.holds):
                self._places[evse].order = hold
                self._orders[evse] = asyncio.create_task(self._order(control, hold), name=f"konsento budget {evse}")
        for listener in list(self._listeners):
            listener()

    async def _order(self, control: OutletControl, hold: bool) -> None:
        try:
            await (control.hold(Hold.BUDGET) if hold else control.release(Hold.BUDGET))
        except Exception:
            # It is tried again with the next look.
            _LOGGER.exception("Outlet %s: could not be told to %s", control.evse, "wait" if hold else "go on")
        finally:
            self._orders.pop(control.evse, None)
            if place := self._places.get(control.evse):
                place.order = None


def _wants(session: Session | None) -> bool:
    return session is not None and Hold.OWNER not in session.holds and session.stop_reason is None


def _is_closed(control: OutletControl, session: Session | None) -> bool:
    """Whether its relay is closed, or may be: nobody knows that of one that is away until its lease has run out."""
    if (report := control.driver.report) is not None:
        return report.state is OutletState.SUPPLYING if report.relay is None else report.relay
    return session is not None and session.supplying
