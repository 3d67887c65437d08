"""The life of a session: its states, what can happen to it, and where each leads. All of it is in this table.

    starting ─▶ charging ⇄ suspended ─▶ ended ─▶ settled
        └─▶ failed

Whatever is not in the table changes nothing: events come late, twice, and in any order, and an answer may be slower
than the events that follow it.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from konsento.models import ChargingSession, SessionState

STARTING, CHARGING, SUSPENDED = SessionState.STARTING, SessionState.CHARGING, SessionState.SUSPENDED
ENDED, SETTLED, FAILED = SessionState.ENDED, SessionState.SETTLED, SessionState.FAILED


class Happening(StrEnum):
    """What can happen to a session."""

    REFUSED = "refused"
    """The site said no, or could not be reached at all: it certainly never supplied."""
    NEVER_BEGAN = "never_began"
    """The site said yes, and nothing came of it in time."""
    SUPPLIES = "supplies"
    """The outlet supplies, or does so again."""
    PAUSED = "paused"
    """The outlet has paused supply by itself."""
    OVER = "over"
    """The site has told of the end."""
    FORGOTTEN = "forgotten"
    """The site knows it no more and has nothing to deliver about it: it ends with what was measured."""
    LOST = "lost"
    """Its site has been away for so long that nothing more is waited for."""
    BILLED = "billed"
    """The receipt is made."""


TRANSITIONS: Final[Mapping[tuple[SessionState, Happening], SessionState]] = MappingProxyType(
    {
        (STARTING, Happening.REFUSED): FAILED,
        (STARTING, Happening.NEVER_BEGAN): FAILED,
        (STARTING, Happening.LOST): FAILED,
        (STARTING, Happening.SUPPLIES): CHARGING,
        (STARTING, Happening.PAUSED): SUSPENDED,
        (STARTING, Happening.OVER): ENDED,
        (CHARGING, Happening.SUPPLIES): CHARGING,
        (CHARGING, Happening.PAUSED): SUSPENDED,
        (CHARGING, Happening.OVER): ENDED,
        (CHARGING, Happening.FORGOTTEN): ENDED,
        (CHARGING, Happening.LOST): ENDED,
        (SUSPENDED, Happening.SUPPLIES): CHARGING,
        (SUSPENDED, Happening.PAUSED): SUSPENDED,
        (SUSPENDED, Happening.OVER): ENDED,
        (SUSPENDED, Happening.FORGOTTEN): ENDED,
        (SUSPENDED, Happening.LOST): ENDED,
        # Taken by settlement, which stands below and is told by due work.
        (ENDED, Happening.BILLED): SETTLED,
    }
)


def step(charging: ChargingSession, happening: Happening) -> bool:
    """Lead a session to its next state. Returns whether the happening concerns a session in its state at all."""
    following = TRANSITIONS.get((charging.state, happening))
    if following is None:
        return False
    charging.state = following
    return True
