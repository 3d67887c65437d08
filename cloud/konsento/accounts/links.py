"""Links in mails: they show that somebody reads a mailbox, and let them in."""

import hashlib
import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import repository
from konsento.accounts.errors import EmailTaken, LinkOver, TooManyMails
from konsento.kit.ids import new_token
from konsento.models import Driver, DriverKind, Link, LinkPurpose

log = logging.getLogger(__name__)

LIVES: Final = {
    LinkPurpose.VERIFY_EMAIL: timedelta(days=3),
    LinkPurpose.CHANGE_EMAIL: timedelta(days=1),
    LinkPurpose.SIGN_IN: timedelta(minutes=30),
    # Stands in the mail with the receipt, which is looked for months later.
    LinkPurpose.GUEST: timedelta(days=90),
}
MOST_AN_HOUR: Final = 20
"""Mails with links to one address, whoever asks for them (`throttle.admit_mail` counts each network apart); receipts of
guests are not counted."""
_HOUR: Final = timedelta(hours=1)
_TOKEN_LENGTH: Final = 43  # characters of A-Z0-9: 222 bits


async def make(
    session: AsyncSession,
    driver: Driver,
    *,
    purpose: LinkPurpose,
    now: datetime,
    email: str = "",
    next_page: str = "/",
) -> str:
    """Make a link; returns its token. `email` is where it goes, by default the driver's address.

    Raises `TooManyMails`: a stranger must not fill a mailbox through this server.
    """
    email = email or driver.email
    # Kept for an hour longer, so that they are counted below.
    await repository.forget_expired_links(session, now - _HOUR)
    if purpose is not LinkPurpose.GUEST:
        if await repository.links_since(session, email, now - _HOUR) >= MOST_AN_HOUR:
            raise TooManyMails
        # Used links are kept until they expire, unusable, so that they count here. Another new address replaces the
        # one before; any other link stays: a stranger who asks for one must not spoil that in the owner's hand.
        if purpose is LinkPurpose.CHANGE_EMAIL:
            await repository.close_links(session, driver.id, purpose)
    token = new_token(_TOKEN_LENGTH)
    session.add(
        Link(
            token_hash=_hash(token),
            driver_id=driver.id,
            purpose=purpose,
            email=email,
            next_page=next_page,
            created_at=now,
            expires_at=now + LIVES[purpose],
        )
    )
    return token


async def look(session: AsyncSession, token: str, now: datetime) -> tuple[Link, Driver]:
    """Return a link that still counts and whose it is, without using it. Raises `LinkOver`."""
    found = await repository.link_with_driver(session, _hash(token))
    if found is None:
        raise LinkOver
    link, driver = found
    if link.closed or link.expires_at <= now or driver.kind is DriverKind.DELETED:
        raise LinkOver
    if link.purpose in {LinkPurpose.VERIFY_EMAIL, LinkPurpose.SIGN_IN} and link.email != driver.email:
        raise LinkOver  # went to an address that is the driver's no more
    return link, driver


async def use(session: AsyncSession, token: str, now: datetime) -> tuple[Link, Driver]:
    """Do what a link is for; returns it and whose it is, who is to be signed in. Raises `LinkOver`, `EmailTaken`.

    Using it shows that the address is the driver's, and makes an account of who has only signed up.
    """
    link, driver = await look(session, token, now)
    if link.purpose is LinkPurpose.GUEST:
        if driver.kind is not DriverKind.GUEST:
            raise LinkOver  # has become an account, which has its own ways in
        return link, driver
    other = await repository.driver_by_email(session, link.email)
    if other is not None and other.id != driver.id:
        raise EmailTaken
    match link.purpose:
        case LinkPurpose.CHANGE_EMAIL:
            driver.email, driver.email_verified_at = link.email, None
        case LinkPurpose.SIGN_IN if driver.email_verified_at is None:
            # Whoever typed the address before it was shown to be theirs may have been somebody else.
            driver.password_hash = None
            await repository.forget_ways_in(session, driver.id)
        case _:
            pass
    if driver.kind is DriverKind.UNCONFIRMED:
        driver.kind = DriverKind.ACCOUNT
    driver.email_verified_at = driver.email_verified_at or now
    # This one as well. After a change of address those in the old mailbox must not let anybody in any more.
    purpose = None if link.purpose is LinkPurpose.CHANGE_EMAIL else link.purpose
    await repository.close_links(session, driver.id, purpose)
    log.info("driver %s used a link: %s", driver.id, link.purpose)
    return link, driver


async def close_all(session: AsyncSession, driver_id: UUID) -> None:
    """Let no link of a driver count any more."""
    await repository.close_links(session, driver_id, None)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
