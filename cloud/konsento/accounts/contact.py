"""What a driver types about themselves, checked and in one form."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from konsento.accounts.errors import AddressTooLong, BadEmail, BadPhone, NameTooLong

EMAIL_LENGTH = 254
NAME_LENGTH = 100
ADDRESS_LENGTH = 300
PHONE_DIGITS = range(6, 16)  # E.164 has up to fifteen


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


def normal_phone(text: str) -> str:
    """Return a phone number as its digits with a leading `+` where one was typed; empty for none. Raises `BadPhone`."""
    plain = unicodedata.normalize("NFKC", text).strip()
    digits = "".join(c for c in plain if c not in " -().\u2010\u2013\u30fc")
    if not digits:
        return ""
    if not digits.removeprefix("+").isascii() or not digits.removeprefix("+").isdigit():
        raise BadPhone
    if len(digits.removeprefix("+")) not in PHONE_DIGITS:
        raise BadPhone
    return digits


def normal_address(text: str) -> str:
    """Return a postal address line by line without spaces around. Raises `AddressTooLong`."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    address = "\n".join(line for line in lines if line)
    if len(address) > ADDRESS_LENGTH:
        raise AddressTooLong(maximum=ADDRESS_LENGTH)
    return address
