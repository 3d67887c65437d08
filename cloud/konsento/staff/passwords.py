"""Passwords of the staff: stronger than a driver's, because more hangs on them."""

import unicodedata

from zxcvbn import zxcvbn

from konsento.kit import hashing
from konsento.staff.errors import WeakPassword

MINIMUM = 12
MAXIMUM = 200
_GUESSABLE_BELOW = 3
"""Of zxcvbn's scores 0 to 4; 3 is 10^8 guesses and more."""


def check(password: str, *known: str) -> None:
    """Raise `WeakPassword` for one that is short or guessable; `known` is what an attacker knows of the member."""
    if not MINIMUM <= len(password) <= MAXIMUM:
        raise WeakPassword(minimum=MINIMUM)
    # zxcvbn takes at most 72 characters, and more make none weaker.
    if zxcvbn(password[:72], user_inputs=[word for word in known if word])["score"] < _GUESSABLE_BELOW:
        raise WeakPassword(minimum=MINIMUM)


async def hashed(password: str) -> str:
    """Return what is stored of a password."""
    return await hashing.hashed_aside(_same(password))


async def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether a password belongs to a stored hash; takes the same time when there is none (`None`)."""
    return await hashing.matches(_same(password[: MAXIMUM + 1]), password_hash)


def _same(password: str) -> str:
    # The same keys give other code points on another keyboard (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
