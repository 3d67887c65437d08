"""Argon2id off the event loop, for secrets of machines. What a correct one was is remembered for a while in memory.

A station shows its password at every connection, and after an outage all of them connect at once: with 64 MiB and tens
of milliseconds for each, the last one would wait long. So a proof that succeeded is kept as a keyed hash whose key
never leaves this process.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_REMEMBERED: Final = 10_000
_hasher = PasswordHasher()
_workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="hashing")
_key = secrets.token_bytes(32)
_proven: OrderedDict[bytes, None] = OrderedDict()
_nobody: list[str] = []


def hashed(secret: str) -> str:
    """Return what is stored of a secret. Slow on purpose; blocks."""
    return _hasher.hash(secret)


def verified(secret: str, stored: str) -> bool:
    """Tell whether a secret belongs to a stored hash. Slow on purpose; blocks."""
    try:
        return _hasher.verify(stored, secret)
    except VerificationError, InvalidHashError:
        return False


async def matches(secret: str, stored: str | None) -> bool:
    """Tell whether a secret belongs to a stored hash; without one it is False, after the same work."""
    if stored is None:
        await asyncio.get_running_loop().run_in_executor(_workers, _work_for_nothing, secret)
        return False
    proof = hashlib.blake2b(f"{stored}\n{secret}".encode(), key=_key).digest()
    if proof in _proven:
        _proven.move_to_end(proof)
        return True
    if not await asyncio.get_running_loop().run_in_executor(_workers, verified, secret, stored):
        return False
    _proven[proof] = None
    if len(_proven) > _REMEMBERED:
        _proven.popitem(last=False)
    return True


def _work_for_nothing(secret: str) -> None:
    if not _nobody:
        _nobody.append(hashed(secrets.token_hex(16)))
    verified(secret, _nobody[0])
