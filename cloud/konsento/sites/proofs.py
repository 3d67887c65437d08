"""Passwords of stations: how they are stored, and whether one is right.

A station shows its password at every connection, and after an outage all of them connect at once, to a process that
has just begun. What this server made itself (124 random bits) cannot be guessed from a quick hash, so it has one: a
thousand such stations cost milliseconds. What an operator wrote into a file, or a stranger brought, is hashed with
Argon2id at OWASP's least parameters, and a proof that succeeded is remembered as a keyed hash whose key never leaves
this process.

Whoever is refused waits for one Argon2 hash whatever the reason, so that the time does not tell who is known here.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from argon2 import PasswordHasher

from konsento.kit import hashing

MOST_WAITING: Final = 2_000
"""Proofs that may wait for their Argon2 hash at once; a minute's work of one core."""
_REMEMBERED: Final = 10_000
_QUICK: Final = "$blake2b$"
_hasher: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_key = secrets.token_bytes(32)
_proven: OrderedDict[bytes, None] = OrderedDict()
_under_way: dict[bytes, asyncio.Task[bool]] = {}


class TooManyProofs(Exception):
    """So many stations wait for their proof that another one would wait too long."""


def stored_random(password: str) -> str:
    """Return what is stored of a password that this server made at random, 112 bits or more."""
    salt = secrets.token_bytes(16)
    return f"{_QUICK}{salt.hex()}${_digest(password, salt)}"


def stored_chosen(password: str) -> str:
    """Return what is stored of a password that somebody else chose. Slow on purpose; blocks."""
    return _hasher.hash(password)


async def stored_chosen_aside(password: str) -> str:
    """Return the same without blocking the event loop."""
    return await hashing.aside(stored_chosen, password)


def verified(password: str, stored: str) -> bool:
    """Tell whether a password belongs to what is stored. Slow on purpose; blocks."""
    return _quickly(password, stored) if stored.startswith(_QUICK) else hashing.verified(password, stored)


def outdated(stored: str) -> bool:
    """Tell whether what is stored costs more, or less, than it would today. Quick."""
    return not stored.startswith(_QUICK) and _hasher.check_needs_rehash(stored)


async def first_match(password: str, stored: Sequence[str]) -> int | None:
    """Return the index of the first of these that a password belongs to; None for none, after the same work as ever.

    Raises `TooManyProofs`.
    """
    for index, one in enumerate(stored):
        if one.startswith(_QUICK):
            if _quickly(password, one):
                return index
        elif await _slowly(password, one):
            return index
    if not any(not one.startswith(_QUICK) for one in stored):
        await _slowly(password, None)
    return None


def _digest(password: str, salt: bytes) -> str:
    return hashlib.blake2b(password.encode(), salt=salt, digest_size=32).hexdigest()


def _quickly(password: str, stored: str) -> bool:
    salt, _, digest = stored.removeprefix(_QUICK).partition("$")
    return secrets.compare_digest(_digest(password, bytes.fromhex(salt)), digest)


async def _slowly(password: str, stored: str | None) -> bool:
    proof = hashlib.blake2b(f"{stored}\n{password}".encode(), key=_key).digest()
    if proof in _proven:
        _proven.move_to_end(proof)
        return True
    # Whoever gave up waiting and comes again waits for the hash that is being made already.
    task = _under_way.get(proof)
    if task is None:
        if len(_under_way) >= MOST_WAITING:
            raise TooManyProofs
        task = _under_way[proof] = asyncio.create_task(hashing.aside(_matches, password, stored))
        task.add_done_callback(lambda done: _note(proof, done))
    return await asyncio.shield(task)


def _matches(password: str, stored: str | None) -> bool:
    return hashing.verified(password, stored or _NOBODY) and stored is not None


def _note(proof: bytes, done: asyncio.Task[bool]) -> None:
    _under_way.pop(proof, None)
    if not done.cancelled() and done.exception() is None and done.result():
        _proven[proof] = None
        if len(_proven) > _REMEMBERED:
            _proven.popitem(last=False)


_NOBODY: Final = stored_chosen(secrets.token_hex(16))
