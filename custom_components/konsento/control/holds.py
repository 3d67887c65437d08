"""Why a session that is under way is not supplied: somebody holds it, or the outlet has opened its relay by itself."""

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .outlet import OutletControl


class Hold(StrEnum):
    """Who wants a session to wait. It goes on when nobody does any more."""

    OWNER = "owner"
    """The site's owner, by hand or by an automation."""
    BUDGET = "budget"
    """There is no power for it: others take what the site or the circuit may take."""


class Suspension(StrEnum):
    """Why a session is not supplied, in the words that a site's owner reads."""

    OWNER = "owner"
    BUDGET = "budget"
    LEASE = "lease"
    """The outlet was away, or nobody renewed its lease."""
    DEVICE = "device"
    """The outlet protects itself: its meter, its heat, a contact that has to rest."""


def held_for(holds: Collection[Hold]) -> Suspension | None:
    """Return what to say of a session with these holds: what the owner wants outlasts a lack of power."""
    if Hold.OWNER in holds:
        return Suspension.OWNER
    return Suspension.BUDGET if holds else None


def suspension(control: OutletControl) -> Suspension | None:
    """Return why the session on an outlet is not supplied now; None while it is, and where there is none."""
    return control.session.suspension(control.driver.report) if control.session else None
