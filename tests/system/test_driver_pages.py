"""The driver's path in a real browser at phone size; the screenshots are kept."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from rig.line import Line
from rig.suppliers import CODES

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180), pytest.mark.browser]


async def _path_of_a_driver(page: Page, line: Line, email: str, shot: Path) -> None:
    async def look(name: str) -> None:
        await page.screenshot(path=f"{shot}-{name}.png", full_page=True)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{name} scrolls sideways"  # type: ignore[index]  # set below

    await page.goto(f"{line.server.url}/o/{CODES[0]}")
    await look("1-outlet")
    await page.locator(f'a[href="/o/{CODES[0]}/choose"]').click()
    await page.wait_for_url(re.compile("/choose"))
    await page.locator('input[name="amount"]').fill("0.005")
    await expect(page.locator("[data-estimate]")).to_contain_text("19")
    await look("2-choose")
    await page.locator("form button[type=submit]").last.click()
    await page.wait_for_url(re.compile("/confirm"))
    await look("3-price")
    await page.locator('a[href^="/signin"]').click()
    await page.locator('a[href^="/signup"]').click()
    await page.locator('input[name="email"]').fill(email)
    await page.locator('input[name="password"]').fill("correct horse battery")
    await look("4-signup")
    await page.locator('form[action^="/signup"] button').click()
    await page.wait_for_url(re.compile("/confirm"))
    await page.locator('form[action$="/start"] button').click()
    await page.wait_for_url(re.compile("/s/"))
    await expect(page.locator("[data-live=energy]")).not_to_have_text(re.compile(r"^\s*0\b"), timeout=60_000)
    await look("5-charging")
    await expect(page.locator("[data-receipt]")).to_be_visible(timeout=60_000)
    await look("6-receipt")


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("ja-JP", "dark")])
async def test_a_driver_signs_up_charges_and_gets_a_receipt(
    line: Line, browser: Browser, artefacts: Path, locale: str, scheme: str
) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844},
        locale=locale,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)

    await _path_of_a_driver(page, line, f"browser-{locale}@example.com", artefacts / f"driver-{locale}")

    assert problems == []
