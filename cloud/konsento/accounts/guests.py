"""Guests: somebody who charges with a mail address, today, without an account (patent paragraph [0082])."""

import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import repository
from konsento.accounts.contact import normal_email, normal_name, normal_phone
from konsento.accounts.errors import EmailTaken, NotAGuest
from konsento.kit.ids import new_id
from konsento.models import Driver, DriverKind

log = logging.getLogger(__name__)

STAYS: Final = timedelta(days=7)
"""So long the browser of a guest is remembered."""


async def begin(session: AsyncSession, *, email: str, phone: str, locale: str, now: datetime) -> Driver:
    """Make a guest. Raises `BadEmail`, `BadPhone`.

    Always a new one: whoever types an address has not shown that it is theirs, so they see nothing of what others
    did with it, be it an account's.
    """
    guest = Driver(
        id=new_id(),
        kind=DriverKind.GUEST,
        email=normal_email(email),
        phone=normal_phone(phone),
        locale=locale,
        password_hash=None,
        created_at=now,
    )
    session.add(guest)
    await session.flush()
    log.info("guest %s", guest.id)
    return guest


async def become_account(
    session: AsyncSession, guest: Driver, *, name: str, password_hash: str | None, links: bool
) -> Driver:
    """Turn a guest into an account, with all that the guest has charged; with `links` it has to be confirmed, as any.

    Raises `NotAGuest`, and without `links` `EmailTaken`.
    """
    row = await repository.driver_by_id(session, guest.id)
    if row is None or row.kind is not DriverKind.GUEST:
        raise NotAGuest
    if not links and await repository.driver_by_email(session, row.email) is not None:
        raise EmailTaken
    row.kind = DriverKind.UNCONFIRMED if links else DriverKind.ACCOUNT
    row.name = normal_name(name)
    row.password_hash = password_hash
    await session.flush()
    log.info("guest %s has an account now", row.id)
    return row
