"""What is wrong with an outlet: what it says itself, and what only somebody who looks at it for longer can see."""

from collections import deque
from collections.abc import Collection
from enum import StrEnum

from .driver import OutletFacts
from .report import OutletReport
from .words import OutletState


class Problem(StrEnum):
    """One thing that is wrong. The first eight are the outlet's own (docs/contracts.md §1)."""

    OVERCURRENT = "overcurrent"
    WELDED_CONTACT = "welded_contact"
    OVERTEMPERATURE = "overtemperature"
    METER_SILENT = "meter_silent"
    METER_FROZEN = "meter_frozen"
    METER_IMPLAUSIBLE = "meter_implausible"
    TEMPERATURE_SILENT = "temperature_silent"
    STORAGE = "storage"
    UNKNOWN_FAULT = "unknown_fault"
    """A fault whose name a later firmware brought."""
    POWER_WITHOUT_SESSION = "power_without_session"
    """Somebody takes power that nobody has asked for."""
    RELAY_WITHOUT_POWER = "relay_without_power"
    """Nothing flowed in the last supplies: nobody plugged in, or the relay does not close."""
    REBOOT_LOOP = "reboot_loop"
    FIRMWARE_OUTDATED = "firmware_outdated"

    @property
    def blocks(self) -> bool:
        """Whether no session may start because of it, beyond what the outlet itself refuses."""
        return self in {Problem.POWER_WITHOUT_SESSION, Problem.REBOOT_LOOP, Problem.FIRMWARE_OUTDATED}

    @property
    def is_tamper(self) -> bool:
        """Whether somebody may be stealing."""
        return self in {Problem.POWER_WITHOUT_SESSION, Problem.WELDED_CONTACT}


def gravest(problems: Collection[Problem]) -> Problem | None:
    """Return the one to look at first: theft before what the outlet says itself, that before the rest."""
    return min(problems, key=lambda problem: (not problem.is_tamper, _GRAVITY.index(problem)), default=None)


_GRAVITY = list(Problem)

POWER_W = 20.0
"""More than the meter's noise and what the outlet itself takes."""
POWER_S = 10.0
"""For so long without a break: longer than a reading that came late."""
BOOTS = 4
BOOTS_WITHIN_S = 900.0


class ProblemWatch:
    """Looks at one outlet again and again."""

    def __init__(self) -> None:
        self._boot_id = ""
        self._boots: deque[float] = deque()
        self._drawn_since: float | None = None

    def look(self, report: OutletReport | None, facts: OutletFacts, monotonic: float) -> frozenset[Problem]:
        """Return what is wrong now; `monotonic` is the time in s. An outlet that is away keeps only what it is."""
        found = {Problem.FIRMWARE_OUTDATED} if facts.missing else set[Problem]()
        if report is None:
            self._drawn_since = None
            return frozenset(found)
        if report.fault:
            found.add(_fault(report.fault))
        if report.without_power:
            found.add(Problem.RELAY_WITHOUT_POWER)
        if self._reboots(report, monotonic):
            found.add(Problem.REBOOT_LOOP)
        if self._draws(report, monotonic):
            found.add(Problem.POWER_WITHOUT_SESSION)
        return frozenset(found)

    def _reboots(self, report: OutletReport, monotonic: float) -> bool:
        if report.boot_id != self._boot_id:
            if self._boot_id:
                self._boots.append(monotonic)
            self._boot_id = report.boot_id
        while self._boots and self._boots[0] < monotonic - BOOTS_WITHIN_S:
            self._boots.popleft()
        return len(self._boots) >= BOOTS

    def _draws(self, report: OutletReport, monotonic: float) -> bool:
        if report.state in {OutletState.SUPPLYING, OutletState.SUSPENDED} or report.power_w < POWER_W:
            self._drawn_since = None
            return False
        if self._drawn_since is None:
            self._drawn_since = monotonic
        return monotonic - self._drawn_since >= POWER_S


def _fault(name: str) -> Problem:
    try:
        return Problem(name)
    except ValueError:
        return Problem.UNKNOWN_FAULT
