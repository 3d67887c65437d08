"""What the password of a driver may be."""

from konsento.accounts.errors import PasswordTooCommon, PasswordTooLong, PasswordTooShort
from konsento.kit import passwords

MINIMUM = 10
_GUESSED_BELOW = 2


def check(password: str, *known: str) -> None:
    """Raise a reason for a password that no account gets; `known` is what others know of the driver.

    Length and a list of known passwords, no rules about kinds of characters (NIST SP 800-63B, 3.1.1.2).
    Raises `PasswordTooShort`, `PasswordTooLong`, `PasswordTooCommon`.
    """
    if len(password) < MINIMUM:
        raise PasswordTooShort(minimum=MINIMUM)
    if len(password) > passwords.MAXIMUM:
        raise PasswordTooLong(maximum=passwords.MAXIMUM)
    if passwords.score(password, ("konsento", *known)) < _GUESSED_BELOW:
        raise PasswordTooCommon
