"""Why something about advice cannot be done, in the driver's words."""

from konsento.kit.errors import KonsentoError


class WindowGone(KonsentoError):
    """The window that was chosen is not recommended any more, or is over."""

    message = (
        "This time is not recommended any more. Nothing was planned and nothing is charged; look at the new times."
    )


class NeedsNobody(KonsentoError):
    """The way to pay would ask the driver for something when it starts."""

    message = (
        "Charging that starts by itself is paid from the balance, by bill, or with a saved card: nobody is there to"
        " confirm another payment. Nothing was planned."
    )


class TooManyPlans(KonsentoError):
    """The driver has planned enough."""

    status = 429
    message = "You have planned {maximum} chargings already. Cancel one first."


class NoOutlook(KonsentoError):
    """The operator has not said in which region of the grid the outlet lies."""

    status = 404
    message = "Nothing is forecast for this outlet: it is not known in which region of the grid it lies."


class UnknownPlan(KonsentoError):
    """The driver has no such planned charging."""

    status = 404
    message = "This planned charging is not found."


class PlanOver(KonsentoError):
    """It has started, failed or was cancelled."""

    message = "This is over: nothing is planned any more."


class PriceHigher(KonsentoError):
    """The price at the start is above what the driver has agreed to."""

    message = "The price was higher than the one that you agreed to, so it was not started. Nothing is charged."


class WindowOver(KonsentoError):
    """The window has ended before it could be started."""

    message = "The outlet could not be started while it was recommended. Nothing is charged."


class NotStarted(KonsentoError):
    """Something else came between the plan and its start."""

    message = "The charging could not be started any more. Nothing is charged."


class CardAsks(KonsentoError):
    """The bank of the saved card wants the cardholder."""

    message = "The bank of your card wants you to confirm the payment, so it was not started. Nothing is charged."


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
