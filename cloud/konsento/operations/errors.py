"""Why something of the operator's work cannot be done."""

from konsento.kit.errors import KonsentoError


class UnknownAlarm(KonsentoError):
    """There is no such alarm, or it is over."""

    status = 404
    message = "This alarm does not exist."


class UnknownWork(KonsentoError):
    """There is no such work that was given up."""

    status = 404
    message = "This work is not given up (any more)."


class ReasonNeeded(KonsentoError):
    """Somebody has to say why, and did not."""

    status = 422
    message = "Write down why, in a few words: it goes into the log."
