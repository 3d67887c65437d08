"""Inviting members, changing them, signing them in."""

import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit import passwords as kit_passwords
from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.kit.ids import new_id, new_token
from konsento.models import AlarmMails, Role, StaffInvitation, StaffMember, StaffRecoveryCode, StaffSignIn
from konsento.staff import codes, passwords, repository, throttle
from konsento.staff.contact import normal_email
from konsento.staff.errors import (
    AlreadyStaff,
    BadStaffEmail,
    InvitationOver,
    LastAdmin,
    UnknownMember,
    WrongCode,
    WrongProof,
)

log = logging.getLogger(__name__)

STAYS_SIGNED_IN: Final = timedelta(hours=8)
"""A working day; then everybody signs in anew."""
IDLE: Final = timedelta(minutes=30)
"""A browser that is not used for so long has to sign in again."""
INVITED_FOR: Final = timedelta(hours=24)
_USE_NOTED_EVERY: Final = timedelta(minutes=1)
_TOKEN_LENGTH: Final = 43  # characters of A-Z0-9: 222 bits


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What somebody with an invitation needs to see."""

    email: str
    name: str
    totp_secret: str


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """What somebody gets who has taken an invitation; none of it can be read again."""

    member_id: UUID
    recovery_codes: list[str]
    token: str
    """For the browser's cookie."""


async def add(session: AsyncSession, *, email: str, name: str, role: Role, now: datetime) -> tuple[StaffMember, str]:
    """Make a member; returns it and the token of its invitation. Raises `BadStaffEmail`, `AlreadyStaff`."""
    email = normal_email(email)
    if await repository.member_by_email(session, email) is not None:
        raise AlreadyStaff
    member = StaffMember(
        id=new_id(), email=email, name=name.strip()[:100], role=role, totp_last_step=0, created_at=now, disabled_at=None
    )
    session.add(member)
    await session.flush()
    return member, await invite(session, member.id, now)


async def by_email(session: AsyncSession, email: str) -> StaffMember:
    """Return the member with this mail address. Raises `BadStaffEmail`, `UnknownMember`."""
    member = await repository.member_by_email(session, normal_email(email))
    if member is None:
        raise UnknownMember
    return member


async def invite(session: AsyncSession, member_id: UUID, now: datetime) -> str:
    """Make an invitation, a new one instead of an older; returns its token. Raises `UnknownMember`.

    Password, authenticator and recovery codes that there are stay until it is taken.
    """
    if await repository.locked_member(session, member_id) is None:
        raise UnknownMember
    await repository.forget_invitation(session, member_id)
    token = new_token(_TOKEN_LENGTH)
    session.add(
        StaffInvitation(
            member_id=member_id,
            token_hash=_hash(token),
            totp_secret=codes.new_secret(),
            expires_at=now + INVITED_FOR,
        )
    )
    return token


async def reset(session: AsyncSession, member_id: UUID, now: datetime) -> str:
    """Take password, authenticator and tokens away at once and invite the member anew; returns the invitation's token.

    Raises `UnknownMember`.
    """
    member = await repository.locked_member(session, member_id)
    if member is None:
        raise UnknownMember
    member.password_hash = None
    member.totp_secret = None
    await repository.forget_recovery_codes(session, member_id)
    await repository.forget_sign_ins(session, member_id)
    await repository.forget_tokens(session, member_id)
    return await invite(session, member_id, now)


async def enrolment(session: AsyncSession, token: str, now: datetime) -> Enrolment:
    """Return what an invitation shows. Raises `InvitationOver`."""
    invitation, member = await _invitation(session, token, now)
    return Enrolment(email=member.email, name=member.name, totp_secret=invitation.totp_secret)


async def enrol(database: Database, clock: Clock, token: str, *, password: str, code: str) -> Welcome:
    """Take an invitation: set the password and the authenticator, give recovery codes, sign in.

    Takes the database, not a session: the password's hash is slow on purpose. Raises `InvitationOver`, `WeakPassword`,
    `WrongCode`.
    """
    async with database.transaction() as session:
        shown = await enrolment(session, token, clock.now())
    passwords.check(password, shown.email, shown.name)
    password_hash = await kit_passwords.hashed(password)
    async with database.transaction() as session:
        now = clock.now()
        invitation, member = await _invitation(session, token, now)
        step = codes.step_of(invitation.totp_secret, code, now, 0)
        if step is None:
            raise WrongCode
        member.password_hash = password_hash
        member.totp_secret = invitation.totp_secret
        member.totp_last_step = step
        await session.delete(invitation)
        await repository.forget_sign_ins(session, member.id)
        await repository.forget_recovery_codes(session, member.id)
        recovery = codes.new_recovery_codes()
        session.add_all(StaffRecoveryCode(code_hash=_hash(codes.plain(c)), member_id=member.id) for c in recovery)
        log.info("staff member %s has taken the invitation", member.id)
        return Welcome(
            member_id=member.id, recovery_codes=recovery, token=await _remember(session, member.id, clock.now())
        )


async def sign_in(
    database: Database, clock: Clock, *, email: str, password: str, code: str, address: str
) -> tuple[UUID, str]:
    """Check mail address, password and code; returns the member's id and the token for the browser's cookie.

    `code` is of the authenticator or a recovery code, which is used up. `address` is the browser's network address.
    Raises `WrongProof`, which does not tell what was wrong, and `TooManyTries`.
    """
    with suppress(BadStaffEmail):
        email = normal_email(email)
    origin = throttle.origin_of(email, address)
    async with database.transaction() as session:
        await throttle.attempt(session, origin, clock.now())
        member = await repository.member_by_email(session, email)
    stored = member.password_hash if member is not None and member.disabled_at is None else None
    if not await kit_passwords.matches(password, stored) or member is None:
        raise WrongProof
    renewed = await kit_passwords.hashed(password) if stored and kit_passwords.outdated(stored) else stored
    async with database.transaction() as session:
        now = clock.now()
        if not await _proven(session, member.id, code, now):
            raise WrongProof
        proven = await repository.locked_member(session, member.id)
        if proven is not None and proven.password_hash == stored:
            proven.password_hash = renewed
        await throttle.forget(session, origin)
        return member.id, await _remember(session, member.id, now)


async def _proven(session: AsyncSession, member_id: UUID, code: str, now: datetime) -> bool:
    member = await repository.locked_member(session, member_id)
    if member is None or member.totp_secret is None or member.disabled_at is not None:
        return False
    if codes.is_recovery_code(code):
        return await repository.take_recovery_code(session, member_id, _hash(codes.plain(code)))
    step = codes.step_of(member.totp_secret, code, now, member.totp_last_step)
    if step is None:
        return False
    member.totp_last_step = step
    return True


async def sign_out(session: AsyncSession, token: str) -> None:
    """Sign a browser out; an unknown token is fine."""
    await repository.forget_sign_in(session, _hash(token))


async def member_for_token(
    session: AsyncSession, token: str, now: datetime, *, by_hand: bool = True
) -> StaffMember | None:
    """Return who is signed in with this token, or None. Using it keeps it alive, to the end of the working day.

    A page that asks by itself is not used `by_hand`: one that was left open keeps nobody signed in.
    """
    found = await repository.sign_in_with_member(session, _hash(token))
    if found is None:
        return None
    row, member = found
    if row.expires_at <= now or row.last_used_at + IDLE <= now or member.disabled_at is not None:
        return None
    if by_hand and now - row.last_used_at >= _USE_NOTED_EVERY:
        row.last_used_at = now
    return member


async def change_role(session: AsyncSession, member_id: UUID, role: Role) -> StaffMember:
    """Give a member another role. Raises `UnknownMember`, `LastAdmin`."""
    member = await _changeable(session, member_id, stays_admin=role is Role.ADMIN)
    member.role = role
    return member


async def choose_alarm_mails(session: AsyncSession, member_id: UUID, about: AlarmMails, locale: str) -> None:
    """Note about which alarms a member wants mails, and in which language. Raises `UnknownMember`."""
    member = await repository.locked_member(session, member_id)
    if member is None:
        raise UnknownMember
    member.alarm_mails = about
    member.locale = locale


async def disable(session: AsyncSession, member_id: UUID, now: datetime) -> StaffMember:
    """Let nobody act as this member any more: its sign-ins and tokens end. Raises `UnknownMember`, `LastAdmin`."""
    member = await _changeable(session, member_id, stays_admin=False)
    member.disabled_at = member.disabled_at or now
    await repository.forget_sign_ins(session, member_id)
    await repository.forget_tokens(session, member_id)
    await repository.forget_invitation(session, member_id)
    return member


async def enable(session: AsyncSession, member_id: UUID) -> StaffMember:
    """Let a disabled member sign in again. Raises `UnknownMember`."""
    member = await _changeable(session, member_id, stays_admin=True)
    member.disabled_at = None
    return member


async def _changeable(session: AsyncSession, member_id: UUID, *, stays_admin: bool) -> StaffMember:
    member = await repository.locked_member(session, member_id)
    if member is None:
        raise UnknownMember
    is_admin = member.role is Role.ADMIN and member.disabled_at is None
    if is_admin and not stays_admin and await repository.admins(session) <= 1:
        raise LastAdmin
    return member


async def _invitation(session: AsyncSession, token: str, now: datetime) -> tuple[StaffInvitation, StaffMember]:
    found = await repository.invitation(session, _hash(token))
    if found is None or found[0].expires_at <= now or found[1].disabled_at is not None:
        raise InvitationOver
    return found


async def _remember(session: AsyncSession, member_id: UUID, now: datetime) -> str:
    await repository.forget_expired(session, now)
    token = new_token(_TOKEN_LENGTH)
    session.add(
        StaffSignIn(
            token_hash=_hash(token),
            member_id=member_id,
            created_at=now,
            expires_at=now + STAYS_SIGNED_IN,
            last_used_at=now,
        )
    )
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
