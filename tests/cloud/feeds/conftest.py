"""A publisher's server on this machine, beside the domains with the due work of data sources."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from sqlalchemy import select

from konsento.feeds import fetching, sources, work
from konsento.feeds.deciding import Listener
from konsento.feeds.sources import WantedSource
from konsento.grid import regions, windows
from konsento.grid.regions import WantedRegion
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit
from konsento.grid.windows import Window
from konsento.kit.work_table import Work
from konsento.models import GridSource, WindowDecision
from konsento.settings import Settings

from ..conftest import Core, opened, wired
from ..databases import Template
from ..grid.files import area_file

REGION = "JP-A03"
TODAY = date(2026, 11, 22)
"""In Tokyo, at the time of the clock of these tests."""
TOMORROW = TODAY + timedelta(days=1)
FIXED = Rule(
    reference=Reference(mode=ReferenceMode.PERCENT, value=Decimal(5)),
    threshold=Threshold(unit=ThresholdUnit.SHARE, value=Decimal(30)),
)


@dataclass
class Publisher:
    """A publisher's server; answers as it is told."""

    origin: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    """In place of all that."""
    asked: list[web.Request] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if self.answer is not None:
            return await self.answer(request)
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    played = Publisher()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", played.take)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    played.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield played
    await runner.cleanup()


@dataclass
class Feeds:
    """The domains with a region that advises, and the publisher."""

    core: Core
    publisher: Publisher
    listeners: list[Listener] = field(default_factory=list)
    """They hear of decisions."""

    async def add(self, *, secret: str = "", **said: Any) -> UUID:
        """Add a source of Tokyo's forecast, fetched from the publisher."""
        wanted = {
            "name": "Tokyo",
            "format": "jp_area",
            "region": REGION,
            "url": f"{self.publisher.origin}/AREA_YOSOKU_{{tomorrow:yyyymmdd}}.csv",
        } | said
        async with self.core.services.database.transaction() as session:
            return (await sources.add_source(session, self.core.services.settings, WantedSource(**wanted), secret)).id

    async def fetch(self, source_id: UUID) -> GridSource:
        """Have it fetched now, and what that leads to done; returns the source."""
        async with self.core.services.database.transaction() as session:
            source = await sources.find_source(session, source_id)
            await fetching.soon(session, self.core.services, source)
        await self.core.work()
        return await self.source(source_id)

    async def source(self, source_id: UUID) -> GridSource:
        async with self.core.services.database.transaction() as session:
            return await sources.find_source(session, source_id)

    async def due_in(self, kind: str, key: object) -> timedelta | None:
        """Return in what time a piece of work is due; None where it is not."""
        async with self.core.services.database.transaction() as session:
            query = select(Work.due_at).where(Work.kind == kind, Work.key == str(key), Work.state == "due")
            due_at = await session.scalar(query)
        return due_at - self.core.clock.now() if due_at is not None else None

    async def decisions(self) -> list[WindowDecision]:
        async with self.core.services.database.transaction() as session:
            return list(await session.scalars(select(WindowDecision).order_by(WindowDecision.decided_at)))

    async def windows(self) -> list[Window]:
        now = self.core.clock.now()
        async with self.core.services.database.transaction() as session:
            return await windows.in_force(session, REGION, now - timedelta(days=2), now + timedelta(days=3))


async def begun(core: Core, publisher: Publisher) -> Feeds:
    """Return the domains with a region that advises."""
    feeds = Feeds(core, publisher)
    work.install(core.services, feeds.listeners)
    async with core.services.database.transaction() as session:
        tokyo = WantedRegion(code=REGION, name_en="Tokyo", name_ja="東京", time_zone="Asia/Tokyo")
        await regions.add_region(session, tokyo, FIXED, advises=True)
    return feeds


@pytest.fixture
async def feeds(furnished: Template, tmp_path: Path, publisher: Publisher) -> AsyncIterator[Feeds]:
    settings = Settings(
        feeds_origins=publisher.origin, feeds_folder=tmp_path / "feeds", public_url="https://charge.example"
    )
    async with opened(furnished, tmp_path) as database:
        yield await begun(await wired(database, settings), publisher)


@pytest.fixture
def forecast() -> bytes:
    """Tokyo's forecast of tomorrow: 10 % of surplus, and the sun gives up to half of it."""
    return area_file(REGION, TOMORROW).content
