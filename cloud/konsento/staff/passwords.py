"""What the password of a member may be: stronger than a driver's, because more hangs on it."""

from konsento.kit import passwords
from konsento.staff.errors import WeakPassword

MINIMUM = 12
_GUESSED_BELOW = 3


def check(password: str, *known: str) -> None:
    """Raise `WeakPassword` for one that is short or guessable; `known` is what an attacker knows of the member."""
    if len(password) > passwords.MAXIMUM or not MINIMUM <= len(passwords.same(password)) <= passwords.MAXIMUM:
        raise WeakPassword(minimum=MINIMUM)
    if passwords.score(password, ("konsento", *known)) < _GUESSED_BELOW:
        raise WeakPassword(minimum=MINIMUM)
