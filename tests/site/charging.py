"""A site on a virtual clock whose outlets carry out what a power budget decides, with cars that draw as cars do."""

import asyncio
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import cast

from simulated import ManualClock

from custom_components.konsento.control.budget import SITE, Circuit, Priority, path_of
from custom_components.konsento.control.driver import OutletFacts
from custom_components.konsento.control.holds import Hold
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.power import PowerBudget
from custom_components.konsento.control.report import OutletReport
from custom_components.konsento.control.session import Phase, Session
from custom_components.konsento.control.site import SiteControl
from custom_components.konsento.control.words import OutletState, Refusal

LEASE_S = 11.0
"""Older outlets open their relay so long after the last renewal."""


@dataclass
class Car:
    """One that comes, takes its energy, and leaves."""

    energy_wh: float
    draw_w: Callable[[Car], float]
    """What it takes now if it is supplied."""
    came_at: float = 0.0
    left_at: float | None = None
    supplied_s: float = 0.0
    taken_wh: float = 0.0


class _Driver:
    def __init__(self, facts: OutletFacts) -> None:
        self.facts = facts
        self.report: OutletReport | None = None


class ChargingOutlet:
    """As much of an outlet and its control as a budget looks at."""

    _ids = itertools.count(1)

    def __init__(self, evse: int, clock: ManualClock, *, rating_w: float | None, can_wait: bool = True) -> None:
        self.evse = evse
        self.driver = _Driver(OutletFacts(max_power_w=rating_w, can_wait=can_wait))
        self.session: Session | None = None
        self.car: Car | None = None
        self.cycles = 0
        self.closed = False
        self.power_w = 0.0
        self._clock = clock
        self._renewed_at = clock.seconds
        self.tell()

    async def hold(self, why: Hold) -> bool:
        if self.session is None:
            return False
        self.session = replace(self.session, holds=self.session.holds | {why})
        return True

    async def release(self, why: Hold) -> bool:
        if self.session is None:
            return False
        self.session = replace(self.session, holds=self.session.holds - {why})
        return True

    def begin(self, car: Car, holds: Iterable[Hold]) -> None:
        self.car = car
        self.session = Session(
            id=f"session-{next(self._ids)}",
            server="server",
            remote_start_id=1,
            outlet=f"outlet-{self.evse}",
            evse=self.evse,
            limits=Limits(energy_wh=10_000),
            expires_at=self._clock.now(),
            register_start_mwh=0,
            phase=Phase.RUNNING,
            holds=frozenset(holds),
            started_at=self._clock.now(),
        )
        self._renewed_at = self._clock.seconds

    def end(self) -> None:
        self.session = self.car = None

    def pass_time(self, seconds: float) -> None:
        """Supply for a while as it was told last, then show what is drawn at the end."""
        held = self.session is None or bool(self.session.holds)
        if not held:
            self._renewed_at = self._clock.seconds
        lapses = not self.driver.facts.can_wait and self._clock.seconds - self._renewed_at < LEASE_S
        closed = self.session is not None and (not held or (self.closed and lapses))
        self.cycles += closed and not self.closed
        self.closed = closed
        self.power_w = 0.0
        if closed and self.car:
            self.power_w = self.car.draw_w(self.car)
            self.car.supplied_s += seconds
            self.car.taken_wh += self.power_w * seconds / 3600
            if self.car.taken_wh >= self.car.energy_wh:
                self.car.left_at = self._clock.seconds
                self.end()
        self.tell()

    def tell(self) -> None:
        state = OutletState.SUPPLYING if self.closed else OutletState.SUSPENDED if self.session else OutletState.IDLE
        self.driver.report = OutletReport(
            state=state,
            session_id=self.session.id if self.session else "",
            end_reason=None,
            energy_mwh=0,
            supply_s=0,
            power_w=self.power_w,
            lifetime_mwh=1,
            boot_id="1",
        )


@dataclass
class Measured:
    """What a whole run comes to."""

    over_s: float = 0.0
    longest_over_s: float = 0.0
    most_over_w: float = 0.0
    energy_wh: float = 0.0
    waited: list[Car] = field(default_factory=list)
    """All that have left and had to wait at some time."""
    refused: list[Refusal] = field(default_factory=list)


class ChargingSite:
    """The outlets, the budget over them, and time."""

    def __init__(self, circuits: Iterable[Circuit]) -> None:
        self.clock = ManualClock()
        self.outlets: dict[int, ChargingOutlet] = {}
        self.admission: Callable[[int], frozenset[Hold] | Refusal] = lambda _: frozenset()
        self.budget = PowerBudget(cast("SiteControl", self), self.clock)
        self.budget.circuits = {each.id: each for each in circuits}
        self.circuit_of: dict[int, str] = {}
        self.budget.circuit_of = self.circuit_of
        self.priority_of: dict[int, Priority] = {}
        self.budget.priority_of = self.priority_of
        self.measured = Measured()
        self._over_since: float | None = None

    def add(
        self,
        evse: int,
        circuit: str = SITE,
        *,
        rating_w: float | None = 1500,
        priority: Priority = Priority.NORMAL,
        can_wait: bool = True,
    ) -> ChargingOutlet:
        outlet = ChargingOutlet(evse, self.clock, rating_w=rating_w, can_wait=can_wait)
        self.outlets[evse] = outlet
        self.circuit_of[evse] = circuit
        self.priority_of[evse] = priority
        return outlet

    def ask(self, evse: int, car: Car) -> frozenset[Hold] | Refusal:
        """A driver asks for a session."""
        answer = self.admission(evse)
        if isinstance(answer, Refusal):
            self.measured.refused.append(answer)
        else:
            car.came_at = self.clock.seconds
            self.outlets[evse].begin(car, answer)
        return answer

    async def pass_time(self, seconds: float, step: float = 5.0) -> None:
        """Let time pass; the outlets tell their readings at every step."""
        for _ in range(round(seconds / step)):
            # What was ordered reaches the outlets.
            await asyncio.sleep(0)
            self.clock.seconds += step
            for outlet in self.outlets.values():
                car = outlet.car
                outlet.pass_time(step)
                if car and car.left_at is not None and car.left_at - car.came_at > car.supplied_s + 2 * step:
                    self.measured.waited.append(car)
            self._measure(step)
            self.budget.look()
        await asyncio.sleep(0)

    def load_w(self, circuit: str) -> float:
        """What is measured on a circuit."""
        circuits = self.budget.circuits
        return circuits[circuit].rest_w + sum(
            outlet.power_w
            for evse, outlet in self.outlets.items()
            if circuit in path_of(circuits, self.circuit_of[evse])
        )

    def _measure(self, step: float) -> None:
        over = max(
            (self.load_w(each.id) - each.limit_w for each in self.budget.circuits.values() if each.limit_w is not None),
            default=0.0,
        )
        self.measured.energy_wh += self.load_w(SITE) * step / 3600
        if over > 0.5:
            self._over_since = self._over_since if self._over_since is not None else self.clock.seconds - step
            self.measured.over_s += step
            self.measured.most_over_w = max(self.measured.most_over_w, over)
            self.measured.longest_over_s = max(self.measured.longest_over_s, self.clock.seconds - self._over_since)
        else:
            self._over_since = None


def steady(watts: float) -> Callable[[Car], float]:
    """Return the draw of a car that always takes the same."""
    return lambda _: watts


def jain(shares: list[float]) -> float:
    """Return Jain's index of fairness: 1 when all have the same, 1/n when one has everything."""
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))
