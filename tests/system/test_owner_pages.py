"""What the owner of a site sees in Home Assistant, in a real browser."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from rig.line import OUTLETS, OWNER, OWNER_PASSWORD, Line

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180), pytest.mark.browser]


async def _sign_in(page: Page, line: Line) -> None:
    await page.goto(f"{line.home_assistant.url}/config/integrations/integration/konsento")
    await page.locator('input[name="username"]').fill(OWNER)
    await page.locator('input[name="password"]').fill(OWNER_PASSWORD)
    await page.keyboard.press("Enter")


async def test_the_owner_finds_outlets_with_their_values_and_no_open_question(
    line: Line, browser: Browser, artefacts: Path
) -> None:
    page = await (await browser.new_context(viewport={"width": 1200, "height": 900})).new_page()
    await _sign_in(page, line)
    await expect(page.get_by_text(OUTLETS[0].title).first).to_be_visible(timeout=60_000)
    await expect(page.get_by_text("Confirm new HTTP server configuration")).to_have_count(0)
    await page.screenshot(path=artefacts / "owner-1-site.png")

    await page.goto(f"{line.home_assistant.url}/config/devices/dashboard?historyBack=1")
    await page.get_by_text(OUTLETS[0].title).first.click()
    for value in ("State", "Power", "Session energy", "Remaining energy", "Remaining time", "Stop", "Connection"):
        await expect(page.get_by_text(value, exact=True).first).to_be_visible(timeout=60_000)
    await page.screenshot(path=artefacts / "owner-2-outlet.png", full_page=True)
    await page.context.close()


async def test_home_assistant_logs_no_error_of_the_integration(line: Line) -> None:
    log = line.home_assistant.log.read_text()
    assert "[custom_components.konsento" in log, "the log is read too early or in the wrong place"
    assert [text for text in log.splitlines() if " ERROR " in text and "konsento" in text] == []
