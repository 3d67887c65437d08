"""Alarms: the inbox, and what has been."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import AlarmKeeper, Member, Number
from konsento.backoffice.words import ADVICE, ALARMS, FACTS, SEVERITIES
from konsento.kit.i18n import Language
from konsento.models import Alarm, AlarmKind, Severity
from konsento.operations import alarms, audit, repository
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MOST_OPEN = 500
MOST_CLOSED = 200


@dataclass(frozen=True, kw_only=True)
class AlarmRow:
    """One alarm in the inbox."""

    alarm: Alarm
    title: str
    advice: str
    severity: str
    tone: str
    facts: str
    link: str
    """Where there is more about its subject; empty for nowhere."""
    who: str | None
    """Acknowledged it."""
    can_retry: bool


@router.get("/alarms")
async def alarms_page(request: Request, services: Wired, member: Member) -> Response:
    """Show what is wrong now, and what has been."""
    async with services.database.transaction() as session:
        now = await repository.alarms(session, is_open=True, most=MOST_OPEN)
        before = await repository.alarms(session, is_open=False, most=MOST_CLOSED)
    language = language_of(request)
    rows = [_row(language, alarm, who) for alarm, who in now]
    # What nobody cares for yet comes first, the worst of it on top.
    rows.sort(key=lambda row: (row.alarm.acknowledged_at is not None, row.alarm.severity is not Severity.CRITICAL))
    return office_page(
        request,
        "alarms.html",
        member=member,
        rows=rows,
        history=[_row(language, alarm, who) for alarm, who in before],
    )


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


def _row(language: Language, alarm: Alarm, who: str | None) -> AlarmRow:
    return AlarmRow(
        alarm=alarm,
        title=language.text(ALARMS[alarm.kind]),
        advice=language.text(ADVICE[alarm.kind]),
        severity=language.text(SEVERITIES[alarm.severity]),
        tone="bad" if alarm.severity is Severity.CRITICAL else "wait",
        facts=" · ".join(
            f"{language.text(FACTS[name]) if name in FACTS else name}: {value}"
            for name, value in alarm.details.items()
            if value not in {"", None}
        ),
        link=_link(alarm),
        who=who,
        can_retry=alarm.kind is AlarmKind.WORK_GIVEN_UP,
    )


def _link(alarm: Alarm) -> str:
    match alarm.kind:
        case AlarmKind.SESSION_SILENT | AlarmKind.SESSION_UNSETTLED | AlarmKind.METER_DOUBTFUL:
            return f"/office/sessions/{alarm.subject}"
        case AlarmKind.SITE_OFFLINE | AlarmKind.UNKNOWN_TRANSACTION:
            return f"/office/stations/{alarm.subject.partition(' ')[0]}"
        case AlarmKind.OUTLET_FAULTED | AlarmKind.PRESENCE_UNCHECKED | AlarmKind.LABEL_DOUBTFUL:
            return f"/office/sessions?text={alarm.subject}"
        case _:
            return ""
