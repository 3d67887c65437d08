"""Passwords of stations. What a correct one was is remembered in memory.

A station shows its password at every connection, and after an outage all of them connect at once: with 64 MiB and tens
of milliseconds for each, the last one would wait long. So a proof that succeeded is kept as a keyed hash whose key
never leaves this process.
"""

import hashlib
import secrets
from collections import OrderedDict
from typing import Final

from konsento.kit import hashing

_REMEMBERED: Final = 10_000
_key = secrets.token_bytes(32)
_proven: OrderedDict[bytes, None] = OrderedDict()


async def matches(password: str, stored: str | None) -> bool:
    """Tell whether a password belongs to a stored hash; without one it is False, after the same work."""
    proof = hashlib.blake2b(f"{stored}\n{password}".encode(), key=_key).digest()
    if proof in _proven:
        _proven.move_to_end(proof)
        return True
    if not await hashing.matches(password, stored):
        return False
    _proven[proof] = None
    if len(_proven) > _REMEMBERED:
        _proven.popitem(last=False)
    return True
