"""The audit log: who did or looked at what."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from konsento.backoffice import asked
from konsento.backoffice.render import office_page
from konsento.backoffice.who import LogReader
from konsento.backoffice.words import ACTIONS, FACTS, found_in
from konsento.kit.i18n import Language, marked
from konsento.models import AuditEntry
from konsento.operations import audit, repository
from konsento.operations.repository import Looked
from konsento.remote.calls import ANSWERED
from konsento.staff import repository as members
from konsento.web.csv import Rows, csv_file, headings, local
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

PAGE = 100
EXPORTED_AT_ONCE = 1000


class Filters(BaseModel):
    """What is typed into the filter. Nonsense narrows nothing."""

    who: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""
    down: bool = True
    page: int = 1

    @property
    def looked(self) -> Looked:
        """What it means; days are those of UTC."""
        return Looked(
            member_id=asked.number(self.who),
            action=self.action.strip()[:40],
            subject=self.subject.strip()[:100],
            since=asked.day(self.since),
            until=asked.day(self.until, following=True),
            down=self.down,
        )


@router.get("/log")
async def log_page(
    request: Request, services: Wired, member: LogReader, filters: Annotated[Filters, Query()]
) -> Response:
    """Show the log, the newest first."""
    number = min(max(1, filters.page), 10_000)
    async with services.database.transaction() as session:
        # One more than fits tells whether there is a next page.
        found = await repository.audit_log(session, filters.looked, offset=(number - 1) * PAGE, most=PAGE + 1)
        everybody = await members.members(session)
    language = language_of(request)
    return office_page(
        request,
        "log.html",
        member=member,
        entries=[
            (entry, who, done(language, entry), facts(language, entry), _link(entry)) for entry, who in found[:PAGE]
        ],
        more=len(found) > PAGE,
        number=number,
        members=everybody,
        actions=[(action, language.text(name)) for action, name in ACTIONS.items()],
        filters=filters,
        query=filters.model_dump(exclude={"page"}, exclude_defaults=True),
    )


COLUMNS = (
    marked("Time (UTC)"), marked("Who"), marked("Action"), marked("What was done"), marked("About"), marked("Details"),
)  # fmt: skip


@router.get("/log.csv")
async def log_csv(
    request: Request, services: Wired, member: LogReader, filters: Annotated[Filters, Query()]
) -> Response:
    """Return the log as a file, the newest first; that somebody took it along is logged."""
    language = language_of(request)
    async with services.database.transaction() as session:
        details = filters.model_dump(exclude={"page"}, exclude_defaults=True)
        await audit.note(session, services.clock.now(), member.id, action="log.export", details=details)

    async def parts() -> AsyncIterator[Rows]:
        looked = replace(filters.looked, down=True)
        while True:
            async with services.database.transaction() as session:
                part = await repository.audit_log(session, looked, offset=0, most=EXPORTED_AT_ONCE)
            yield [(local(e.at), who, e.action, done(language, e), e.subject, facts(language, e)) for e, who in part]
            if len(part) < EXPORTED_AT_ONCE:
                return
            looked = replace(looked, before=(part[-1][0].at, part[-1][0].id))

    return csv_file("log", headings(language, COLUMNS), parts())


def done(language: Language, entry: AuditEntry) -> str:
    """Return what was done, in words."""
    if entry.action == ANSWERED:
        return language.text("the site answered: {what}", what=entry.details["to"])
    if entry.action.startswith("station."):
        return language.text("asked a site: {what}", what=entry.action.partition(".")[2])
    return found_in(language, ACTIONS, entry.action)


def facts(language: Language, entry: AuditEntry) -> str:
    """Return the details of an entry in one line."""
    return " · ".join(f"{found_in(language, FACTS, name)}: {value}" for name, value in entry.details.items())


def _link(entry: AuditEntry) -> str:
    if asked.number(entry.subject) is None:
        return f"/office/stations/{entry.subject}" if entry.action.startswith("station.") else ""
    return f"/office/sessions/{entry.subject}" if entry.action.startswith("session.") else ""
