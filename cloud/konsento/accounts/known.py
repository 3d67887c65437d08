"""Browsers in which a driver has signed in before: their wrong passwords are counted apart from everybody else's.

So whoever guesses on the driver's own network does not make the driver wait. A mark lets nobody in; who steals one may
guess as slowly as anybody.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import ServerKey

_KEY: Final = "known-browsers"


async def mark(session: AsyncSession, driver_id: UUID) -> str:
    """Return a new mark for a browser in which this driver has just signed in."""
    number = secrets.token_hex(16)
    return f"{number}.{await _sign(session, number, driver_id)}"


async def number_of(session: AsyncSession, marked: str, driver_id: UUID) -> str | None:
    """Return which browser a mark was made for, or None where it is not one of this driver's."""
    number, _, signature = marked.partition(".")
    right = await _sign(session, number, driver_id)
    return number if hmac.compare_digest(right.encode(), signature.encode()) else None


async def _sign(session: AsyncSession, number: str, driver_id: UUID) -> str:
    return hmac.new(await _key(session), f"{number}\n{driver_id}".encode(), sha256).hexdigest()


async def _key(session: AsyncSession) -> bytes:
    row = await session.get(ServerKey, _KEY)
    if row is None:
        try:
            async with session.begin_nested():
                row = ServerKey(name=_KEY, value=secrets.token_hex(32))
                session.add(row)
        except IntegrityError:  # another replica made it between the look and the insert
            row = await session.get_one(ServerKey, _KEY, populate_existing=True)
    return bytes.fromhex(row.value)
