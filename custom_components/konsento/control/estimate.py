"""When a session will end if it goes on as it does."""

from datetime import datetime, timedelta

from .session import Session
from .words import TimerStart

STEADY = timedelta(seconds=60)
"""A new estimate that differs by less is the old one: power is never quite the same."""
_LEAST_POWER_W = 1.0
"""Below it nothing can be said about when an energy limit is reached."""


class EndEstimate:
    """The estimates of one outlet, one after the other."""

    def __init__(self) -> None:
        self._told: datetime | None = None

    def of(self, session: Session | None, now: datetime) -> datetime | None:
        """Return when the first limit is reached at the present power; None while nothing flows or nothing limits."""
        told, self._told = self._told, _estimated(session, now)
        if told is not None and self._told is not None and abs(self._told - told) < STEADY:
            self._told = told
        return self._told


def _estimated(session: Session | None, now: datetime) -> datetime | None:
    if session is None or not session.supplying:
        return None
    limits, left = session.limits, list[float]()
    if limits.energy_wh and session.power_w >= _LEAST_POWER_W:
        left.append((limits.energy_wh * 1000 - session.energy_mwh) * 3.6 / session.power_w)
    if limits.time_s and not (limits.timer_start is TimerStart.CURRENT and session.energy_mwh == 0):
        left.append(limits.time_s - session.supply_s)
    return (now + timedelta(seconds=max(0.0, min(left)))).replace(microsecond=0) if left else None
