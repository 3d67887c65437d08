"""Why a session cannot be started or shown, in the driver's words."""

from typing import Final

from konsento.kit.errors import KonsentoError
from konsento.sites.errors import OutletBusy, OutletDisabled, OutletFaulty, OutletOffline


class BadLimit(KonsentoError):
    """The amount cannot be a limit. Its subclasses say why."""

    status = 422
    message = "This amount cannot be used."


class UnknownLimitKind(BadLimit):
    """Neither energy nor time nor money."""

    message = "Choose whether to limit the charging by energy, time or money."


class UnknownUnit(BadLimit):
    """A unit that does not belong to the kind."""

    message = "This unit does not fit what you want to limit. Choose one of those offered."


class LimitNotANumber(BadLimit):
    """Not a number."""

    message = "This is not a number. Type digits, for example 6 or 1.5."


class LimitNotPositive(BadLimit):
    """Zero or less."""

    message = "The amount must be more than zero."


class LimitTooFine(BadLimit):
    """More digits than can be delivered."""

    message = "This is finer than can be delivered. The smallest step is {step}."


class LimitTooLarge(BadLimit):
    """More than one session may be."""

    message = "This is more than one charging can be. The most is {maximum}."


class LimitTooSmall(BadLimit):
    """Less than one Wh at the outlet's price."""

    message = "This is too little: it buys less than 1 Wh here. Choose a larger amount."


class LimitBelowFees(BadLimit):
    """Less than what every charging at the outlet costs, before any energy."""

    message = "This is too little: with its fees, a charging here costs {least} at least. Choose a larger amount."


class LimitAboveOutlets(BadLimit):
    """More than the operator allows for one session at this outlet."""

    message = "At this outlet one charging can be {maximum} at most. Choose a smaller amount."


class NothingToHold(BadLimit):
    """Until full, and there is no money for even one Wh."""

    status = 402
    message = "There is not enough money for any power, so nothing was started. Top up, or pay in another way."


class AlreadyUsedUp(BadLimit):
    """A new limit that a running session has reached before."""

    message = "More than that has flowed already. Choose a larger amount, or stop the charging."


class NotRunning(KonsentoError):
    """The session is over, or has not begun: there is no limit to change."""

    message = "This charging is not running, so its limit cannot be changed. Its page shows how it stands."


class UnknownSession(KonsentoError):
    """There is no such session, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "There is no such charging among yours."


class AlreadyChargingHere(KonsentoError):
    """The driver has another session at this very outlet."""

    message = "You are already charging at this outlet. Stop that charging before you start another one."


class PriceChanged(KonsentoError):
    """Another price is in force than the one that the driver has seen and agreed to."""

    message = "The price has changed since it was shown to you. Look at the new one before you start."


class MeteringNotAgreed(KonsentoError):
    """The outlet has a notified meter, and the driver has not agreed to it, or to an older text."""

    message = "Read how this outlet measures, and agree, before you start. Nothing was started, nothing is charged."


class PresenceNeeded(KonsentoError):
    """Nobody has shown that they stand before the outlet, and its operator wants that before a start."""

    message = (
        "Before this outlet supplies, show that you stand in front of it. Nothing was started, and nothing is held."
    )


class PresenceTaken(KonsentoError):
    """Another driver is showing that they stand there."""

    message = (
        "Somebody else is about to start at this outlet. If nothing comes of it, it is free again in two minutes;"
        " or take another outlet."
    )


class PresenceOver(KonsentoError):
    """The check that is answered is over: its time ran out, or it was answered before."""

    message = "The time to show that you are there is over. Nothing was started. Try again."


class TooManyPresenceChecks(KonsentoError):
    """One driver asked again and again, and started nothing."""

    status = 429
    message = "You have tried this very often without starting anything. Wait an hour, or ask the operator for help."


class UnknownPresenceCheck(KonsentoError):
    """There is no such check, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "There is no such presence check among yours. It may be more than an hour old."


class OutletRefused(KonsentoError):
    """The site refused for a reason that a driver can do nothing about."""

    status = 502
    message = "The outlet did not start. Please take another outlet."


class StartExpired(KonsentoError):
    """The request reached the site too late and was not executed."""

    status = 504
    message = "The outlet could not be reached in time, so it was not started. Try again."


class NeverStarted(KonsentoError):
    """The site accepted, but supply never began."""

    status = 504
    message = "The outlet did not begin to supply in time. Try again, or take another outlet."


FAILURES: Final[dict[str, type[KonsentoError]]] = {
    "UnknownOutlet": OutletRefused,
    "OutletBusy": OutletBusy,
    "OutletOffline": OutletOffline,
    "OutletFaulted": OutletFaulty,
    "OutletDisabled": OutletDisabled,
    "RequestExpired": StartExpired,
    "NeverStarted": NeverStarted,
}
"""A site's reason code for refusing a start (contracts, 2), and ours, to what the driver reads."""


def failure(code: str) -> KonsentoError:
    """Return what a driver reads for the reason code of a failed session."""
    return FAILURES.get(code, OutletRefused)()
