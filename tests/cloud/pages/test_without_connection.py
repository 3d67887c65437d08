"""A phone without a connection says so in the driver's language, and comes back by itself."""

import pytest
from playwright.async_api import Browser, expect

from ..web.conftest import CODE
from .conftest import Stage, phone

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]


@pytest.mark.parametrize(
    ("locale", "says", "outlet"),
    [("en-GB", "Your phone has no connection.", "free"), ("ja-JP", "インターネットにつながっていません。", "空")],
)
async def test_a_phone_without_a_connection_says_so_and_comes_back(
    stage: Stage, browser: Browser, locale: str, says: str, outlet: str
) -> None:
    async with await phone(browser, locale) as context:
        page = await context.new_page()
        await page.goto(stage.url)
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await context.set_offline(True)
        await page.goto(f"{stage.url}/o/{CODE}")
        await expect(page.locator("h1")).to_have_text(says)

        await context.set_offline(False)

        await expect(page.locator("h1")).to_contain_text(outlet)
