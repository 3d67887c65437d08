"""Argon2id off the event loop, for what people and machines prove themselves with."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
# One hash takes 64 MiB: two at a time, so that a flood of attempts queues instead of filling the memory.
_workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="hashing")


def hashed(secret: str) -> str:
    """Return what is stored of a secret. Slow on purpose; blocks."""
    return _hasher.hash(secret)


def verified(secret: str, stored: str) -> bool:
    """Tell whether a secret belongs to a stored hash. Slow on purpose; blocks."""
    try:
        return _hasher.verify(stored, secret)
    except VerificationError, InvalidHashError:
        return False


def outdated(stored: str) -> bool:
    """Tell whether a stored hash was made with other parameters than those of today. Quick."""
    try:
        return _hasher.check_needs_rehash(stored)
    except InvalidHashError:
        return False


async def aside[*A, R](work: Callable[[*A], R], *arguments: *A) -> R:
    """Return what slow work returns, without blocking the event loop; no more than two pieces run at a time."""
    return await asyncio.get_running_loop().run_in_executor(_workers, work, *arguments)


async def hashed_aside(secret: str) -> str:
    """Return what is stored of a secret, without blocking the event loop."""
    return await aside(hashed, secret)


async def matches(secret: str, stored: str | None) -> bool:
    """Tell whether a secret belongs to a stored hash; without one it is False, after the same work."""
    return await aside(_matches, secret, stored)


def _matches(secret: str, stored: str | None) -> bool:
    return verified(secret, stored or _nobody()) and stored is not None


@cache
def _nobody() -> str:
    return hashed(secrets.token_hex(16))
