"""Why money cannot be held, in the driver's words."""

from konsento.kit.errors import KonsentoError


class BalanceTooLow(KonsentoError):  # named like a reason, as every KonsentoError
    """The hold is more than what is left of the balance."""

    status = 402
    message = "Your balance is too low for this. Choose a smaller amount, or top up."


class CardDeclined(KonsentoError):  # named like a reason, as every KonsentoError
    """The card does not pay so much."""

    status = 402
    message = "The card was declined, so nothing is held. Choose a smaller amount, or pay in another way."


class UnknownMethod(KonsentoError):  # named like a reason, as every KonsentoError
    """No such way to pay, or not for this driver."""

    status = 422
    message = "This way to pay is not offered here. Choose one of those shown."
