"""Two drivers stand before one outlet: one charges, the other is told at once and keeps every yen."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, expect

from ..web.conftest import CODE, PASSWORD
from .conftest import Stage, phone

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]


async def _at_the_price(page: Page, stage: Stage, email: str) -> None:
    await page.goto(f"{stage.url}/signup")
    await page.fill("#email", email)
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(r"/$"))
    await page.goto(f"{stage.url}/o/{CODE}/confirm?kind=energy&amount=6")


async def test_of_two_who_press_start_one_charges_and_the_other_keeps_every_yen(stage: Stage, browser: Browser) -> None:
    both_asked = asyncio.Event()

    async def hesitate() -> None:
        # The outlet takes its time, so that both requests are on their way at once.
        async with asyncio.timeout(5):
            await both_asked.wait()

    stage.bench.site.before_answer = hesitate
    async with await phone(browser, "en-GB") as one, await phone(browser, "en-GB") as two:
        pages = [await one.new_page(), await two.new_page()]
        for page, name in zip(pages, ("ann", "bob"), strict=True):
            await _at_the_price(page, stage, f"{name}@example.com")

        await asyncio.gather(*(page.click('form[action$="/start"] button', no_wait_after=True) for page in pages))
        loser_told = [asyncio.create_task(page.wait_for_selector("text=This outlet is in use.")) for page in pages]
        told, _ = await asyncio.wait(loser_told, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        both_asked.set()
        [loser] = [page for page, task in zip(pages, loser_told, strict=True) if task in told]
        [winner] = [page for page in pages if page is not loser]
        await winner.wait_for_url(re.compile(r"/s/"))
        for task in loser_told:
            task.cancel()
        await loser.goto(f"{stage.url}/history")
        await stage.bench.site.reports("0")

        await expect(loser.locator("main")).to_contain_text("¥3,000")
        await expect(winner.locator("h1")).to_contain_text("Charging")
    assert len([asked for asked in stage.bench.site.asked if type(asked).__name__ == "RequestStartTransaction"]) == 1
