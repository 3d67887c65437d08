"""The page in Chromium: accessible, still, no wider than the screen, and all of it in the reader's language."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

from konsento.environment.computation import app as computation
from konsento.environment.computation import work
from konsento.environment.computation.cli import APP
from konsento.environment.computation.settings import ComputationSettings, Span
from konsento.kit.clock import ManualClock
from konsento.kit.migrating import migrate
from konsento.kit.serving import PageServer, server_config
from rig.paths import ROOT
from rig.ports import Ports
from rig.process import run

from .conftest import AT, System
from .test_published import filled

pytestmark = [pytest.mark.timeout(120), pytest.mark.browser]
ARTEFACTS = ROOT / "build" / "test-artefacts"
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """The page behind a real port, with figures."""

    url = f"sqlite+aiosqlite:///{tmp_path / 'computation.sqlite3'}"
    await asyncio.to_thread(migrate, url, APP.migrations)
    settings = ComputationSettings(database_url=url, period=Span.DAY, publish_unfinished=True, public_page=True)
    clock = ManualClock(AT)
    office = computation.wire(settings, clock)
    work.install(office, settings)
    app = computation.made(office, settings)
    await work.begin(office, settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://computation") as http:
        await filled(System(office, settings, clock, app, http))
    port = Ports().take()
    server = PageServer(server_config(app, "127.0.0.1", port))
    serving = asyncio.create_task(server.serve())
    await server.listening.wait()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving
    await office.database.close()


async def test_the_page_can_be_read_by_everybody_on_every_screen(address: str) -> None:
    chromium = (await run("chromium", [str(ROOT / "tools/chromium")], {}, ROOT)).strip()
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for locale, scheme, width in (("en-GB", "light", 1280), ("ja-JP", "dark", 390), ("ja-JP", "light", 320)):
            context = await browser.new_context(
                viewport={"width": width, "height": 844},
                locale=locale,
                color_scheme="dark" if scheme == "dark" else "light",
                java_script_enabled=True,
            )
            page = await context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
            for path in ("/", "/?region=JP-A03&method=hourly"):
                await page.goto(f"{address}{path}")
                name = f"computation-{locale[:2]}-{width}{'-area' if 'region' in path else ''}"
                await page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)
                if await page.evaluate(SIDEWAYS):
                    faults.append(f"{name} scrolls sideways")
                if await page.locator("script").count():
                    faults.append(f"{name} has a script")
                violations = (await Axe().run(page)).response["violations"]
                faults.extend(f"{name}: {one['id']}: {one['help']}" for one in violations)
            await page.get_by_role("link", name="日本語" if locale == "en-GB" else "English").click()
            if await page.evaluate("document.documentElement.lang") == locale[:2]:
                faults.append(f"{locale}: the language does not change")
            await context.close()
        await browser.close()

    assert faults == [], "\n".join(faults)
