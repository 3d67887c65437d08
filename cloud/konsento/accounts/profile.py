"""What a driver changes about themselves, up to the deletion of everything."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import links, passwords, repository, throttle
from konsento.accounts.contact import normal_address, normal_name, normal_phone
from konsento.accounts.errors import ProveYourself, SignInAgain
from konsento.kit import passwords as kit_passwords
from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.models import Driver, DriverKind, SignIn

log = logging.getLogger(__name__)

FRESH: Final = timedelta(minutes=10)
"""So soon after signing in nobody is asked to prove anything once more."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a driver tells of themselves; all of it may be empty (patent paragraph [0080])."""

    name: str
    phone: str
    address: str
    locale: str
    mail_wanted: bool


async def change(session: AsyncSession, driver_id: UUID, wanted: Profile) -> Driver:
    """Store what a driver typed. Raises `NameTooLong`, `BadPhone`, `AddressTooLong`."""
    name, phone, address = normal_name(wanted.name), normal_phone(wanted.phone), normal_address(wanted.address)
    driver = await _own(session, driver_id)
    driver.name, driver.phone, driver.address = name, phone, address
    driver.locale = wanted.locale
    driver.mail_wanted = wanted.mail_wanted
    return driver


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What shows that it is still the driver who sits before the browser, not somebody who found it open."""

    password: str
    """As typed; empty where none was asked for."""
    fresh: bool
    """The browser has signed in just now (`is_fresh`), by whatever way."""
    address: str
    """Network address of the browser."""


def is_fresh(signed_in_at: datetime | None, now: datetime) -> bool:
    """Tell whether a browser signed in just now, so that nothing has to be proven once more."""
    return signed_in_at is not None and now - signed_in_at <= FRESH


async def prove(database: Database, clock: Clock, driver: Driver, proof: Proof) -> None:
    """Check a proof before something that a thief would do. Opens its own transactions: hashing is slow on purpose.

    Raises `ProveYourself`, `TooManyAttempts`, and `SignInAgain` for who has no password.
    """
    if driver.kind is DriverKind.GUEST or (proof.fresh and not proof.password):
        return  # a guest has nothing to prove anything with, and nothing that outlasts the visit
    if driver.password_hash is None:
        if proof.fresh:
            return
        raise SignInAgain
    origin = throttle.origin_of(str(driver.id), proof.address)
    async with database.transaction() as session:
        await throttle.attempt(session, origin, clock.now())
    if not await kit_passwords.matches(proof.password, driver.password_hash):
        raise ProveYourself
    async with database.transaction() as session:
        await throttle.forget(session, origin)


async def change_password(database: Database, clock: Clock, driver: Driver, *, proof: Proof, new: str) -> None:
    """Set another password and end all sign-ins; the browser at hand has to be signed in anew, with a new token.

    Opens its own transactions. Raises as `prove`, and why the new one cannot be one.
    """
    await prove(database, clock, driver, proof)
    passwords.check(new, driver.email, driver.name)
    hashed = await kit_passwords.hashed(new)
    async with database.transaction() as session:
        row = await _own(session, driver.id)
        row.password_hash = hashed
        await repository.forget_sign_ins(session, driver.id)
        await links.close_all(session, driver.id)
    log.info("driver %s has another password", driver.id)


async def sign_ins(session: AsyncSession, driver_id: UUID, now: datetime) -> list[SignIn]:
    """Return the browsers in which a driver is signed in, the last used first."""
    return await repository.sign_ins_of(session, driver_id, now)


async def end_sign_in(session: AsyncSession, driver_id: UUID, sign_in_id: UUID) -> None:
    """Sign a driver out in one browser."""
    await repository.forget_sign_ins(session, driver_id, sign_in_id=sign_in_id)


async def end_other_sign_ins(session: AsyncSession, driver_id: UUID, token_hash: bytes) -> None:
    """Sign a driver out in all browsers but the one at hand."""
    await repository.forget_sign_ins(session, driver_id, but=token_hash)


async def delete(session: AsyncSession, driver_id: UUID) -> None:
    """Forget who somebody is. The id stays, because receipts have to be kept; nothing else leads to a person.

    What goes with a driver is what the tables themselves say (`ON DELETE CASCADE`).
    """
    driver = await _own(session, driver_id)
    driver.kind = DriverKind.DELETED
    driver.email = driver.name = driver.phone = driver.address = ""
    driver.password_hash = None
    driver.email_verified_at = None
    driver.mail_wanted = False
    await repository.forget_all_of(session, driver_id)
    log.info("driver %s is deleted", driver_id)


async def _own(session: AsyncSession, driver_id: UUID) -> Driver:
    driver = await repository.driver_by_id(session, driver_id)
    if driver is None:
        raise LookupError("the driver who is signed in is gone")
    return driver
