"""What is refused about bills."""

from konsento.kit.errors import KonsentoError


class NoSuchBill(KonsentoError):
    """There is none, or it is somebody else's."""

    status = 404
    message = "There is no such bill."


class BadBillPayment(KonsentoError):
    """No amount, no reference, or a day that is still to come."""

    status = 422
    message = (
        "It needs an amount above zero, the day on which it was paid, today at the latest, and what finds it at the"
        " bank. Nothing was noted."
    )


class BillIsWithdrawn(KonsentoError):
    """Nobody pays it any more."""

    status = 409
    message = "This bill is withdrawn. Nothing was changed."


class BillIsPaid(KonsentoError):
    """Nothing is left to be paid."""

    status = 409
    message = "This bill is paid. Nothing was changed."


class ReturnTooLarge(KonsentoError):
    """More than was paid too much."""

    status = 409
    message = "Only {left} were paid too much. Nothing was noted."


class AlreadyTakenBack(KonsentoError):
    """It was taken back before, or takes something back itself."""

    status = 409
    message = "This was taken back already. Nothing was changed."


class NoBillAddress(KonsentoError):
    """Half of an address."""

    status = 422
    message = "Bills by post need a name and an address. Leave both empty to get bills by mail."
