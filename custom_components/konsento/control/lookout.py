"""Notices what is news to an owner without being news of a session: problems, the connection, the button."""

import logging
from collections.abc import Callable
from typing import Any

from .clock import Clock
from .driver import OutletDriver
from .happenings import Happening
from .problems import Problem, ProblemWatch

_LOGGER = logging.getLogger(__name__)


class Lookout:
    """Looks at one outlet after every change, and now and then besides."""

    def __init__(
        self, evse: int, driver: OutletDriver, clock: Clock, tell: Callable[[Happening, dict[str, Any]], None]
    ) -> None:
        self.problems: frozenset[Problem] = frozenset()
        """What is wrong now."""
        self._evse = evse
        self._driver = driver
        self._clock = clock
        self._tell = tell
        self._watch = ProblemWatch()
        self._reachable: bool | None = None
        self._pressed = False

    def look(self) -> None:
        """Look, and tell what is new."""
        report = self._driver.report
        self._compare(self._watch.look(report, self._driver.facts, self._clock.monotonic()))
        reachable = report is not None
        if self._reachable is not None and reachable is not self._reachable:
            self._tell(Happening.BACK if reachable else Happening.LOST, {})
        if reachable or self._reachable is not None:
            # Being away is no news of an outlet that has not been there yet.
            self._reachable = reachable
        pressed = report is not None and report.button
        if pressed and not self._pressed:
            self._tell(Happening.BUTTON, {})
        self._pressed = pressed

    def _compare(self, problems: frozenset[Problem]) -> None:
        before, self.problems = self.problems, problems
        for problem in sorted(problems - before):
            _LOGGER.warning("Outlet %s: %s", self._evse, problem)
            said = {"problem": str(problem)}
            self._tell(Happening.PROBLEM, said)
            if problem.is_tamper:
                self._tell(Happening.TAMPER, said)
        for problem in sorted(before - problems):
            _LOGGER.info("Outlet %s: %s is over", self._evse, problem)
            self._tell(Happening.SOLVED, {"problem": str(problem)})
