"""Slows down guessing: each wrong attempt makes the next one wait longer, by mail address and network address."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.kit.guessing import network_of, wait_s
from konsento.models import FailedSignIns
from konsento.staff.errors import TooManyTries


def origin_of(email: str, address: str) -> bytes:
    """Return the key under which attempts are counted; apart from a driver's with the same address."""
    return hashlib.sha256(f"staff\n{email}\n{network_of(address)}".encode()).digest()


async def attempt(session: AsyncSession, origin: bytes, now: datetime) -> None:
    """Count an attempt, before it is known to be wrong: attempts side by side must not all pass.

    Raises `TooManyTries` while this origin has to wait.
    """
    new = insert(session, FailedSignIns).values(origin=origin, failures=0, last_failed_at=now, next_attempt_at=now)
    await session.execute(new.on_conflict_do_nothing())
    failed = await session.get_one(FailedSignIns, origin, with_for_update=True)
    if now < failed.next_attempt_at:
        left = (failed.next_attempt_at - now).total_seconds()
        raise TooManyTries(seconds=max(1, int(left + 0.999)))
    failed.failures += 1
    failed.last_failed_at = now
    failed.next_attempt_at = now + timedelta(seconds=wait_s(failed.failures))


async def forget(session: AsyncSession, origin: bytes) -> None:
    """Start again from nothing after a success."""
    failed = await session.get(FailedSignIns, origin, with_for_update=True)
    if failed is not None:
        await session.delete(failed)
