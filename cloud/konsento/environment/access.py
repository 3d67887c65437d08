"""Tokens with which systems and people speak to the platform and to the computation system.

A token is random, made at the command line, shown once and kept as a hash. It has a name, one role, and, for those that
deliver, the regions that it is bound to, if any.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.base import Office, TokenRow
from konsento.environment.errors import NameTaken, NoSuchToken, RoleMissing, TokenNeeded, TokenNotValid
from konsento.kit.ids import new_id

PREFIX: Final = "ken_"
"""Lets scanners of source code find a token that was published by mistake."""


class Role(StrEnum):
    """What a token is for."""

    SITE = "site"
    """A control system: delivers measurements."""
    PLATFORM = "platform"
    """A platform: delivers to the computation system."""
    COMPUTATION = "computation"
    """The computation system: asks the platform for what is outstanding."""
    READER = "reader"
    """Reads what is published."""
    OPERATOR = "operator"
    """Who runs the application: reads everything and acts by hand."""


async def make(
    session: AsyncSession,
    table: type[TokenRow],
    *,
    name: str,
    role: Role,
    regions: Sequence[str],
    now: datetime,
) -> str:
    """Make a token and return it: it is shown once and kept nowhere. Raises `NameTaken`."""
    if await _named(session, table, name) is not None:
        raise NameTaken(name=name)
    token = PREFIX + secrets.token_urlsafe(32)
    row = table()
    row.id = new_id()
    row.name = name
    row.role = role.value
    row.regions = " ".join(sorted(regions))
    row.token_hash = _hash(token)
    row.created_at = now
    session.add(row)
    await session.flush()
    return token


async def end(session: AsyncSession, table: type[TokenRow], name: str, now: datetime) -> None:
    """End a token: from now on it lets nobody in, and its name is free. Raises `NoSuchToken`."""
    row = await _named(session, table, name)
    if row is None:
        raise NoSuchToken(name=name)
    row.ended_at = now


async def listed(session: AsyncSession, table: type[TokenRow]) -> list[TokenRow]:
    """Return all tokens, those that were ended too."""
    return list(await session.scalars(select(table).order_by(table.name, table.created_at)))


async def holder(session: AsyncSession, table: type[TokenRow], token: str) -> TokenRow | None:
    """Return the row of a token that lets in; None for any other text."""
    # Found by its hash, so that how long the database looks tells nothing about the token.
    wanted = _hash(token)
    row = await session.scalar(select(table).where(table.token_hash == wanted, table.ended_at.is_(None)))
    return row if row is not None and hmac.compare_digest(row.token_hash, wanted) else None


async def _named(session: AsyncSession, table: type[TokenRow], name: str) -> TokenRow | None:
    found: TokenRow | None = await session.scalar(select(table).where(table.name == name, table.ended_at.is_(None)))
    return found


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="A token that the operator has made.")
type _Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def needs(*roles: Role) -> Callable[..., Awaitable[TokenRow]]:
    """Return what an endpoint depends on that these roles may call; it gives the token's row.

    Raises `TokenNeeded`, `TokenNotValid`, `RoleMissing`.
    """

    async def caller(request: Request, credentials: _Credentials) -> TokenRow:
        office = cast("Office", request.app.state.office)
        if credentials is None:
            raise TokenNeeded
        async with office.database.transaction() as session:
            row = await holder(session, office.tokens, credentials.credentials)
        if row is None:
            raise TokenNotValid
        if row.role not in roles:
            raise RoleMissing(roles=" / ".join(roles))
        return row

    return caller
