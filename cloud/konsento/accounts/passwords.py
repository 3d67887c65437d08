"""Passwords of drivers: what they may be, and whether one is right."""

import unicodedata

from konsento.accounts.errors import PasswordTooLong, PasswordTooShort
from konsento.kit import hashing

MINIMUM = 10
MAXIMUM = 200


def check(password: str) -> None:
    """Raise `PasswordTooShort` or `PasswordTooLong` for a password that no account gets."""
    if len(password) < MINIMUM:
        raise PasswordTooShort(minimum=MINIMUM)
    if len(password) > MAXIMUM:
        raise PasswordTooLong(maximum=MAXIMUM)


async def hashed(password: str) -> str:
    """Return what is stored of a password."""
    return await hashing.hashed_aside(_same(password))


async def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether a password belongs to a stored hash; takes the same time when there is none (`None`)."""
    if len(password) > MAXIMUM:
        password = password[:MAXIMUM] + "!"  # Never right, and as much work as any other wrong one.
    return await hashing.matches(_same(password), password_hash)


def _same(password: str) -> str:
    # The same keys give other code points on another keyboard or phone (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
