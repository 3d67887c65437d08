"""A member's mail address in one form."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from konsento.staff.errors import BadStaffEmail

EMAIL_LENGTH = 254


def normal_email(text: str) -> str:
    """Return a mail address as it is stored and compared: case-folded, NFC. Raises `BadStaffEmail`."""
    try:
        checked = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise BadStaffEmail from None
    email = unicodedata.normalize("NFC", checked.normalized.casefold())
    if len(email) > EMAIL_LENGTH:
        raise BadStaffEmail
    return email
