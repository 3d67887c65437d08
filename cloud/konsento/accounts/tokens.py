"""Tokens with which programs act for a driver. They begin with `kon_`."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts.contact import normal_name
from konsento.accounts.errors import (
    BadLifetime,
    NoScope,
    TokenNameMissing,
    TooManyTokens,
    TooMuchScope,
    UnknownToken,
)
from konsento.kit import program_tokens
from konsento.kit.ids import new_id
from konsento.kit.program_tokens import token_hash
from konsento.models import ApiToken, Driver, DriverKind

log = logging.getLogger(__name__)

DEFAULT_DAYS: Final = 90
MOST_DAYS: Final = 365
MOST_TOKENS: Final = 50
"""Of one driver."""
_USE_NOTED_EVERY: Final = timedelta(hours=1)
_BEGINNING: Final = "kon_"


class Scope(StrEnum):
    """What a token may be used for."""

    OUTLETS_READ = "outlets:read"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    RECEIPTS_READ = "receipts:read"
    BALANCE_READ = "balance:read"
    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    ACCOUNT_EXPORT = "account:export"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whom a request acts for, and what it may do."""

    token_id: UUID
    driver: Driver
    scopes: frozenset[Scope]


async def make(
    session: AsyncSession,
    driver_id: UUID,
    *,
    name: str,
    scopes: Iterable[Scope],
    days: int,
    now: datetime,
    within: frozenset[Scope] | None = None,
    token_id: UUID | None = None,
) -> tuple[ApiToken, str]:
    """Make a token; returns its row and the token itself, which is shown once and kept nowhere.

    `within` holds the scopes of the token that asks for it; None where the driver does. `token_id` is a new id. Raises
    `TokenNameMissing`, `NameTooLong`, `NoScope`, `TooMuchScope`, `BadLifetime`, `TooManyTokens`.
    """
    wanted = frozenset(scopes)
    name = normal_name(name)
    if not name:
        raise TokenNameMissing
    if not wanted:
        raise NoScope
    if within is not None and not wanted <= within:
        raise TooMuchScope(scopes=" ".join(sorted(wanted - within)))
    if not 1 <= days <= MOST_DAYS:
        raise BadLifetime(maximum=MOST_DAYS)
    if len(await of_driver(session, driver_id)) >= MOST_TOKENS:
        raise TooManyTokens(maximum=MOST_TOKENS)
    token = new_token()
    row = ApiToken(
        id=token_id or new_id(),
        driver_id=driver_id,
        token_hash=token_hash(token),
        name=name,
        scopes=" ".join(sorted(wanted)),
        created_at=now,
        expires_at=now + timedelta(days=days),
        last_used_at=None,
    )
    session.add(row)
    await session.flush()
    log.info("driver %s made token %s", driver_id, row.id)
    return row, token


async def of_driver(session: AsyncSession, driver_id: UUID) -> list[ApiToken]:
    """Return a driver's tokens, the newest first; also those that have expired and are not cleared away yet."""
    query = select(ApiToken).where(ApiToken.driver_id == driver_id)
    return list(await session.scalars(query.order_by(ApiToken.created_at.desc(), ApiToken.id.desc())))


async def own(session: AsyncSession, driver_id: UUID, token_id: UUID) -> ApiToken:
    """Return a driver's token. Raises `UnknownToken`."""
    row = await session.get(ApiToken, token_id)
    if row is None or row.driver_id != driver_id:
        raise UnknownToken
    return row


async def end(session: AsyncSession, driver_id: UUID, token_id: UUID) -> None:
    """End a driver's token: it lets nobody in any more. Raises `UnknownToken`."""
    await session.delete(await own(session, driver_id, token_id))
    log.info("driver %s ended token %s", driver_id, token_id)


async def caller(session: AsyncSession, token: str, now: datetime) -> Caller | None:
    """Return whom a token acts for, None for one that is unknown, ended or expired."""
    if not is_token(token):
        return None
    query = (
        select(ApiToken, Driver)
        .join(Driver, Driver.id == ApiToken.driver_id)
        .where(ApiToken.token_hash == token_hash(token), ApiToken.expires_at > now, Driver.kind != DriverKind.DELETED)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    row, driver = found
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        row.last_used_at = now
    return Caller(token_id=row.id, driver=driver, scopes=scopes_of(row))


async def is_valid(session: AsyncSession, token_id: UUID, now: datetime) -> bool:
    """Tell whether a token that was valid still is: for what lasts longer than one request."""
    row = await session.get(ApiToken, token_id)
    return row is not None and row.expires_at > now


async def forget_expired(session: AsyncSession, before: datetime) -> None:
    """Clear away the tokens that expired before a moment."""
    await session.execute(delete(ApiToken).where(ApiToken.expires_at <= before))


def scopes_of(row: ApiToken) -> frozenset[Scope]:
    """Return what a token may be used for; a scope that this version does not know any more is none."""
    return frozenset(Scope(word) for word in row.scopes.split() if word in set(Scope))


def new_token() -> str:
    """Return a new token."""
    return program_tokens.new_token(_BEGINNING)


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a driver's token."""
    return program_tokens.is_token(text, _BEGINNING)
