"""Slows down guessing: each wrong password makes the next attempt wait longer.

Counted by mail address *and* network address, so that a stranger who guesses elsewhere does not lock the driver out.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import repository
from konsento.accounts.errors import TooManyAttempts
from konsento.models.driver import FailedSignIns

FREE_FAILURES = 5
"""So many typing mistakes cost no waiting."""
FIRST_WAIT_S = 2
LONGEST_WAIT_S = 300
FORGOTTEN_AFTER = timedelta(hours=24)


def origin_of(email: str, address: str) -> bytes:
    """Return the key under which attempts are counted."""
    return hashlib.sha256(f"{email}\n{address}".encode()).digest()


async def check(session: AsyncSession, origin: bytes, now: datetime) -> None:
    """Raise `TooManyAttempts` while this origin has to wait."""
    failed = await repository.failures_from(session, origin)
    if failed is not None and now < failed.next_attempt_at:
        left = (failed.next_attempt_at - now).total_seconds()
        raise TooManyAttempts(seconds=max(1, int(left + 0.999)))


async def count_failure(session: AsyncSession, origin: bytes, now: datetime) -> None:
    """Note a wrong password; from the sixth on the wait doubles, up to five minutes."""
    failed = await repository.failures_from(session, origin)
    if failed is None:
        failed = FailedSignIns(origin=origin, failures=0, last_failed_at=now, next_attempt_at=now)
        session.add(failed)
    elif now - failed.last_failed_at > FORGOTTEN_AFTER:
        failed.failures = 0
    failed.failures += 1
    failed.last_failed_at = now
    over = failed.failures - FREE_FAILURES
    wait = min(FIRST_WAIT_S * 2 ** min(over, 16), LONGEST_WAIT_S) if over >= 0 else 0
    failed.next_attempt_at = now + timedelta(seconds=wait)


async def forget(session: AsyncSession, origin: bytes) -> None:
    """Start again from nothing after a success."""
    failed = await repository.failures_from(session, origin)
    if failed is not None:
        await session.delete(failed)
