"""What a driver changes about themselves, up to the deletion of everything."""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import links, passwords, repository, tokens
from konsento.accounts.contact import normal_address, normal_name, normal_phone
from konsento.accounts.errors import ProveYourself
from konsento.kit import passwords as kit_passwords
from konsento.kit.db import Database
from konsento.models import Driver, DriverKind, SignIn

log = logging.getLogger(__name__)


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


async def prove(driver: Driver, password: str) -> None:
    """Check the present password before something that cannot be undone. Raises `ProveYourself`.

    Who has no password proves nothing more than being signed in.
    """
    if driver.password_hash is not None and not await kit_passwords.matches(password, driver.password_hash):
        raise ProveYourself


async def change_password(database: Database, driver: Driver, *, present: str, new: str, token_hash: bytes) -> None:
    """Set another password and end all other sign-ins. Opens its own transactions: hashing is slow on purpose.

    Raises `ProveYourself`, and why the new one cannot be one.
    """
    await prove(driver, present)
    passwords.check(new, driver.email, driver.name)
    hashed = await kit_passwords.hashed(new)
    async with database.transaction() as session:
        row = await _own(session, driver.id)
        row.password_hash = hashed
        await repository.forget_sign_ins(session, driver.id, but=token_hash)
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
    """Forget who somebody is. The id stays, because receipts have to be kept; nothing else leads to a person."""
    driver = await _own(session, driver_id)
    driver.kind = DriverKind.DELETED
    driver.email = driver.name = driver.phone = driver.address = ""
    driver.password_hash = None
    driver.email_verified_at = None
    driver.mail_wanted = False
    await repository.forget_sign_ins(session, driver_id)
    await repository.forget_links(session, driver_id)
    await tokens.end_all(session, driver_id)
    log.info("driver %s is deleted", driver_id)


async def _own(session: AsyncSession, driver_id: UUID) -> Driver:
    driver = await repository.driver_by_id(session, driver_id)
    if driver is None:
        raise LookupError("the driver who is signed in is gone")
    return driver
