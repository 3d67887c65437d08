"""A walk through every screen of a driver. Each step leads to a screen and names it."""

import re
from collections.abc import AsyncIterator

from playwright.async_api import Page

from konsento.models import OutletStatus

from ..web.conftest import CODE, PASSWORD
from .conftest import Stage


async def driver_screens(stage: Stage, page: Page, email: str) -> AsyncIterator[str]:
    """Walk as a driver who comes for the first time; yields the name of each screen when it is there."""
    site = stage.bench.site

    async def at(path: str) -> None:
        await page.goto(f"{stage.url}{path}")

    await at("/")
    yield "start"
    await at("/?code=ZZZZZZ")
    yield "unknown-code"
    await at(f"/o/{CODE}")
    yield "outlet"
    await at("/signup")
    yield "sign-up"
    await page.fill("#email", email)
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(r"/$"))
    await at(f"/o/{CODE}/choose")
    yield "choose"
    await at(f"/o/{CODE}/confirm?kind=energy&amount=x")
    yield "choose-mistake"
    await at(f"/o/{CODE}/confirm?kind=energy&amount=6")
    yield "price"
    await page.click('form[action$="/start"] button')
    await page.wait_for_url(re.compile(r"/s/"))
    session = page.url.removeprefix(stage.url)
    await site.reports("0")
    await site.reports("3720", seconds=4464, watts=2910)
    await at(session)
    yield "charging"
    await at(f"/o/{CODE}")
    yield "outlet-mine"
    await at(f"{session}/stop")
    yield "stop"
    await site.reports("6000.2", seconds=7200, watts=0, ended="EnergyLimitReached")
    await at(session)
    yield "ended"
    await stage.bench.services.work.drain()
    # The page itself goes over to the receipt.
    await page.wait_for_selector("[data-receipt]")
    yield "receipt"
    await at("/history")
    yield "history"
    site.refuses = "OutletFaulted"
    await at(f"/o/{CODE}/confirm?kind=time&amount=20")
    await page.click('form[action$="/start"] button')
    await page.wait_for_load_state()
    site.refuses = ""
    yield "not-started"
    await stage.bench.outlet_is(OutletStatus.FAULTED)
    await at(f"/o/{CODE}")
    yield "out-of-order"
    await stage.bench.outlet_is(OutletStatus.AVAILABLE)
    await at("/no/such/page")
    yield "nothing-here"
