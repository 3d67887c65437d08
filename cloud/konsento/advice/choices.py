"""What a driver chooses: how to be advised, when not, and to be left alone."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import tokens
from konsento.advice.errors import AdviceLinkOver, AdviceNeedsAccount, BadQuietHours, NoCalendar
from konsento.advice.tokens import Purpose
from konsento.kit.db import insert
from konsento.kit.ids import new_token
from konsento.models import AdviceBrowser, AdviceChoice, Driver, DriverKind, GridRegion
from konsento.models.advice import QUIET_FROM, QUIET_UNTIL

log = logging.getLogger(__name__)

DAY_MINUTES: Final = 24 * 60
_TOKEN_LENGTH: Final = 43  # characters of A-Z0-9: 222 bits


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a driver wants."""

    mail: bool
    quiet_from: int = QUIET_FROM
    quiet_until: int = QUIET_UNTIL


async def offered(session: AsyncSession) -> bool:
    """Tell whether this server advises anybody, in any region."""
    return await session.scalar(select(GridRegion.code).where(GridRegion.advises).limit(1)) is not None


async def of(session: AsyncSession, driver_id: UUID) -> AdviceChoice | None:
    """Return what a driver has chosen; None for who has never chosen anything, or has turned all off."""
    return await session.get(AdviceChoice, driver_id)


async def change(session: AsyncSession, driver: Driver, wanted: Wanted, now: datetime) -> None:
    """Note what a driver wants. Raises `AdviceNeedsAccount`, `BadQuietHours`."""
    if not all(0 <= minute < DAY_MINUTES for minute in (wanted.quiet_from, wanted.quiet_until)):
        raise BadQuietHours
    choice = await made(session, driver, now)
    if wanted.mail and not choice.mail:
        begin(choice, now)
    choice.mail = wanted.mail
    choice.quiet_from, choice.quiet_until = wanted.quiet_from, wanted.quiet_until
    log.info("driver %s has chosen: advice by mail %s", driver.id, "on" if wanted.mail else "off")


async def made(session: AsyncSession, driver: Driver, now: datetime) -> AdviceChoice:
    """Return a driver's choice, locked; a first one is made. Raises `AdviceNeedsAccount`."""
    if not may_be_advised(driver):
        raise AdviceNeedsAccount
    row = insert(session, AdviceChoice).values(
        driver_id=driver.id, mail=False, quiet_from=QUIET_FROM, quiet_until=QUIET_UNTIL, since=now
    )
    await session.execute(row.on_conflict_do_nothing())
    return await session.get_one(AdviceChoice, driver.id, with_for_update=True)


def may_be_advised(driver: Driver) -> bool:
    """Tell whether somebody has an account, and the mailbox is known to be theirs."""
    return driver.kind is DriverKind.ACCOUNT and driver.email_verified_at is not None


def begin(choice: AdviceChoice, now: datetime) -> None:
    """Count anew what a driver follows."""
    choice.since, choice.stopped_at = now, None


async def pause(session: AsyncSession, driver_id: UUID, until: datetime) -> None:
    """Have a driver left alone until then; the calendar goes on."""
    choice = await of(session, driver_id)
    if choice is not None:
        choice.paused_until = until


async def resume(session: AsyncSession, driver_id: UUID, now: datetime) -> None:
    """Go on after a pause, or after it stopped by itself."""
    choice = await of(session, driver_id)
    if choice is not None:
        choice.paused_until = None
        begin(choice, now)


async def turn_off(session: AsyncSession, driver_id: UUID) -> None:
    """End advice by all ways, the calendar as well."""
    await session.execute(delete(AdviceBrowser).where(AdviceBrowser.driver_id == driver_id))
    await session.execute(delete(AdviceChoice).where(AdviceChoice.driver_id == driver_id))
    log.info("driver %s wants no advice any more", driver_id)


async def open_calendar(session: AsyncSession, driver: Driver, now: datetime) -> str:
    """Return the token of a driver's calendar; that of before opens nothing any more. Raises `AdviceNeedsAccount`."""
    choice = await made(session, driver, now)
    token = new_token(_TOKEN_LENGTH)
    choice.calendar_hash = _hash(token)
    return token


async def close_calendar(session: AsyncSession, driver_id: UUID) -> None:
    """Have the address of a driver's calendar open nothing any more."""
    choice = await of(session, driver_id)
    if choice is not None:
        choice.calendar_hash = None


async def of_calendar(session: AsyncSession, token: str) -> Driver:
    """Return whose calendar a token opens. Raises `NoCalendar`."""
    query = (
        select(Driver)
        .join(AdviceChoice, AdviceChoice.driver_id == Driver.id)
        .where(AdviceChoice.calendar_hash == _hash(token), Driver.kind == DriverKind.ACCOUNT)
    )
    driver = await session.scalar(query)
    if driver is None:
        raise NoCalendar
    return driver


async def of_link(session: AsyncSession, token: str) -> Driver:
    """Return whose mails a link ends. Raises `AdviceLinkOver`."""
    driver_id = await tokens.read(session, Purpose.NO_MAIL, token)
    driver = await session.get(Driver, driver_id) if driver_id is not None else None
    if driver is None or driver.kind is DriverKind.DELETED:
        raise AdviceLinkOver
    return driver


async def unsubscribe(session: AsyncSession, token: str) -> None:
    """End the mails of who a link was sent to; as often as it is followed. Raises `AdviceLinkOver`."""
    driver = await of_link(session, token)
    choice = await of(session, driver.id)
    if choice is not None:
        choice.mail = False
    log.info("driver %s has ended advice by mail through a link", driver.id)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
