"""Passwords: argon2id, off the event loop."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from konsento.accounts.errors import PasswordTooLong, PasswordTooShort

MINIMUM = 10
MAXIMUM = 200

_hasher = PasswordHasher()
# One hash takes 64 MiB: two at a time, so that a flood of sign-ins queues instead of filling the memory.
_workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")

_NOBODY = _hasher.hash("nobody's password: takes part in the work for a mail address without an account")


def check(password: str) -> None:
    """Raise `PasswordTooShort` or `PasswordTooLong` for a password that no account gets."""
    if len(password) < MINIMUM:
        raise PasswordTooShort(minimum=MINIMUM)
    if len(password) > MAXIMUM:
        raise PasswordTooLong(maximum=MAXIMUM)


async def hashed(password: str) -> str:
    """Return what is stored of a password."""
    return await asyncio.get_running_loop().run_in_executor(_workers, _hasher.hash, _same(password))


async def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether a password belongs to a stored hash; takes the same time when there is none (`None`)."""
    if len(password) > MAXIMUM:
        password = password[:MAXIMUM] + "!"  # Never right, and as much work as any other wrong one.
    return await asyncio.get_running_loop().run_in_executor(_workers, _matches, _same(password), password_hash)


def _matches(password: str, password_hash: str | None) -> bool:
    try:
        _hasher.verify(password_hash or _NOBODY, password)
    except VerificationError, InvalidHashError:
        return False
    return password_hash is not None


def _same(password: str) -> str:
    # The same keys give other code points on another keyboard or phone (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
