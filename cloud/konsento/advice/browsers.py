"""The browsers in which drivers are advised."""

from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import choices
from konsento.kit.ids import new_id
from konsento.models import AdviceBrowser, Driver
from konsento.notifications import push
from konsento.notifications.push import Browser
from konsento.services import Services

MOST: Final = 5
"""Browsers of one driver; the oldest makes room."""


async def subscribe(session: AsyncSession, services: Services, driver: Driver, browser: Browser, locale: str) -> None:
    """Have a browser advised; one of somebody else's becomes this driver's. As often as it asks.

    Raises `PushRefused`, `AdviceNeedsAccount`.
    """
    push.check(browser, services.settings)
    now = services.clock.now()
    choice = await choices.made(session, driver, now)
    query = select(AdviceBrowser).where(AdviceBrowser.endpoint == browser.endpoint).with_for_update()
    row = await session.scalar(query)
    if row is None or row.driver_id != driver.id:
        known = await of(session, driver.id)
        if (not known and not choice.mail) or choice.stopped_at is not None:
            choices.begin(choice, now)
        for oldest in known[: max(0, len(known) - MOST + 1)]:
            await session.delete(oldest)
    if row is None:
        row = AdviceBrowser(id=new_id(), endpoint=browser.endpoint, created_at=now)
        session.add(row)
    row.driver_id, row.locale = driver.id, locale
    row.p256dh, row.auth = browser.keys.p256dh, browser.keys.auth
    await session.flush()


async def renew(session: AsyncSession, services: Services, driver_id: UUID, old: str, browser: Browser) -> None:
    """Follow a browser of a driver's whose push service has given it another address; one that is unknown stays so.

    Raises `PushRefused`.
    """
    push.check(browser, services.settings)
    query = select(AdviceBrowser).where(AdviceBrowser.driver_id == driver_id)
    known = {one.endpoint: one for one in await session.scalars(query.with_for_update())}
    row = known.get(old)
    if row is None or browser.endpoint in known:
        return
    await session.execute(delete(AdviceBrowser).where(AdviceBrowser.endpoint == browser.endpoint))
    row.endpoint, row.p256dh, row.auth = browser.endpoint, browser.keys.p256dh, browser.keys.auth
    await session.flush()


async def of(session: AsyncSession, driver_id: UUID) -> list[AdviceBrowser]:
    """Return a driver's browsers, the oldest first."""
    query = select(AdviceBrowser).where(AdviceBrowser.driver_id == driver_id)
    return list(await session.scalars(query.order_by(AdviceBrowser.created_at, AdviceBrowser.id)))


async def forget(session: AsyncSession, driver_id: UUID, endpoint: str | None = None) -> None:
    """Advise one of a driver's browsers no more, or none."""
    gone = delete(AdviceBrowser).where(AdviceBrowser.driver_id == driver_id)
    if endpoint is not None:
        gone = gone.where(AdviceBrowser.endpoint == endpoint)
    await session.execute(gone)
