"""Advice on a phone: one notice to one browser."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import browsers, handing, issues, letters, policy, recipients, tokens
from konsento.advice.letters import Outlet
from konsento.advice.policy import Dropped
from konsento.advice.tokens import Purpose
from konsento.advice.worth import NOTHING, worth_of
from konsento.kit.i18n import LANGUAGES
from konsento.models import (
    AdviceBrowser,
    AdviceChannel,
    AdviceIssue,
    AdviceMessage,
    AdviceState,
    GridRegion,
)
from konsento.notifications import push
from konsento.notifications.push import Notice
from konsento.services import Services

_LAST_WORD_KEPT: Final = timedelta(days=1)
"""What advises nothing is not over when a window is."""


async def send(services: Services, browser_id: UUID, issue_id: UUID) -> None:
    """Send what an issue tells a browser's driver; a browser that wants none any more is forgotten.

    Opens its own transactions. Raises as `push.send` does; due work tries again.
    """
    async with services.database.transaction() as session:
        browser = await session.get(AdviceBrowser, browser_id)
        message = await _message(session, browser.driver_id, issue_id) if browser is not None else None
        if browser is None or message is None or message.state is not AdviceState.SENT:
            return
        notice = await _notice(session, services, browser, message)
    if notice is None:
        return
    if await push.send(services, browser, notice):
        return
    async with services.database.transaction() as session:
        await browsers.forget(session, browser.driver_id, browser.endpoint)
        if not await browsers.of(session, browser.driver_id):
            left = await _message(session, browser.driver_id, issue_id)
            if left is not None:
                left.state, left.reason = AdviceState.DROPPED, Dropped.GONE


async def _notice(
    session: AsyncSession, services: Services, browser: AdviceBrowser, message: AdviceMessage
) -> Notice | None:
    """Return what the phone shows; None where it helps nobody any more, which the message then says."""
    now = services.clock.now()
    issue = await session.get_one(AdviceIssue, message.issue_id)
    region = await session.get_one(GridRegion, issue.region)
    known = await issues.facts(session, region, issue, now)
    habit = (await recipients.habits(session, [browser.driver_id], now)).get(browser.driver_id)
    why_not = Dropped.OFF if habit is None else None if message.farewell else handing.useless(known)
    if why_not is not None or habit is None:
        message.state, message.reason = AdviceState.DROPPED, str(why_not)
        return None
    language = LANGUAGES.get(browser.locale) or LANGUAGES.default
    helps = known.ahead()
    worths = await worth_of(session, [habit.outlet_id], helps)
    worth = worths.get(habit.outlet_id, NOTHING).sentences(language)
    outlet = Outlet(rated_w=habit.rated_w, volts=habit.volts, worth=worth)
    token = await tokens.make(session, Purpose.MESSAGE, message.id)
    letter = (
        letters.farewell(language) if message.farewell else letters.advice(language, helps, outlet).of_message(token)
    )
    until = policy.of_use_until([*known.windows, *known.told])
    kept = _LAST_WORD_KEPT if message.farewell or until is None else until - now
    return Notice(
        title=letter.subject,
        body=letter.short,
        path=letter.path,
        topic=f"advice-{issue.day}",
        kept_s=int(kept.total_seconds()),
        urgency="normal",
    )


async def _message(session: AsyncSession, driver_id: UUID, issue_id: UUID) -> AdviceMessage | None:
    query = select(AdviceMessage).where(
        AdviceMessage.issue_id == issue_id,
        AdviceMessage.driver_id == driver_id,
        AdviceMessage.channel == AdviceChannel.PUSH,
    )
    return await session.scalar(query)
