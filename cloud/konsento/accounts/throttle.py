"""Slows down guessing, and what a stranger could do without end.

Wrong passwords make the next attempt wait longer. They are counted by account *and* network address, so that a
stranger who guesses elsewhere does not lock the driver out.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import repository
from konsento.accounts.errors import TooManyAttempts, TooManyGuests, TooManyMails
from konsento.kit.errors import KonsentoError
from konsento.kit.guessing import network_of, wait_s

FORGOTTEN_AFTER = timedelta(hours=24)
MAILS_AN_HOUR = 5
"""With links, to one mail address, asked for from one network."""
_HOUR = timedelta(hours=1)


def origin_of(account: str, address: str) -> bytes:
    """Return the key under which attempts are counted; `account` is a mail address or a driver's id."""
    return _key(account, network_of(address))


async def admit(session: AsyncSession, address: str, now: datetime, most: int) -> None:
    """Count somebody new from a network address. Raises `TooManyGuests` for more than `most` an hour."""
    await _hourly(session, _key("new", network_of(address)), now, most, TooManyGuests)


async def admit_mail(session: AsyncSession, email: str, address: str, now: datetime) -> None:
    """Count a mail with a link that somebody at a network address asks for. Raises `TooManyMails`.

    By network address, so that a stranger who asks elsewhere does not keep the owner from getting one.
    """
    await _hourly(session, _key("mail", email, network_of(address)), now, MAILS_AN_HOUR, TooManyMails)


async def attempt(session: AsyncSession, origin: bytes, now: datetime) -> None:
    """Count an attempt before it is known to be wrong: attempts side by side must not all pass.

    Raises `TooManyAttempts` while this origin has to wait.
    """
    failed = await repository.first_or_further_failure(session, origin, now, next_attempt_at=now)
    if now < failed.next_attempt_at:
        left = (failed.next_attempt_at - now).total_seconds()
        raise TooManyAttempts(seconds=max(1, int(left + 0.999)))
    if now - failed.last_failed_at > FORGOTTEN_AFTER:
        failed.failures = 0
    failed.failures += 1
    failed.last_failed_at = now
    failed.next_attempt_at = now + timedelta(seconds=wait_s(failed.failures))


async def forget(session: AsyncSession, origin: bytes) -> None:
    """Start again from nothing after a success."""
    failed = await repository.failures_from(session, origin)
    if failed is not None:
        await session.delete(failed)


async def _hourly(session: AsyncSession, key: bytes, now: datetime, most: int, too_many: type[KonsentoError]) -> None:
    row = await repository.first_or_further_failure(session, key, now, next_attempt_at=now + _HOUR)
    if now >= row.next_attempt_at:
        row.failures, row.next_attempt_at = 0, now + _HOUR
    if row.failures >= most:
        raise too_many
    row.failures += 1
    row.last_failed_at = now


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode()).digest()
