"""Slows down guessing: each wrong password makes the next attempt wait longer.

Counted by mail address *and* network address, so that a stranger who guesses elsewhere does not lock the driver out.
"""

import hashlib
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import repository
from konsento.accounts.errors import TooManyAttempts, TooManyGuests
from konsento.models.driver import FailedSignIns

FREE_FAILURES = 5
"""So many typing mistakes cost no waiting."""
FIRST_WAIT_S = 2
LONGEST_WAIT_S = 300
FORGOTTEN_AFTER = timedelta(hours=24)
_HOUR = timedelta(hours=1)


def origin_of(email: str, address: str) -> bytes:
    """Return the key under which attempts are counted."""
    return hashlib.sha256(f"{email}\n{network_of(address)}".encode()).digest()


def network_of(address: str) -> str:
    """Return what one customer of a provider has: an IPv4 address, or the first 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


async def admit(session: AsyncSession, address: str, now: datetime, most: int) -> None:
    """Count somebody new from a network address. Raises `TooManyGuests` for more than `most` an hour."""
    origin = hashlib.sha256(f"new\n{network_of(address)}".encode()).digest()
    row = await repository.failures_from(session, origin)
    if row is None:
        row = FailedSignIns(origin=origin, failures=0, last_failed_at=now, next_attempt_at=now + _HOUR)
        session.add(row)
    elif now >= row.next_attempt_at:
        row.failures, row.next_attempt_at = 0, now + _HOUR
    if row.failures >= most:
        raise TooManyGuests
    row.failures += 1
    row.last_failed_at = now


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
