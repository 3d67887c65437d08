"""Why signing up or in can be refused, in the driver's words."""

from konsento.kit.errors import KonsentoError


class BadEmail(KonsentoError):
    """The mail address cannot exist."""

    status = 422
    message = "This is not a complete e-mail address. Check it for a typing mistake."


class EmailTaken(KonsentoError):
    """There is an account with this mail address."""

    status = 409
    message = "There is already an account with this e-mail address. Sign in instead."


class PasswordTooShort(KonsentoError):
    """The password is too easy to guess."""

    status = 422
    message = "The password is too short. Use at least {minimum} characters; a few words are easy to remember."


class PasswordTooLong(KonsentoError):
    """The password is longer than anybody types."""

    status = 422
    message = "The password is too long. Use at most {maximum} characters."


class NameTooLong(KonsentoError):
    """The name does not fit."""

    status = 422
    message = "The name is too long. Use at most {maximum} characters."


class WrongPassword(KonsentoError):
    """Mail address and password do not belong together; deliberately the same for an unknown mail address."""

    status = 403
    message = "E-mail address and password do not match. Check both and try again."


class TooManyAttempts(KonsentoError):
    """Signing in failed too often from here; the next attempt has to wait."""

    status = 429
    message = "Signing in failed too often. Wait {seconds} s, then try again."
