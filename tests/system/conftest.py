"""The whole line, started once for the tests that share it, and anew for those that break it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from rig.line import Line, to_stderr
from rig.paths import ROOT
from rig.ports import Ports
from rig.process import run

ARTEFACTS = ROOT / "build" / "test-artefacts"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Line]:
    """A line that no test breaks."""
    async with Line(tmp_path_factory.mktemp("line"), Ports(), to_stderr) as line:
        yield line


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fragile_line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Line]:
    """A line with two suppliers, whose parts are killed and whose links are cut; who does so has them whole again."""
    async with Line(tmp_path_factory.mktemp("fragile-line"), Ports(), to_stderr, two_suppliers=True) as line:
        yield line


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """The folder where screenshots are kept after the run."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    return ARTEFACTS


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    path = (await run("chromium", [str(ROOT / "tools/chromium")], {}, ROOT)).strip()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()
