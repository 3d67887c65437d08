"""What is wrong with a statement or a payout, in the operator's words."""

from konsento.kit.errors import KonsentoError


class NoSuchPayee(KonsentoError):  # named like a reason, as every KonsentoError
    """Nobody has such an account."""

    status = 404
    message = "There is no such supplier or site owner."


class BadMonth(KonsentoError):
    """A month that is none."""

    status = 422
    message = "This is no month. Write it as 2026-11."


class BadPayout(KonsentoError):
    """A payout that cannot have been."""

    status = 422
    message = (
        "Type an amount above zero, the day of the payment, not in the future, and a reference. Nothing was recorded."
    )


class PayoutTooLarge(KonsentoError):
    """More than is owed."""

    status = 409
    message = "Only {left} are owed. Nothing was recorded."


class PayoutTakenBack(KonsentoError):
    """It has been taken back, or takes another one back itself."""

    status = 409
    message = "This payout has been taken back already. Nothing was changed."
