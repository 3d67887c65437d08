"""The numbers that the owner of a site can set."""

import math
from dataclasses import dataclass

from .limits import Limits

LEASE_INTERVALS = 3.5
"""A lease lasts this many continuity intervals: loss is declared after three missed checks (IEEE 802.1ag's rule)."""
MAX_LEASE_S = 300
"""Longest lease that the firmware takes, s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlSettings:
    """Intervals in seconds; docs/site.md says what they mean to an owner."""

    continuity_s: float = 3.0
    """Between two continuity checks of a running session."""
    meter_s: int = 5
    """Between two meter values told to the management server."""
    handover_s: int = MAX_LEASE_S
    """Lease over a planned restart."""
    answer_s: float = 5.0
    """How long an outlet may take to answer a command."""
    start_s: float = 20.0
    """How long a start is pursued when the outlet's answer was lost."""
    unlimited_s: int = 43_200
    """Time limit of a session for which a management server names no limit at all: no relay closes without one."""
    abandon_s: float = 900.0
    """A session whose outlet stays away for so long is ended with the energy known."""

    @property
    def default_limits(self) -> Limits:
        """Limits of a session for which nobody has named any."""
        return Limits(time_s=self.unlimited_s)

    @property
    def lease_s(self) -> int:
        """Lease of a continuity check, whole seconds."""
        return min(MAX_LEASE_S, math.ceil(LEASE_INTERVALS * self.continuity_s))
