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
    # Measured as it is hashed: one sign of some scripts becomes eighteen, ten half-width ones become five.
    if len(password) > passwords.MAXIMUM or len(passwords.same(password)) > passwords.MAXIMUM:
        raise PasswordTooLong(maximum=passwords.MAXIMUM)
    if len(passwords.same(password)) < MINIMUM:
        raise PasswordTooShort(minimum=MINIMUM)
    parts = [part for word in known for part in (word, *word.split("@"), *word.split())]
    if passwords.score(password, ("konsento", *parts)) < _GUESSED_BELOW:
        raise PasswordTooCommon
