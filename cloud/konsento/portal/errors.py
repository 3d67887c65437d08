"""What the portal cannot do, in its visitors' and its operator's words."""

from konsento.kit.errors import KonsentoError


class BadDirectory(KonsentoError):
    """The file with suppliers and sites cannot be used."""

    message = "The directory cannot be used: {mistakes}"


class NoSuchOutlet(KonsentoError):
    """No outlet with this code or name."""

    status = 404
    message = "There is no outlet with this code. Check the code on the label beside the outlet."


class NoSuchOffer(KonsentoError):
    """The supplier does not sell at this outlet, or cannot be asked now."""

    status = 404
    message = "This supplier sells nothing at this outlet now. Choose another one."


class NoSuchPage(KonsentoError):
    """There is no such page."""

    status = 404
    message = "This page does not exist. Check the address, or type the code on the label of the outlet."


class Broken(KonsentoError):
    """A mistake in the program."""

    status = 500
    message = "Something broke on our side. Try again in a minute."
