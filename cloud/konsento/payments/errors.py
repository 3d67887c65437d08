"""Why money cannot be held, in the driver's words."""

from konsento.kit.errors import KonsentoError


class BalanceTooLow(KonsentoError):  # named like a reason, as every KonsentoError
    """The hold is more than what is left of the balance."""

    status = 402
    message = "Your balance is too low for this. Choose a smaller amount, or top up."
