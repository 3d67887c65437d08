"""The audit log: who did or looked at what, when, and what came of it. Rows are never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import AuditEntry


async def note(
    session: AsyncSession,
    at: datetime,
    member_id: UUID | None,
    *,
    action: str,
    subject: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Write down what somebody does, in the transaction that does it.

    `action` is `subject.verb` (at most 40 characters), `subject` an id or a name. `details` must hold no password or
    key: nobody can take it out again. `member_id` is None for a command at the server's shell, and for
    what the server does by itself on a schedule.
    """
    session.add(
        AuditEntry(id=new_id(), at=at, member_id=member_id, action=action, subject=subject[:100], details=details or {})
    )
