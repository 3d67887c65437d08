"""Why there is no receipt, in the driver's words."""

from konsento.kit.errors import KonsentoError


class NoReceipt(KonsentoError):  # named like a reason, as every KonsentoError
    """There is no such receipt yet, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "There is no receipt for this charging yet."
