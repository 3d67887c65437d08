"""Passwords of people: one form, how easily one is guessed, and whether one is right."""

import unicodedata
from collections.abc import Iterable
from typing import Final

from zxcvbn import zxcvbn

from konsento.kit import hashing

MAXIMUM: Final = 200
"""Longer than anybody types."""
_ZXCVBN_TAKES: Final = 72


def score(password: str, known: Iterable[str]) -> int:
    """Return how well a password stands guessing, 0 to 4: from 2 on more than 10^6 guesses, from 3 on more than 10^8.

    Guessed first are the passwords that breaches have made known, and `known`, what an attacker knows of the person.
    """
    # More characters than these make none weaker.
    return int(zxcvbn(same(password)[:_ZXCVBN_TAKES], user_inputs=[word for word in known if word])["score"])


async def hashed(password: str) -> str:
    """Return what is stored of a password."""
    return await hashing.hashed_aside(same(password))


async def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether a password belongs to a stored hash; takes the same time when there is none (`None`)."""
    # One that is too long is never right, and as much work as any other wrong one.
    return await hashing.matches(same(password[: MAXIMUM + 1]), password_hash)


def outdated(password_hash: str) -> bool:
    """Tell whether a stored hash was made with other parameters than those of today."""
    return hashing.outdated(password_hash)


def same(password: str) -> str:
    """Return a password in the one form in which it is measured and hashed.

    The same keys give other code points on another keyboard or phone (NIST SP 800-63B, 3.1.1.2).
    """
    return unicodedata.normalize("NFKC", password)
