"""One outlet, two drivers, one press: the page of the one who waits goes on by itself, the other's says why not."""

import re

import pytest
from playwright.async_api import Browser, expect

from konsento.models import PresenceCheck

from .conftest import Stage, phone
from .test_two_browsers import _at_the_price

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]


async def test_a_press_starts_the_one_who_waits_and_nobody_else(stage: Stage, browser: Browser) -> None:
    await stage.bench.sites_ask_for(PresenceCheck.BUTTON)
    async with await phone(browser, "en-GB") as one, await phone(browser, "en-GB") as two:
        ann, bob = await one.new_page(), await two.new_page()
        for page, name in ((ann, "ann"), (bob, "bob")):
            await _at_the_price(page, stage, f"{name}@example.com")
            await page.click('form[action$="/start"] button')
        await expect(ann.locator("h1")).to_have_text("Press the button of the outlet.")
        await expect(bob.locator("h1")).to_have_text("Somebody else is about to start here.")

        await stage.bench.press()

        await ann.wait_for_url(re.compile(r"/s/"))
        await expect(bob.locator("h1")).to_have_text("This outlet is in use.")
    starts = [asked for asked in stage.bench.site.asked if type(asked).__name__ == "RequestStartTransaction"]
    assert len(starts) == 1
