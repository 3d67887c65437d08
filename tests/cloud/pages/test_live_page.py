"""The page of a session shows the truth, whatever becomes of the phone, the network, the server or another tab."""

import re
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from ..web.conftest import CODE, PASSWORD
from .conftest import Stage, phone

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]


async def charging(stage: Stage, context: BrowserContext, *, amount: str = "6") -> Page:
    """Sign up, start, and stay on the page of the session."""
    page = await context.new_page()
    await page.goto(f"{stage.url}/signup")
    await page.fill("#email", "ann@example.com")
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(r"/$"))
    await page.goto(f"{stage.url}/o/{CODE}/confirm?kind=energy&amount={amount}")
    await page.click('form[action$="/start"] button')
    await page.wait_for_url(re.compile(r"/s/"))
    await stage.bench.site.reports("0")
    return page


async def nowhere(_route: Route) -> None:
    """Swallow a request: neither an answer nor an error, as a proxy that holds a stream back."""


async def test_a_stream_that_is_refused_is_replaced_by_questions(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB") as context:
        await context.route("**/events", lambda route: route.fulfill(status=502))
        page = await charging(stage, context)

        await stage.bench.site.reports("3000", seconds=3600)

        await expect(page.locator('[data-live="energy"]')).to_have_text("3.00")


async def test_a_stream_that_is_held_back_is_noticed(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB") as context:
        await context.route("**/events", nowhere)
        page = await charging(stage, context)
        await page.clock.install()
        await page.reload()
        await stage.bench.site.reports("3000", seconds=3600)

        await page.clock.fast_forward(21_000)

        await expect(page.locator('[data-live="energy"]')).to_have_text("3.00")
        await expect(page.locator(".age")).to_have_text("")


async def test_a_phone_that_slept_for_an_hour_shows_the_end_when_it_wakes(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB") as context:
        await context.route("**/events", nowhere)
        page = await charging(stage, context)
        await page.clock.install()
        await page.reload()
        await stage.bench.site.reports("6000.2", seconds=7200, watts=0, ended="EnergyLimitReached")
        await stage.bench.services.work.drain()

        await page.clock.fast_forward(3_600_000)
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

        await expect(page.locator("h1")).to_have_text("Thank you. ¥231 for 6.00\u00a0kWh.")


async def test_while_the_server_is_started_anew_the_age_is_told_and_then_the_page_goes_on(
    stage: Stage, browser: Browser
) -> None:
    async with await phone(browser, "en-GB") as context:
        page = await charging(stage, context)
        await page.clock.install()
        await page.reload()
        await expect(page.locator("h1")).to_contain_text("Charging")
        await stage.stop()
        await page.clock.fast_forward(300_000)
        age = page.locator(".age")
        await expect(age).to_have_text(re.compile(r"^No connection to us: these numbers are [56] min old\."))

        await stage.start()
        await stage.bench.site.reports("3000", seconds=3600)
        await page.clock.run_for(2500)

        await expect(page.locator('[data-live="energy"]')).to_have_text("3.00")
        await expect(age).to_have_text("")


async def test_a_phone_whose_clock_is_wrong_by_hours_shows_the_outlets_time(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB") as context:
        page = await charging(stage, context)
        await page.clock.install(time=datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
        await page.reload()

        await stage.bench.site.reports("3720", seconds=4464, watts=2910)

        await expect(page.locator("h1")).to_have_text("Charging. Done at about 12:59.")
        await expect(page.locator(".age")).to_have_text("")


async def test_two_tabs_that_stop_at_once_stop_once_and_both_show_the_bill(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB") as context:
        one = await charging(stage, context)
        session = one.url
        two = await context.new_page()
        for page in (one, two):
            await page.goto(f"{session}/stop")
        for page in (one, two):
            await page.click("main button[type=submit]")
            await page.wait_for_url(session)
            await expect(page.locator("h1")).to_have_text("Stopping.")

        await stage.bench.site.reports("1000", seconds=1200, watts=0, ended="Remote")
        await stage.bench.services.work.drain()

        for page in (one, two):
            await expect(page.locator("h1")).to_have_text("Thank you. ¥38 for 1.00\u00a0kWh.")
        # Back in either tab leads to no form that would stop what is over.
        await one.go_back()
        await expect(one.locator("h1")).to_have_text("Thank you. ¥38 for 1.00\u00a0kWh.")


async def test_the_whole_way_without_scripts(stage: Stage, browser: Browser) -> None:
    async with await browser.new_context(java_script_enabled=False, locale="en-GB") as context:
        page = await context.new_page()
        await page.goto(f"{stage.url}/guest?next=/o/{CODE}")
        await page.fill("#email", "guest@example.com")
        await page.click("main button[type=submit]")
        await page.click("text=Choose how much")
        await page.locator(".kinds label", has_text="Time").click()
        await page.fill("#amount", "90")
        await page.click("main noscript button")
        await expect(page.locator(".estimate")).to_have_text("about 4.50\u00a0kWh · about ¥173")
        await page.click("text=See the price: about ¥173")
        await page.click("text=Start · about ¥173")
        session = page.url
        await stage.bench.site.reports("0")
        await stage.bench.site.reports("3000", seconds=3600)
        await page.goto(session)
        await expect(page.locator("h1")).to_have_text("Charging. Done at about 12:28.")
        await page.click("text=Change the limit")
        await page.fill("#amount", "120")
        await page.click("main noscript button")
        await expect(page.locator(".estimate")).to_contain_text(
            "In all, from the start: 6.00\u00a0kWh, 2\u00a0h, ¥231."
        )
        await page.click("main .actions button")
        await expect(page.locator("main")).to_contain_text("The limit is being changed: 2\u00a0h.")
        await page.click("text=Stop charging")
        await page.click("text=Stop now")
        await stage.bench.site.reports("3100", seconds=3720, watts=0, ended="Remote")
        await stage.bench.services.work.drain()
        # The page asks again by itself.
        await expect(page.locator("h1")).to_have_text("Thank you. ¥119 for 3.10\u00a0kWh.")
