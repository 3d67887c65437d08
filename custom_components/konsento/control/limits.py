"""What a session may use at most."""

from dataclasses import dataclass
from typing import Any

from .words import Refusal, TimerStart

MAX_ENERGY_WH = 100_000
"""Largest energy limit that the firmware takes, Wh (docs/contracts.md §1)."""
MAX_TIME_S = 86_400
"""Largest time limit that the firmware takes, s (docs/contracts.md §1)."""


class BadLimitError(ValueError):
    """The limits of a request cannot be used; `refusal` says in which of two ways."""

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.refusal = refusal


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Energy (Wh), duration (s) or both, counted from the start; the first one reached ends the session. 0 = none."""

    energy_wh: int = 0
    time_s: int = 0
    timer_start: TimerStart = TimerStart.RELAY

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Limits:
        """Return the limits that the journal kept."""
        return cls(**{**data, "timer_start": TimerStart(data["timer_start"])})

    @classmethod
    def parse(cls, energy_wh: object, time_s: object, timer_start: object = TimerStart.RELAY) -> Limits:
        """Return the limits that a request asks for; absent ones are given as None.

        Raises BadLimitError: `NO_LIMIT` when neither is set, because a relay never closes without a limit; `BAD_LIMIT`
        for anything but whole numbers within what the firmware takes.
        """
        energy = _whole("energyLimitWh", energy_wh, MAX_ENERGY_WH)
        duration = _whole("timeLimitS", time_s, MAX_TIME_S)
        if not energy and not duration:
            raise BadLimitError(Refusal.NO_LIMIT, "neither energyLimitWh nor timeLimitS is set")
        if not isinstance(timer_start, str) or timer_start not in set(TimerStart):
            raise BadLimitError(Refusal.BAD_LIMIT, f"timerStart must be one of {', '.join(TimerStart)}")
        return cls(energy_wh=energy, time_s=duration, timer_start=TimerStart(timer_start))


def _whole(name: str, value: object, most: int) -> int:
    if value is None:
        return 0
    # bool is an int to Python, but no limit to anyone else.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadLimitError(Refusal.BAD_LIMIT, f"{name} must be a whole number from 0 to {most}")
    return value
