"""Errors that arise at the pages themselves."""

from konsento.kit.errors import KonsentoError


class SignInNeeded(KonsentoError):
    """The page belongs to a driver, and nobody is signed in. Pages lead to the sign-in, data answers 401."""

    status = 401
    message = "Sign in first."


class PageNotFound(KonsentoError):
    """There is no such page, or it is somebody else's: the answer does not tell which."""

    status = 404
    message = "This page does not exist. Check the address, or type the code on the label of the outlet."


class MethodNotAllowed(KonsentoError):
    """The page exists, but not for this kind of request."""

    status = 405
    message = "This address cannot be opened like that. Nothing was changed. Go back and try again."


class FromAnotherSite(KonsentoError):
    """A page of another site sent this request with the driver's cookies."""

    status = 403
    message = "This request came from a page of another site, so nothing was changed. Open the page here and try again."


class UnreadableRequest(KonsentoError):
    """A form without its fields or with nonsense in them."""

    status = 422
    message = "Something in the form is missing or cannot be read. Nothing was changed. Go back and fill it in again."


class BadTopUp(KonsentoError):
    """The amount of a top-up cannot be."""

    status = 422
    message = "A top-up is more than nothing and at most {most}. Nothing was paid."


class FormTooLarge(KonsentoError):
    """A body that is larger than any form here."""

    status = 413
    message = "What was sent is too large, so nothing of it was read. Nothing was changed. Go back and shorten it."


class OurFault(KonsentoError):
    """A mistake in the program."""

    status = 500
    message = (
        "Something broke on our side, and we have noted it. A charging that is running goes on to its limit, and only"
        " measured energy is billed. Try again in a minute."
    )
