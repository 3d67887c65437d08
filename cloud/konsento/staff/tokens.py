"""Tokens with which programs act for a member of the staff. They begin with `kos_`.

An administrator makes them. One may no more than its member may at the moment of use: who is disabled, or has lost the
role, has no program left that goes on in the old role.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit import program_tokens
from konsento.kit.ids import new_id
from konsento.models import StaffMember, StaffToken
from konsento.staff import repository
from konsento.staff.errors import BadStaffTokenLifetime, StaffTokenUnnamed, TooManyStaffTokens, UnknownStaffToken
from konsento.staff.permissions import Permission, may

log = logging.getLogger(__name__)

DEFAULT_DAYS: Final = 90
MOST_DAYS: Final = 365
MOST_TOKENS: Final = 100
_USE_NOTED_EVERY: Final = timedelta(hours=1)
_BEGINNING: Final = "kos_"


class StaffScope(StrEnum):
    """What a token of the staff may be used for."""

    STATIONS_CALL = "stations:call"


_NEEDED: Final = {StaffScope.STATIONS_CALL: Permission.REMOTE}
"""What the member of a token must be allowed at the moment of use."""


@dataclass(frozen=True, kw_only=True)
class StaffCaller:
    """For whom a program acts, and what it may do."""

    member: StaffMember
    token_id: UUID
    token_name: str
    scopes: frozenset[StaffScope]


async def make(
    session: AsyncSession, member_id: UUID, *, name: str, days: int, now: datetime
) -> tuple[StaffToken, str]:
    """Make a token; returns its row and the token itself, which is shown once and kept nowhere.

    Raises `StaffTokenUnnamed`, `BadStaffTokenLifetime`, `TooManyStaffTokens`.
    """
    name = " ".join(name.split())[:100]
    if not name:
        raise StaffTokenUnnamed
    if not 1 <= days <= MOST_DAYS:
        raise BadStaffTokenLifetime(maximum=MOST_DAYS)
    if len(await repository.tokens(session)) >= MOST_TOKENS:
        raise TooManyStaffTokens(maximum=MOST_TOKENS)
    token = program_tokens.new_token(_BEGINNING)
    row = StaffToken(
        id=new_id(),
        member_id=member_id,
        token_hash=program_tokens.token_hash(token),
        name=name,
        scopes=" ".join(StaffScope),
        created_at=now,
        expires_at=now + timedelta(days=days),
        last_used_at=None,
    )
    session.add(row)
    await session.flush()
    log.info("staff member %s made token %s", member_id, row.id)
    return row, token


async def end(session: AsyncSession, token_id: UUID) -> StaffToken:
    """End a token: it lets nobody in any more. Returns what it was. Raises `UnknownStaffToken`."""
    row = await session.get(StaffToken, token_id)
    if row is None:
        raise UnknownStaffToken
    await session.delete(row)
    log.info("staff token %s was ended", token_id)
    return row


async def caller(session: AsyncSession, token: str, now: datetime) -> StaffCaller | None:
    """Return whom a token acts for, with the scopes that the member's role allows now.

    None for a token that is unknown, ended or expired, or whose member is disabled.
    """
    if not program_tokens.is_token(token, _BEGINNING):
        return None
    found = await repository.token_with_member(session, program_tokens.token_hash(token))
    if found is None:
        return None
    row, member = found
    if row.expires_at <= now or member.disabled_at is not None:
        return None
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        row.last_used_at = now
    granted = {scope for scope in StaffScope if scope in row.scopes.split() and may(member.role, _NEEDED[scope])}
    return StaffCaller(member=member, token_id=row.id, token_name=row.name, scopes=frozenset(granted))
