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


class AddressTooLong(KonsentoError):
    """The postal address does not fit."""

    status = 422
    message = "The address is too long. Use at most {maximum} characters."


class BadPhone(KonsentoError):
    """No phone number."""

    status = 422
    message = "This is not a phone number. Type its digits, with + and the country's number in front if it is abroad."


class PasswordTooCommon(KonsentoError):
    """One of the passwords that are tried first, or made of what everybody knows about the driver."""

    status = 422
    message = "This password is among those that are guessed first. Choose another one, for example a few words."


class LinkOver(KonsentoError):
    """The link was used, or is too old, or never was."""

    status = 410
    message = "This link has been used or is too old. Ask for a new one."


class NotAGuest(KonsentoError):
    """Only a guest can become an account."""

    message = "You have an account already."


class TooManyMails(KonsentoError):
    """Asked for mails too often."""

    status = 429
    message = "Several mails are on their way already. Look into the mailbox, also at the spam; ask again in an hour."


class TooManyGuests(KonsentoError):
    """Too many from one network address."""

    status = 429
    message = "Too many new guests or accounts from your network. Wait an hour, or sign in."


class StillCharging(KonsentoError):
    """An account with a session that is on, or money held, cannot be deleted."""

    message = "Something is still being charged or billed. Delete the account when that has ended."


class ProveYourself(KonsentoError):
    """The change needs the password once more."""

    status = 403
    message = "The present password is not right. Nothing was changed."


class UnknownToken(KonsentoError):
    """There is no such token, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "There is no such token among yours. It may have been ended already."


class TokenNameMissing(KonsentoError):
    """A token without a name could not be told from others."""

    status = 422
    message = "Give the token a name, so that you know later what it is for."


class NoScope(KonsentoError):
    """A token that may do nothing."""

    status = 422
    message = "Choose at least one thing that the token may do."


class TooMuchScope(KonsentoError):
    """A token may not make another one that may do more than itself."""

    status = 403
    message = "A token can only make tokens that may do no more than itself. Too much: {scopes}."


class BadLifetime(KonsentoError):
    """No sensible time for a token to last."""

    status = 422
    message = "A token lasts between 1 and {maximum} days."


class TooManyTokens(KonsentoError):
    """More tokens than anybody can keep in view."""

    message = "You have {maximum} tokens, which is the most. End one that you do not need any more."


class PasskeyRefused(KonsentoError):
    """What the browser sent is no passkey for this site, or it did not sign what it was asked to."""

    status = 403
    message = "The passkey was not accepted. Try again, or sign in another way."


class PasskeyChallengeOver(KonsentoError):
    """The challenge was answered before, is too old, or was never handed out."""

    status = 410
    message = "That took too long. Nothing was changed; try again."


class UnknownPasskey(KonsentoError):
    """There is no such passkey, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "This passkey is not known here. It may have been removed. Sign in another way."


class PasskeyCopied(KonsentoError):
    """The passkey's counter did not grow: somebody may hold a copy of it."""

    status = 403
    message = "Two devices seem to have this passkey. Sign in another way and remove it from your account."


class PasskeyKnown(KonsentoError):
    """The device gave a passkey that is here already."""

    message = "This passkey is set up already."


class TooManyPasskeys(KonsentoError):
    """More passkeys than anybody can keep in view."""

    message = "You have {maximum} passkeys, which is the most. Remove one that you do not need any more."


class LastWayIn(KonsentoError):
    """Without it the driver could never sign in again."""

    message = "This is your only way to sign in. Set a password or another passkey first."


class SignInAgain(KonsentoError):
    """The change needs somebody who has just shown who they are, and there is no password to ask for."""

    status = 403
    message = "Signing in was too long ago for this. Sign out and in again, then try once more. Nothing was changed."
