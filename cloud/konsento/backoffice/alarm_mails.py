"""Mails about alarms, for whoever asked for them: an operator who sleeps does not look at pages.

One mail for all that is new at a look. What nobody acknowledges is told again after an hour, four hours, and then once
a day; what comes and goes is told at most once an hour. The end of what was told is told as well.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.backoffice.alarm_view import alarm_row
from konsento.backoffice.render import exact_time
from konsento.kit.i18n import LANGUAGES, Language
from konsento.models import Alarm, AlarmMails, Severity, StaffMember
from konsento.notifications import mail
from konsento.notifications.mail import Mail
from konsento.operations import alarms, repository
from konsento.services import Services
from konsento.staff import repository as staff

AGAIN_AFTER: Final = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""Between two mails about the same alarm; the last one for all further ones."""
MOST_TOLD: Final = 20
"""Of one mail."""


async def tell(session: AsyncSession, services: Services) -> None:
    """Mail what has to be told now, in the transaction that found it."""
    if not mail.possible(services.settings):
        return
    members = await staff.wanting_alarm_mails(session)
    if not members:
        return
    now = services.clock.now()
    recent = await repository.told_since(session, now - AGAIN_AFTER[-1])
    just_told = {(a.kind, a.subject) for a in recent if a.told_at is not None and a.told_at > now - AGAIN_AFTER[0]}
    to_tell = [
        alarm
        for alarm in await repository.alarms_to_tell(session, now - AGAIN_AFTER[0])
        if _due(alarm, now) and (alarm.kind, alarm.subject) not in just_told
    ]
    over = [alarm for alarm in recent if alarm.closed_at is not None and alarm.told > 0]
    for alarm in to_tell:
        alarm.told_at = now
        alarm.told += 1
    for alarm in over:
        alarm.told = 0
    # What happened once is over because somebody has acknowledged it.
    ended = [alarm for alarm in over if alarm.kind not in alarms.REPORTED]
    for member in members:
        news, ends = _wanted(member, to_tell), _wanted(member, ended)
        if news or ends:
            language = LANGUAGES.get(member.locale) or LANGUAGES.default
            await mail.queue(session, services, _mail(language, services, member, news, ends), language)


def _due(alarm: Alarm, now: datetime) -> bool:
    if alarm.told_at is None:
        return True
    return alarm.told_at + AGAIN_AFTER[min(alarm.told, len(AGAIN_AFTER)) - 1] <= now


def _wanted(member: StaffMember, found: Sequence[Alarm]) -> list[Alarm]:
    return [a for a in found if member.alarm_mails is AlarmMails.ALL or a.severity is Severity.CRITICAL]


def _mail(
    language: Language, services: Services, member: StaffMember, news: Sequence[Alarm], ends: Sequence[Alarm]
) -> Mail:
    text = language.text
    worst = sorted(news, key=lambda alarm: alarm.severity is not Severity.CRITICAL)
    paragraphs = [_paragraph(language, alarm) for alarm in worst[:MOST_TOLD]]
    if len(worst) > MOST_TOLD:
        paragraphs.append(text("And {number} more.", number=len(worst) - MOST_TOLD))
    paragraphs += [
        text(
            "{alarm}: over since {time} UTC.", time=exact_time(language, alarm.closed_at), alarm=_name(language, alarm)
        )
        for alarm in ends[:MOST_TOLD]
    ]
    paragraphs.append(text("You get this because you asked for mails about alarms; you can change it on their page."))
    first, more = (worst or list(ends))[0], len(news) - 1
    if not news:
        subject = text("Over: {alarm}", alarm=_name(language, first))
    elif more:
        subject = text("Alarm: {alarm} and {number} more", alarm=_name(language, first), number=more)
    else:
        subject = text("Alarm: {alarm}", alarm=_name(language, first))
    address = f"{services.settings.public_url.rstrip('/')}/office/alarms"
    return Mail(
        recipient=member.email,
        subject=subject[:200],
        paragraphs=tuple(paragraphs),
        link=(text("Open the alarms"), address),
    )


def _name(language: Language, alarm: Alarm) -> str:
    row = alarm_row(language, alarm)
    about = str(alarm.details.get("site") or row.about)
    return f"{row.title} ({about})" if about else row.title


def _paragraph(language: Language, alarm: Alarm) -> str:
    row = alarm_row(language, alarm)
    since = language.text("since {time} UTC", time=exact_time(language, alarm.opened_at))
    facts = " · ".join(part for part in (row.severity, row.title, row.about, row.facts, since) if part)
    return f"{facts}. {row.advice}"
