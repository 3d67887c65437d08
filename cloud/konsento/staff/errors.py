"""Why a member of the staff is refused, in words for the back office."""

from konsento.kit.errors import KonsentoError


class StaffSignInNeeded(KonsentoError):
    """The page belongs to the back office, and nobody is signed in there."""

    status = 401
    message = "Sign in to the back office first."


class NotYourRole(KonsentoError):
    """The role of who is signed in does not allow it."""

    status = 403
    message = "Your role does not allow this. Nothing was changed. Ask an administrator if you need it."


class WrongProof(KonsentoError):
    """Mail address, password and code do not belong together; deliberately the same whichever is wrong."""

    status = 403
    message = "E-mail address, password and code do not match. A code counts once: wait for the next one and try again."


class TooManyTries(KonsentoError):
    """Signing in failed too often from here."""

    status = 429
    message = "Signing in failed too often. Wait {seconds} s, then try again with a new code."


class BadStaffEmail(KonsentoError):
    """The mail address cannot exist."""

    status = 422
    message = "This is not a complete e-mail address of a colleague. Check it for a typing mistake."


class AlreadyStaff(KonsentoError):
    """Somebody with this mail address works here already."""

    message = "Somebody with this e-mail address is a member already. Change the role or invite them anew instead."


class UnknownMember(KonsentoError):
    """There is no such member."""

    status = 404
    message = "There is no such member of the staff."


class LastAdmin(KonsentoError):
    """Nobody could manage the staff any more."""

    message = "This is the last administrator. Make somebody else an administrator first."


class InvitationOver(KonsentoError):
    """The link was used, replaced, or is too old."""

    status = 404
    message = "This invitation is used up or too old. Ask an administrator for a new one."


class WeakPassword(KonsentoError):
    """The password can be guessed."""

    status = 422
    message = "This password is too easy to guess. Use at least {minimum} characters, for example four random words."


class WrongCode(KonsentoError):
    """The authenticator was not set up with this key, or its clock is wrong."""

    status = 422
    message = "This is not the code that the app should show now. Check the phone's clock and type the newest code."


class StaffTokenUnnamed(KonsentoError):
    """Nobody would know later which token to end."""

    status = 422
    message = "Give the token a name that says which program uses it."


class BadStaffTokenLifetime(KonsentoError):
    """A token would last for ever, or not at all."""

    status = 422
    message = "A token lasts 1 to {maximum} days."


class TooManyStaffTokens(KonsentoError):
    """There are more than anybody can watch over."""

    message = "There are {maximum} tokens already. End one that is not used any more first."


class UnknownStaffToken(KonsentoError):
    """There is no such token."""

    status = 404
    message = "There is no such token. It may have been ended."
