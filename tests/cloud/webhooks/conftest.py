"""A real receiver of webhooks on this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from konsento.settings import Settings

from ..api.conftest import Api
from ..databases import Template
from ..web.conftest import ORIGIN, quick_passwords, template, wired

__all__ = ["quick_passwords", "template"]


@dataclass
class Receiver:
    """Keeps what it is sent and answers as it is told."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    receives: asyncio.Event = field(default_factory=asyncio.Event)
    before_answer: Callable[[], None] = lambda: None

    async def receive(self, request: web.Request) -> web.Response:
        self.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        self.receives.set()
        self.before_answer()
        return web.Response(status=self.status, headers=self.headers, body=self.body)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def settings(template: Template, tmp_path: Path) -> AsyncIterator[Settings]:
    async with template.copied(tmp_path) as url:
        yield Settings(
            database_url=url,
            public_url=ORIGIN,
            welcome_credit_minor=3000,
            webhooks_to_loopback=True,
            mail_folder=tmp_path / "mails",
        )


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with wired(settings) as bench:
        yield Api(bench)


async def log(program: Any, hook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the deliveries to a webhook, the newest first."""
    answer = await program.get(f"/webhooks/{hook['id']}/deliveries")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
