"""Signing up, in and out."""

import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import browsers, guests, known, passwords, repository, throttle
from konsento.accounts.contact import normal_address, normal_email, normal_name, normal_phone
from konsento.accounts.errors import BadEmail, EmailTaken, WrongPassword
from konsento.accounts.links import LIVES
from konsento.kit import passwords as kit_passwords
from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.kit.ids import new_id, new_token
from konsento.models.driver import Driver, DriverKind, LinkPurpose, SignIn

STAYS_SIGNED_IN = timedelta(days=30)
"""A browser that is not used for so long has to sign in again."""
ENDS_AFTER = timedelta(days=180)
"""Then every browser has to, be it used or not."""
NOBODY = UUID(int=0)
_USE_NOTED_EVERY = timedelta(hours=1)
_TOKEN_LENGTH = 43  # characters of A-Z0-9: 222 bits

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Application:
    """A sign-up whose fields are checked; the password is hashed already."""

    email: str
    name: str
    phone: str
    address: str
    locale: str
    password_hash: str | None


async def apply(
    *, email: str, password: str, name: str, locale: str, phone: str = "", address: str = "", links: bool = False
) -> Application:
    """Check what a new driver typed. Slow on purpose (the hash), so it runs outside any transaction.

    `links` tells whether mails can be sent: then the password may stay empty. Raises `BadEmail`, `NameTooLong`,
    `BadPhone`, `AddressTooLong`, and why the password cannot be one (`passwords.check`).
    """
    email, name = normal_email(email), normal_name(name)
    phone, address = normal_phone(phone), normal_address(address)
    if password or not links:
        passwords.check(password, email, name)
    return Application(
        email=email,
        name=name,
        phone=phone,
        address=address,
        locale=locale,
        password_hash=await kit_passwords.hashed(password) if password or not links else None,
    )


async def sign_up(session: AsyncSession, application: Application, now: datetime, *, links: bool = False) -> Driver:
    """Make an account.

    With `links`, where mails can be sent, it is one in the browser at hand only until the address is confirmed, and
    nothing tells whether the address has an account already: its owner learns that from a mail. Without, the address
    is taken at its word. Raises `EmailTaken`, then only.
    """
    await repository.forget_unconfirmed(session, now - LIVES[LinkPurpose.VERIFY_EMAIL])
    if not links and await repository.driver_by_email(session, application.email) is not None:
        raise EmailTaken
    driver = Driver(
        id=new_id(),
        kind=DriverKind.UNCONFIRMED if links else DriverKind.ACCOUNT,
        email=application.email,
        name=application.name,
        phone=application.phone,
        address=application.address,
        locale=application.locale,
        password_hash=application.password_hash,
        created_at=now,
    )
    session.add(driver)
    try:
        await session.flush()
    except IntegrityError:  # Two sign-ups with one address at the same moment, on a database that lets both look.
        raise EmailTaken from None
    log.info("driver %s signed up", driver.id)
    return driver


async def remember(
    session: AsyncSession, driver: Driver, now: datetime, browser: str = "", *, instead_of: str | None = None
) -> str:
    """Sign a browser in; returns the token that its cookie holds. A guest's is remembered for a shorter time.

    `instead_of` is the token that the browser had: it ends, so that nobody who has seen it comes in with the driver.
    """
    await repository.forget_expired(session, now, now - throttle.FORGOTTEN_AFTER)
    if instead_of is not None:
        await repository.forget_sign_in(session, _hash(instead_of))
    token = new_token(_TOKEN_LENGTH)
    session.add(
        SignIn(
            token_hash=_hash(token),
            driver_id=driver.id,
            id=new_id(),
            browser=browser[:60],
            created_at=now,
            expires_at=now + stays_signed_in(driver),
            last_used_at=now,
        )
    )
    return token


def stays_signed_in(driver: Driver) -> timedelta:
    """Return for how long an unused browser stays signed in."""
    return guests.STAYS if driver.kind is DriverKind.GUEST else STAYS_SIGNED_IN


async def signed_in_at(session: AsyncSession, token: str) -> datetime | None:
    """Return when the browser with this token signed in, or None for an unknown one."""
    found = await repository.sign_in_with_driver(session, _hash(token))
    return found[0].created_at if found else None


async def sign_in(
    database: Database,
    clock: Clock,
    *,
    email: str,
    password: str,
    address: str,
    browser: str = "",
    instead_of: str | None = None,
    mark: str = "",
) -> tuple[Driver, str]:
    """Check mail address and password; returns the driver and the token for the browser's cookie.

    Takes the database, not a session: the password is checked between two short transactions, because its hash is
    slow on purpose, and the count of failures must be kept although the attempt is refused. `address` is the network
    address of the browser, `mark` what it was given when the driver signed in there before (`known`). Raises
    `WrongPassword`, which does not tell whether the mail address has an account and takes the same time for both, and
    `TooManyAttempts`.
    """
    with suppress(BadEmail):  # It cannot have an account then, and goes on as any unknown one.
        email = normal_email(email)
    async with database.transaction() as session:
        driver = await repository.driver_by_email(session, email)
        browser_number = await known.number_of(session, mark, driver.id if driver else NOBODY)
        origin = throttle.origin_of(email, browser_number or address)
        await throttle.attempt(session, origin, clock.now())
    stored = driver.password_hash if driver else None
    if not await kit_passwords.matches(password, stored) or driver is None or stored is None:
        raise WrongPassword
    renewed = await kit_passwords.hashed(password) if kit_passwords.outdated(stored) else stored
    async with database.transaction() as session:
        await throttle.forget(session, origin)
        row = await repository.driver_by_id(session, driver.id)
        if row is None or row.password_hash != stored:  # changed or deleted since it was looked at
            raise WrongPassword
        row.password_hash = renewed
        return row, await remember(session, row, clock.now(), browser, instead_of=instead_of)


async def by_email(session: AsyncSession, email: str, *, unconfirmed: bool = False) -> Driver | None:
    """Return the account with this normalised mail address; or, where asked for, who signed up with it last."""
    found = await repository.driver_by_email(session, email)
    return await repository.unconfirmed_by_email(session, email) if found is None and unconfirmed else found


async def sign_out(session: AsyncSession, token: str) -> None:
    """Sign a browser out; an unknown token is fine."""
    await repository.forget_sign_in(session, _hash(token))


async def driver_for_token(session: AsyncSession, token: str, now: datetime) -> Driver | None:
    """Return who is signed in with this token, or None. Using it keeps it alive."""
    found = await repository.sign_in_with_driver(session, _hash(token))
    if found is None:
        return None
    sign_in_row, driver = found
    if sign_in_row.expires_at <= now or driver.kind is DriverKind.DELETED:
        return None
    if now - sign_in_row.last_used_at >= _USE_NOTED_EVERY:
        sign_in_row.last_used_at = now
        sign_in_row.expires_at = min(now + stays_signed_in(driver), sign_in_row.created_at + ENDS_AFTER)
    return driver


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def browser_name(headers: Mapping[str, str]) -> str:
    """Return what a driver reads of the browser that sent these headers."""
    return browsers.name_of(headers.get("user-agent", ""))


def token_hash(token: str) -> bytes:
    """Return what is stored of a cookie's token."""
    return _hash(token)
