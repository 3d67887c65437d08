"""What an outlet is to the people in front of it: free, in use, or why it is neither."""

from enum import StrEnum

from .outlet import OutletControl
from .words import OutletState, Refusal


class Occupancy(StrEnum):
    """One word for it. Exactly one holds at any time, also while the outlet is away."""

    FREE = "free"
    """A session of the owner could start now."""
    CHARGING = "charging"
    """The relay is closed for a session."""
    WAITING = "waiting"
    """A session is under way, but the relay is open: it waits for power, for the outlet, or for the owner."""
    RESERVED = "reserved"
    OUT_OF_SERVICE = "out_of_service"
    FAULTED = "faulted"
    AWAY = "away"
    """It does not report, so nobody knows what it does."""


_OF_REFUSAL = {Refusal.OFFLINE: Occupancy.AWAY, Refusal.DISABLED: Occupancy.OUT_OF_SERVICE}


def occupancy(control: OutletControl, *, reserved: bool) -> Occupancy:
    """Return it. `reserved`: whether the outlet is kept for somebody who has not come yet."""
    report, refusal = control.driver.report, control.obstacle()
    if report is None:
        return Occupancy.AWAY
    if refusal is Refusal.BUSY:
        # One that the outlet has just ended is charging until that is written down: it does not wait for anything.
        ending = report.state is OutletState.ENDED and control.session is not None and control.session.supplying
        return Occupancy.CHARGING if ending or report.state is OutletState.SUPPLYING else Occupancy.WAITING
    if refusal is not None:
        return _OF_REFUSAL.get(refusal, Occupancy.FAULTED)
    return Occupancy.RESERVED if reserved else Occupancy.FREE
