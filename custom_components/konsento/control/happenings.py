"""What happens at an outlet, in the words that a site's owner makes automations of."""

from enum import StrEnum


class Happening(StrEnum):
    """One kind of news of an outlet."""

    REQUESTED = "session_requested"
    """A management server or the owner wants one; what becomes of it follows."""
    REFUSED = "session_refused"
    STARTED = "session_started"
    SUSPENDED = "session_suspended"
    RESUMED = "session_resumed"
    LIMITS_CHANGED = "limits_changed"
    LIMIT_REACHED = "limit_reached"
    """Told just before the end that it brings."""
    ENDED = "session_ended"
    CORRECTED = "session_corrected"
    """An outlet that had been away has measured more than its session was ended with."""
    LOST = "connection_lost"
    BACK = "connection_restored"
    PROBLEM = "problem"
    SOLVED = "problem_solved"
    TAMPER = "tamper"
    """A problem that may mean theft; told besides the problem itself."""
    BUTTON = "button_pressed"
