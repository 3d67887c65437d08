"""Why there is no receipt, or why nothing of it can be given back: in the driver's and the operator's words."""

from konsento.kit.errors import KonsentoError


class NoReceipt(KonsentoError):  # named like a reason, as every KonsentoError
    """There is no such receipt yet, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "There is no receipt for this charging yet."


class CannotGiveBack(KonsentoError):  # named like a reason, as every KonsentoError
    """Nothing, or more than is billed and not given back yet."""

    status = 422
    message = "Give back more than nothing, and no more than what is billed and not given back yet."


class PaymentUnderWay(KonsentoError):  # named like a reason, as every KonsentoError
    """What was billed is being taken; it cannot be given back before the provider has answered."""

    status = 409
    message = "The payment is still being taken, so nothing was given back. Try again when the provider has answered."
