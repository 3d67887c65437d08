"""What a driver types about themselves, checked and in one form."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from konsento.accounts.errors import BadEmail, NameTooLong

EMAIL_LENGTH = 254
NAME_LENGTH = 100


def normal_email(text: str) -> str:
    """Return a mail address in the form in which it is stored and compared.

    The whole address is case-folded: RFC 5321 lets a host tell capitals apart before the @, no mailbox provider
    does, and two accounts that differ only in capitals are a driver's typing mistake. Raises `BadEmail`.
    """
    try:
        # No look-up of the domain: the address of a driver does not leave this machine for a check of spelling.
        checked = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise BadEmail from None
    email = unicodedata.normalize("NFC", checked.normalized.casefold())
    if len(email) > EMAIL_LENGTH:  # Folding can lengthen: ß becomes ss.
        raise BadEmail
    return email


def normal_name(text: str) -> str:
    """Return a name without spaces around it and without control characters. Raises `NameTooLong`."""
    name = "".join(c for c in text.strip() if unicodedata.category(c) not in {"Cc", "Cf"} or c == "\u200d")
    if len(name) > NAME_LENGTH:
        raise NameTooLong(maximum=NAME_LENGTH)
    return name
