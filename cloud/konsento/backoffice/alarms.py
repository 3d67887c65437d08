"""Alarms: the inbox, what has been, and who is mailed about them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import asked
from konsento.backoffice.alarm_view import alarm_row
from konsento.backoffice.paging import PAGE, Pages
from konsento.backoffice.render import office_page
from konsento.backoffice.who import AlarmKeeper, Member, Number
from konsento.backoffice.words import ALARM_MAILS, ALARMS, SEVERITIES
from konsento.kit.i18n import marked
from konsento.models import AlarmKind, AlarmMails, Severity
from konsento.notifications import mail
from konsento.operations import alarms, audit, repository
from konsento.operations.repository import Sought
from konsento.staff import service as staff
from konsento.web.csv import Rows, csv_file, headings, local
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MOST_OPEN = 200
"""On the page; what is open beyond that is in the file."""
EXPORTED_AT_ONCE = 500


class Filters(BaseModel):
    """What is typed into the filter. Nonsense narrows nothing."""

    kind: str = ""
    severity: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    page: int = 1

    @property
    def sought(self) -> Sought:
        """What it means; days are those of UTC, because alarms are of many places."""
        return Sought(
            kind=AlarmKind(self.kind) if self.kind in set(AlarmKind) else None,
            severity=Severity(self.severity) if self.severity in set(Severity) else None,
            text=self.text.strip()[:100],
            since=asked.day(self.since),
            until=asked.day(self.until, following=True),
        )


@router.get("/alarms")
async def alarms_page(
    request: Request, services: Wired, member: Member, filters: Annotated[Filters, Query()]
) -> Response:
    """Show what is wrong now, and what has been."""
    is_open, is_over = replace(filters.sought, is_open=True), replace(filters.sought, is_open=False)
    async with services.database.transaction() as session:
        now = await repository.alarms(session, is_open, most=MOST_OPEN)
        number = len(now) if len(now) < MOST_OPEN else await repository.count_alarms(session, is_open)
        pages = Pages.of(filters.page, await repository.count_alarms(session, is_over))
        before = await repository.alarms(session, is_over, offset=pages.offset, most=PAGE)
    language = language_of(request)
    rows = [alarm_row(language, alarm, who) for alarm, who in now]
    # What nobody cares for yet comes first, the worst of it on top.
    rows.sort(key=lambda row: (row.alarm.acknowledged_at is not None, row.alarm.severity is not Severity.CRITICAL))
    return office_page(
        request,
        "alarms.html",
        member=member,
        rows=rows,
        more=number - len(rows),
        history=[alarm_row(language, alarm, who) for alarm, who in before],
        pages=pages,
        filters=filters,
        query=filters.model_dump(exclude={"page"}, exclude_defaults=True),
        kinds=[(kind.value, language.text(name)) for kind, name in ALARMS.items()],
        severities=[(severity.value, language.text(name)) for severity, name in SEVERITIES.items()],
        choices=[(choice.value, language.text(name)) for choice, name in ALARM_MAILS.items()],
        can_mail=mail.possible(services.settings),
    )


COLUMNS = (
    marked("From (UTC)"), marked("To (UTC)"), marked("Severity"), marked("Alarm"), marked("About"), marked("Details"),
    marked("Times"), marked("Acknowledged by"), marked("Acknowledged (UTC)"), marked("Note"),
)  # fmt: skip


@router.get("/alarms.csv")
async def alarms_csv(
    request: Request, services: Wired, _member: Member, filters: Annotated[Filters, Query()]
) -> Response:
    """Return open alarms and those that are over as a file, the newest first."""
    language = language_of(request)

    async def parts() -> AsyncIterator[Rows]:
        sought = filters.sought
        while True:
            async with services.database.transaction() as session:
                part = await repository.alarms(session, sought, most=EXPORTED_AT_ONCE)
            rows = [alarm_row(language, alarm, who) for alarm, who in part]
            yield [
                (
                    local(row.alarm.opened_at), local(row.alarm.closed_at), row.severity, row.title, row.about,
                    row.facts, row.alarm.count, row.who, local(row.alarm.acknowledged_at), row.alarm.note,
                )
                for row in rows
            ]  # fmt: skip
            if len(part) < EXPORTED_AT_ONCE:
                return
            sought = replace(sought, before=(part[-1][0].opened_at, part[-1][0].id))

    return csv_file("alarms", headings(language, COLUMNS), parts())


@router.post("/alarms/mails")
async def mails(request: Request, services: Wired, member: Member, about: Annotated[AlarmMails, Form()]) -> Response:
    """Choose about which alarms one wants mails, in the language of the page."""
    async with services.database.transaction() as session:
        now = services.clock.now()
        await staff.choose_alarm_mails(session, member.id, about, language_of(request).code)
        details = {"about": about.value}
        await audit.note(session, now, member.id, action="staff.alarm-mails", subject=str(member.id), details=details)
    return RedirectResponse("/office/alarms#mails", 303)


@router.post("/alarms/{number}/acknowledge")
async def acknowledge(
    number: Number, services: Wired, member: AlarmKeeper, note: Annotated[str, Form()] = ""
) -> Response:
    """Say that somebody takes care of an alarm, and what is being done."""
    async with services.database.transaction() as session:
        now = services.clock.now()
        alarm = await alarms.acknowledge(session, number, member.id, note, now)
        details = {"alarm": alarm.kind.value, "note": alarm.note}
        await audit.note(session, now, member.id, action="alarm.acknowledge", subject=alarm.subject, details=details)
    return RedirectResponse("/office/alarms", 303)


@router.post("/alarms/{number}/retry")
async def retry(number: Number, services: Wired, member: AlarmKeeper) -> Response:
    """Have given-up work tried again."""
    async with services.database.transaction() as session:
        now = services.clock.now()
        kind, key = await alarms.retry_work(session, number, now)
        await audit.note(session, now, member.id, action="work.retry", subject=f"{kind} {key}")
    services.work.wake()
    return RedirectResponse("/office/alarms", 303)
