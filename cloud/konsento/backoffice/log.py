"""The audit log: who did or looked at what."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.backoffice import asked
from konsento.backoffice.csv import csv_file
from konsento.backoffice.render import office_page
from konsento.backoffice.who import LogReader
from konsento.models import AuditEntry
from konsento.operations import repository
from konsento.staff import repository as members
from konsento.web.who import Wired

router = APIRouter()

PAGE = 100
MOST_EXPORTED = 50_000


class Filters(BaseModel):
    """What is typed into the filter. Nonsense narrows nothing."""

    who: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""
    page: int = 1


@router.get("/log")
async def log_page(
    request: Request, services: Wired, member: LogReader, filters: Annotated[Filters, Query()]
) -> Response:
    """Show the log, the newest first."""
    number = min(max(1, filters.page), 10_000)
    async with services.database.transaction() as session:
        # One more than fits tells whether there is a next page.
        found = await _entries(session, filters, offset=(number - 1) * PAGE, most=PAGE + 1)
        everybody = await members.members(session)
    return office_page(
        request,
        "log.html",
        member=member,
        entries=[(entry, who, _text(entry)) for entry, who in found[:PAGE]],
        more=len(found) > PAGE,
        number=number,
        members=everybody,
        filters=filters,
        query=filters.model_dump(exclude={"page"}, exclude_defaults=True),
    )


@router.get("/log.csv")
async def log_csv(services: Wired, _member: LogReader, filters: Annotated[Filters, Query()]) -> Response:
    """Return the log as a file."""
    async with services.database.transaction() as session:
        found = await _entries(session, filters, offset=0, most=MOST_EXPORTED)
    rows = ((e.at.isoformat(timespec="milliseconds"), who, e.action, e.subject, _text(e)) for e, who in found)
    return csv_file("log", ("at", "who", "action", "subject", "details"), rows)


async def _entries(
    session: AsyncSession, filters: Filters, *, offset: int, most: int
) -> list[tuple[AuditEntry, str | None]]:
    return await repository.audit_log(
        session,
        member_id=asked.number(filters.who),
        action=filters.action.strip()[:40],
        subject=filters.subject.strip()[:100],
        since=asked.day(filters.since),
        until=asked.day(filters.until, following=True),
        offset=offset,
        most=most,
    )


def _text(entry: AuditEntry) -> str:
    return json.dumps(entry.details, ensure_ascii=False) if entry.details else ""
