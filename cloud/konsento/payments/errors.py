"""Why money cannot be held or given back: in the driver's words, and in a provider's."""

from konsento.kit.errors import KonsentoError


class BalanceTooLow(KonsentoError):  # named like a reason, as every KonsentoError
    """The hold is more than what is left of the balance."""

    status = 402
    message = "Your balance is too low for this. Choose a smaller amount, or top up."


class CardDeclined(KonsentoError):  # named like a reason, as every KonsentoError
    """The card does not pay so much."""

    status = 402
    message = "The card was declined, so nothing is held. Choose a smaller amount, or pay in another way."


class TooMuchLater(KonsentoError):  # named like a reason, as every KonsentoError
    """More than the operator lets a driver owe."""

    status = 402
    message = "This is more than you can pay at the end. Choose a smaller amount, or pay in another way."


class UnknownMethod(KonsentoError):  # named like a reason, as every KonsentoError
    """No such way to pay, or not for this driver."""

    status = 422
    message = "This way to pay is not offered here. Choose one of those shown."


class PaymentAway(KonsentoError):  # named like a reason, as every KonsentoError
    """The provider did not answer; what it may hold all the same is given back by due work."""

    status = 503
    message = (
        "The payment service does not answer, so nothing was started. If your bank shows a hold for it, it is given"
        " back by itself. Please try again in a few minutes, or pay in another way."
    )


class PaymentRefused(KonsentoError):  # named like a reason, as every KonsentoError
    """The provider does not make such a payment."""

    status = 502
    message = "The payment service does not accept this payment, so nothing is held. Please pay in another way."


class HoldGone(KonsentoError):  # named like a reason, as every KonsentoError
    """A payment that was to pay for a charging does not hold money any more, or pays for another one."""

    status = 409
    message = "This payment holds no money any more, so it cannot pay for this charging. Please begin again."


class HoldTooSmall(KonsentoError):  # named like a reason, as every KonsentoError
    """What is held does not cover the charging, and cannot be raised at the provider."""

    status = 402
    message = "What was reserved for this charging is not enough for that, and it cannot be raised. Choose less."


class NothingToRefund(KonsentoError):  # named like a reason, as every KonsentoError
    """More is to be given back than is left of what was taken."""

    status = 409
    message = "That is more than is left of what was taken. Nothing was given back."


class UnknownPayment(KonsentoError):  # named like a reason, as every KonsentoError
    """No such payment."""

    status = 404
    message = "There is no such payment."


class UnknownCard(KonsentoError):  # named like a reason, as every KonsentoError
    """The driver has no such card."""

    status = 404
    message = "This card is not saved here any more."


class ProviderError(Exception):
    """What went wrong between us and an external provider; `code` is its word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code[:64]


class Refused(ProviderError):
    """It says no, and nothing has happened."""


class Declined(Refused):
    """The driver's bank says no."""


class Stumbled(ProviderError):
    """It answered with an error of its own. Under the same key it would answer the same again."""


class NoAnswer(ProviderError):
    """It did not answer: it may have done what it was asked or not."""


class BadSignature(Exception):
    """A webhook is not from the provider, or too old to be told from a copy."""
