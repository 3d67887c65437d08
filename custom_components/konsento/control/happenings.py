"""What happens at an outlet, in the words that a site's owner makes automations of."""

from enum import StrEnum


class Happening(StrEnum):
    """One kind of news of an outlet."""

    STARTED = "session_started"
    SUSPENDED = "session_suspended"
    RESUMED = "session_resumed"
    LIMITS_CHANGED = "limits_changed"
    ENDED = "session_ended"
    CORRECTED = "session_corrected"
    """An outlet that had been away has measured more than its session was ended with."""
    LOST = "connection_lost"
    BACK = "connection_restored"
    PROBLEM = "problem"
    SOLVED = "problem_solved"
    BUTTON = "button_pressed"
