"""Pages stay where they are when their scripts come late, as on a slow phone."""

import asyncio

import pytest
from playwright.async_api import Browser, Route

from .conftest import Stage, phone
from .test_passkeys import sign_up
from .test_quality import SETTLED, WATCH_SHIFTS
from .walk import advise

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]

EMAIL = "ann@example.com"
PAINTED = """() => new Promise((done) => {
  new PerformanceObserver((list) => {
    if (list.getEntriesByName("first-contentful-paint").length) done(true);
  }).observe({ type: "paint", buffered: true });
})"""


async def test_the_switch_for_notices_moves_nothing_when_its_script_comes_after_the_first_paint(
    stage: Stage, browser: Browser
) -> None:
    painted = asyncio.Event()

    async def late(route: Route) -> None:
        await painted.wait()
        await route.continue_()

    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await sign_up(page, stage, EMAIL)
        await advise(stage, EMAIL)
        await context.add_init_script(WATCH_SHIFTS)
        await context.route("**/tell*.js*", late)
        await page.goto(f"{stage.url}/account/advice", wait_until="commit")
        await page.evaluate(PAINTED)
        painted.set()
        await page.wait_for_load_state()
        await page.evaluate(SETTLED)

        assert await page.locator("[data-tell]").is_visible()
        assert await page.evaluate("window.__shift") == 0
