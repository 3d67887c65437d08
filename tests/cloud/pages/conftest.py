"""The real application behind a real port, Chromium before it; only the site at the other end of the wire is played."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from konsento.kit import hashing
from konsento.kit.serving import PageServer
from konsento.settings import Settings
from rig.paths import ROOT
from rig.ports import Ports
from rig.process import run

from ..databases import Template
from ..web.conftest import Bench, cheap_hashing, template, wired

__all__ = ["template"]

PHONE = {"width": 390, "height": 844}
ARTEFACTS = ROOT / "build" / "test-artefacts"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


UNCLEAR = """axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 120))}`))"""

# All tests at once on two cores: a page may be slow, but it comes.
expect.set_options(timeout=60_000)


@dataclass
class Stage:
    """The application at work, and how to reach it."""

    bench: Bench
    port: int
    url: str
    _server: PageServer | None = None
    _serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve the application."""
        self._server = PageServer(
            uvicorn.Config(
                self.bench.app,
                host="127.0.0.1",
                port=self.port,
                log_config=None,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )
        self._serving = asyncio.create_task(self._server.serve())
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Serve it no more, as while it is started anew."""
        assert self._server is not None
        assert self._serving is not None
        self._server.should_exit = True
        await self._serving


@asynccontextmanager
async def staged(template: Template, folder: Path) -> AsyncIterator[Stage]:
    """Serve the application on a copy of the furnished database."""
    port = Ports().take()
    # Not 127.0.0.1: browsers give camera, place and passkeys to `localhost` without TLS.
    url = f"http://localhost:{port}"
    async with template.copied(folder) as database_url:
        settings = Settings(
            database_url=database_url,
            public_url=url,
            operator_name="Sakura Energy",
            welcome_credit_minor=3000,
            fake_payments=True,
            webhooks_to_loopback=True,
            mail_folder=folder / "mails",
        )
        async with wired(settings) as bench:
            stage = Stage(bench, port, url)
            await stage.start()
            yield stage
            await stage.stop()


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> object:
    before = hashing._hasher
    hashing._hasher = cheap_hashing()
    yield
    hashing._hasher = before


async def chromium() -> str:
    """Return the path of the browser."""
    return (await run("chromium", [str(ROOT / "tools/chromium")], {}, ROOT)).strip()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=await chromium(), args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(template: Template, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(template, tmp_path) as stage:
        yield stage


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page where somebody wants to look at it (`PICTURES=1`): it takes time."""
    if "PICTURES" in os.environ:
        await page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


async def unclear(page: Page) -> list[str]:
    """Return what axe finds that keeps readers out: the rule, what it says, and where."""
    # All that is in order is not told: it would take as long as the search.
    found: list[str] = await page.evaluate(f"{AXE_SCRIPT}\n{UNCLEAR}")
    return found


async def phone(browser: Browser, locale: str, *, dark: bool = False, width: int = PHONE["width"]) -> BrowserContext:
    """Open a phone's browser without cookies."""
    context = await browser.new_context(
        viewport={"width": width, "height": PHONE["height"]},
        locale=locale,
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(60_000)
    return context
