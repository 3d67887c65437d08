"""Why something about advice cannot be done, in the driver's words."""

from konsento.kit.errors import KonsentoError


class BadQuietHours(KonsentoError):
    """What was typed as quiet hours are no times."""

    status = 422
    message = "Quiet hours are two times like 21:00 and 07:00; twice the same time means none."


class AdviceNeedsAccount(KonsentoError):
    """A guest is told about a charging, and of nothing else."""

    status = 403
    message = "Advice needs an account with a confirmed e-mail address."


class AdviceLinkOver(KonsentoError):
    """The link was not made here, or its driver is gone."""

    status = 404
    message = "This link is not complete, or its account is deleted. Nobody advises you through it."


class NoCalendar(KonsentoError):
    """The address of a calendar was withdrawn, or never was one."""

    status = 404
    message = "There is no calendar at this address. Its driver may have made a new one."
