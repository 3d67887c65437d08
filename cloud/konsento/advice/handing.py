"""Handing messages out that are due: mails to the mails on their way, notices to due work."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import calendar, issues, letters, policy, recipients, tokens
from konsento.advice.letters import Facts, Letter, Outlet
from konsento.advice.policy import Dropped
from konsento.advice.recipients import PAGE, Habit, Recipient
from konsento.advice.tokens import Purpose, Signer
from konsento.advice.worth import NOTHING, Worth, worth_of
from konsento.kit.i18n import LANGUAGES, Language
from konsento.models import (
    AdviceBrowser,
    AdviceChannel,
    AdviceIssue,
    AdviceKind,
    AdviceMessage,
    AdviceState,
    GridRegion,
)
from konsento.notifications import mail
from konsento.notifications.mail import Attachment, Mail
from konsento.services import Services

PUSH: Final = "advice-push"
"""Its keys are the ids of browsers, its payload names the issue: of two, the newer one is told."""
ISSUE: Final = "issue"


async def hand_out(session: AsyncSession, services: Services, region: GridRegion, issue: AdviceIssue) -> int:
    """Send the messages of the next drivers that are due; returns how many drivers that were."""
    now = services.clock.now()
    due = select(AdviceMessage).where(
        AdviceMessage.issue_id == issue.id, AdviceMessage.state == AdviceState.QUEUED, AdviceMessage.due_at <= now
    )
    page = due.with_only_columns(AdviceMessage.driver_id).distinct().order_by(AdviceMessage.driver_id).limit(PAGE)
    ids = list(await session.scalars(page))
    if not ids:
        return 0
    known = await issues.facts(session, region, issue, now)
    wanting = await recipients.wanting(session, ids, now)
    habits = await recipients.habits(session, ids, now)
    helps = known.ahead()
    worths = await worth_of(session, [habit.outlet_id for habit in habits.values()], helps)
    post = _Post(services, await tokens.signer(session), helps, await _invitations(session, services, issue))
    pushed: list[UUID] = []
    for message in await session.scalars(due.where(AdviceMessage.driver_id.in_(ids))):
        one, habit = wanting.get(message.driver_id), habits.get(message.driver_id)
        why_not = _why_not(message, known, one, habit)
        if why_not is not None:
            message.state, message.reason = AdviceState.DROPPED, why_not
            continue
        message.state, message.sent_at = AdviceState.SENT, now
        if message.channel is AdviceChannel.PUSH:
            pushed.append(message.driver_id)
        elif one is not None and habit is not None:
            post.add(message, one, habit, worths.get(habit.outlet_id, NOTHING))
    await mail.queue_many(session, services, post.mails)
    browsers = await session.scalars(select(AdviceBrowser.id).where(AdviceBrowser.driver_id.in_(pushed)))
    await services.work.add_all(session, PUSH, map(str, browsers), payload={ISSUE: str(issue.id)})
    return len(ids)


def _why_not(message: AdviceMessage, known: Facts, one: Recipient | None, habit: Habit | None) -> Dropped | None:
    if one is None or habit is None or message.channel not in one.channels:
        return Dropped.OFF
    if (one.choice.stopped_at is not None) != message.farewell:
        return Dropped.OFF
    if known.kind is AdviceKind.EVENING and habit.charged:
        return Dropped.CHARGED
    return useless(known)


def useless(known: Facts) -> Dropped | None:
    """Return why nobody is helped any more by being told of this."""
    if known.kind is AdviceKind.EVENING and not known.windows:
        return Dropped.WITHDRAWN
    until = policy.of_use_until([*known.windows, *known.told])
    return Dropped.OVER if until is None or known.now >= until else None


class _Post:
    """Writes the mails of a page."""

    def __init__(self, services: Services, signer: Signer, known: Facts, invitations: Mapping[str, Attachment]) -> None:
        self._services = services
        self._signer = signer
        self._facts = known
        self._invitations = invitations
        self._letters: dict[tuple[str, Outlet], Letter] = {}
        """Most drivers of a region read the same."""
        self.mails: list[tuple[Mail, Language]] = []

    def add(self, message: AdviceMessage, one: Recipient, habit: Habit, worth: Worth) -> None:
        """Write to one driver."""
        language = LANGUAGES.get(one.driver.locale) or LANGUAGES.default
        outlet = Outlet(rated_w=habit.rated_w, volts=habit.volts, worth=worth.sentences(language))
        letter = self._letter(message, language, outlet)
        at = self._services.settings.public_url.rstrip("/")
        off = f"{at}/advice/off/{self._signer.make(Purpose.NO_MAIL, one.driver.id)}"
        written = Mail(
            recipient=one.driver.email,
            subject=letter.subject,
            paragraphs=letter.paragraphs,
            link=(letter.says, f"{at}{letter.path}"),
            also=(language.text("No more of these mails"), off),
            attachments=() if message.farewell else (self._invitations[language.code],),
            unsubscribe=off,
        )
        self.mails.append((written, language))

    def _letter(self, message: AdviceMessage, language: Language, outlet: Outlet) -> Letter:
        if message.farewell:
            return letters.farewell(language)
        alike = (language.code, outlet)
        if alike not in self._letters:
            self._letters[alike] = letters.advice(language, self._facts, outlet)
        return self._letters[alike].of_message(self._signer.make(Purpose.MESSAGE, message.id))


async def _invitations(session: AsyncSession, services: Services, issue: AdviceIssue) -> dict[str, Attachment]:
    """Return the file for calendars by language."""
    some = await calendar.entries(session, [issue.region], services.clock.now(), issue.day)
    return {
        language.code: Attachment(
            name=f"advice-{issue.day}.ics",
            media_type=calendar.MEDIA_TYPE,
            content=calendar.written(language, services.settings, some),
        )
        for language in LANGUAGES
    }
