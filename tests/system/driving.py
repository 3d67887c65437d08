"""A driver in a real browser: what more than one test walks through."""

import re
from pathlib import Path

from playwright.async_api import Page, expect


async def path_of_a_driver(page: Page, outlet: str, email: str, shot: Path) -> None:
    """Walk from the address that an outlet's QR code holds to the receipt; `shot` begins the pictures' names."""

    async def look(name: str) -> None:
        await page.screenshot(path=f"{shot}-{name}.png", full_page=True)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{name} scrolls sideways"  # type: ignore[index]  # callers set it

    await page.goto(outlet)
    await look("1-outlet")
    await page.locator('a[href^="/o/"][href$="/choose"]').click()
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
