"""Queries on members, invitations and sign-ins."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import (
    AlarmMails,
    Role,
    StaffInvitation,
    StaffMember,
    StaffRecoveryCode,
    StaffSignIn,
    StaffToken,
)


async def member_by_email(session: AsyncSession, email: str) -> StaffMember | None:
    """Return the member with this normalised mail address."""
    return await session.scalar(select(StaffMember).where(StaffMember.email == email))


async def locked_member(session: AsyncSession, member_id: UUID) -> StaffMember | None:
    """Return a member, locked against other replicas."""
    return await session.get(StaffMember, member_id, with_for_update=True)


async def members(session: AsyncSession) -> list[StaffMember]:
    """Return all members by their mail address."""
    return list(await session.scalars(select(StaffMember).order_by(StaffMember.email)))


async def wanting_alarm_mails(session: AsyncSession) -> list[StaffMember]:
    """Return who wants mails about alarms and works here."""
    query = select(StaffMember).where(StaffMember.alarm_mails != AlarmMails.NONE, StaffMember.disabled_at.is_(None))
    return list(await session.scalars(query))


async def admins(session: AsyncSession) -> int:
    """Count the administrators who can sign in or have been invited to."""
    query = (
        select(func.count())
        .select_from(StaffMember)
        .where(StaffMember.role == Role.ADMIN, StaffMember.disabled_at.is_(None))
    )
    return await session.scalar(query) or 0


async def invitation(session: AsyncSession, token_hash: bytes) -> tuple[StaffInvitation, StaffMember] | None:
    """Return an invitation and for whom it is, locked."""
    query = (
        select(StaffInvitation, StaffMember)
        .join(StaffMember, StaffMember.id == StaffInvitation.member_id)
        .where(StaffInvitation.token_hash == token_hash)
        .with_for_update()
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


async def invitations(session: AsyncSession) -> dict[UUID, datetime]:
    """Return who has an invitation, and until when."""
    rows = await session.execute(select(StaffInvitation.member_id, StaffInvitation.expires_at))
    return {row.member_id: row.expires_at for row in rows}


async def forget_invitation(session: AsyncSession, member_id: UUID) -> None:
    """Delete a member's invitation."""
    await session.execute(delete(StaffInvitation).where(StaffInvitation.member_id == member_id))


async def sign_in_with_member(session: AsyncSession, token_hash: bytes) -> tuple[StaffSignIn, StaffMember] | None:
    """Return a sign-in and whose it is."""
    query = (
        select(StaffSignIn, StaffMember)
        .join(StaffMember, StaffMember.id == StaffSignIn.member_id)
        .where(StaffSignIn.token_hash == token_hash)
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


async def forget_sign_in(session: AsyncSession, token_hash: bytes) -> None:
    """Delete one sign-in."""
    await session.execute(delete(StaffSignIn).where(StaffSignIn.token_hash == token_hash))


async def forget_sign_ins(session: AsyncSession, member_id: UUID) -> None:
    """Delete all sign-ins of a member."""
    await session.execute(delete(StaffSignIn).where(StaffSignIn.member_id == member_id))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Delete sign-ins and invitations that are over."""
    await session.execute(delete(StaffSignIn).where(StaffSignIn.expires_at <= now))
    await session.execute(delete(StaffInvitation).where(StaffInvitation.expires_at <= now))


async def take_recovery_code(session: AsyncSession, member_id: UUID, code_hash: bytes) -> bool:
    """Use up a recovery code; tells whether there was one."""
    statement = (
        delete(StaffRecoveryCode)
        .where(StaffRecoveryCode.member_id == member_id, StaffRecoveryCode.code_hash == code_hash)
        .returning(StaffRecoveryCode.member_id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def forget_recovery_codes(session: AsyncSession, member_id: UUID) -> None:
    """Delete what is left of a member's recovery codes."""
    await session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.member_id == member_id))


async def recovery_codes_left(session: AsyncSession, member_id: UUID) -> int:
    """Count the recovery codes that a member has left."""
    query = select(func.count()).select_from(StaffRecoveryCode).where(StaffRecoveryCode.member_id == member_id)
    return await session.scalar(query) or 0


async def tokens(session: AsyncSession) -> list[tuple[StaffToken, StaffMember]]:
    """Return all tokens of programs and who made them, the newest first."""
    query = select(StaffToken, StaffMember).join(StaffMember, StaffMember.id == StaffToken.member_id)
    rows = await session.execute(query.order_by(StaffToken.created_at.desc(), StaffToken.id.desc()))
    return [(row[0], row[1]) for row in rows]


async def token_with_member(session: AsyncSession, token_hash: bytes) -> tuple[StaffToken, StaffMember] | None:
    """Return a token of a program and whose it is."""
    query = (
        select(StaffToken, StaffMember)
        .join(StaffMember, StaffMember.id == StaffToken.member_id)
        .where(StaffToken.token_hash == token_hash)
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


async def forget_tokens(session: AsyncSession, member_id: UUID) -> None:
    """Delete all tokens of a member."""
    await session.execute(delete(StaffToken).where(StaffToken.member_id == member_id))


async def forget_expired_tokens(session: AsyncSession, before: datetime) -> None:
    """Delete the tokens that expired before a moment."""
    await session.execute(delete(StaffToken).where(StaffToken.expires_at <= before))
