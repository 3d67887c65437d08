"""What each role may do: the one table of it."""

from enum import StrEnum
from typing import Final

from konsento.models import Role


class Permission(StrEnum):
    """Something that not everybody may do."""

    LOOK = "look"
    """See sites, sessions without their driver, alarms, health."""
    DRIVERS = "drivers"
    """See drivers, each time with a reason that is logged."""
    SESSIONS = "sessions"
    """Stop a session, ask the site about it, send a receipt again."""
    SITES = "sites"
    """Set up sites and outlets."""
    GRID = "grid"
    """Set up regions of the grid, data sources and rules of windows."""
    PARTNERS = "partners"
    """Set up other suppliers and portals with which drivers are exchanged."""
    REMOTE = "remote"
    """Ask stations to do something."""
    ALARMS = "alarms"
    """Acknowledge alarms, have given-up work tried again."""
    CREDIT = "credit"
    """Give a driver credit, or an amount of a bill back."""
    REWARDS = "rewards"
    """Make and stop rules of points and coupons."""
    BILLS = "bills"
    """See bills with their drivers, note what came in for them, withdraw them."""
    STATEMENTS = "statements"
    """See what suppliers and site owners got, save it as files, record payouts."""
    STAFF = "staff"
    """Invite members, change roles, disable."""
    LOG = "log"
    """Read the audit log."""


_SUPPORT: Final = {Permission.LOOK, Permission.DRIVERS, Permission.SESSIONS}
_OPERATOR: Final = _SUPPORT | {
    Permission.SITES,
    Permission.GRID,
    Permission.PARTNERS,
    Permission.REMOTE,
    Permission.ALARMS,
    Permission.CREDIT,
    Permission.REWARDS,
    Permission.BILLS,
    Permission.STATEMENTS,
}

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({Permission.LOOK}),
    Role.SUPPORT: frozenset(_SUPPORT),
    Role.OPERATOR: frozenset(_OPERATOR),
    Role.ADMIN: frozenset(Permission),
}


def may(role: Role, permission: Permission) -> bool:
    """Tell whether a role has a permission."""
    return permission in PERMISSIONS[role]
