"""Two suppliers' servers, the portal of both, and one real site, in a driver's browser."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from rig.line import Line
from rig.neighbours import Neighbours
from rig.server import ManagementServer
from rig.suppliers import CODES, KAZE, SAKURA

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180), pytest.mark.browser]

OUTLET = f"/o/{CODES[0]}"
KAZE_OUTLET = f"/o/{KAZE.codes[0]}"


@pytest.fixture
def shared(fragile_line: Line) -> Line:
    """A line whose site is linked to two suppliers."""
    return fragile_line


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A phone."""
    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    page = await context.new_page()
    yield page
    await context.close()


def _kaze(line: Line) -> Neighbours:
    assert line.neighbours is not None
    return line.neighbours


def _sessions(server: ManagementServer, folder: Path) -> list[tuple[str, str, str, int]]:
    """Return state, supplier, power type and energy of all sessions of a server."""
    with closing(sqlite3.connect(folder / "konsento.sqlite3")) as database:
        return list(database.execute("SELECT state, supplier, power_type, delivered_mwh FROM charging_sessions"))


async def _other_prices_shown(page: Page, address: str) -> None:
    """Look at an outlet's page until the other supplier's prices are there: nobody waits for them."""
    async with asyncio.timeout(60):
        await page.goto(address)
        while not await page.locator(".suppliers a").count():
            await asyncio.sleep(0.5)
            await page.goto(address)


async def _look(page: Page, shot: Path) -> None:
    await page.screenshot(path=f"{shot}.png", full_page=True)
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"{shot.name} scrolls sideways"


async def test_a_driver_chooses_in_the_portal_and_charges_at_the_second_supplier(
    shared: Line, browser: Browser, page: Page, artefacts: Path
) -> None:
    kaze = _kaze(shared)
    at_the_first = _sessions(shared.server, shared.folder / "server")
    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    at_sakura = await context.new_page()

    await page.goto(f"{kaze.portal_url}/")
    await page.fill("#code", CODES[0])
    await page.click("button")
    await expect(page.locator(".supplier")).to_have_count(2)
    await expect(page.locator(".offer").nth(0)).to_contain_text("¥3,850 / kWh")
    await _look(page, artefacts / "suppliers-portal")
    assert await page.context.cookies() == []
    await page.locator(".supplier", has_text=KAZE.name).locator(".offer").click()

    await page.wait_for_url(re.compile(re.escape(kaze.server.public_url + KAZE_OUTLET)))
    await expect(page.locator("main")).to_contain_text("You came from Setagaya Charging.")
    await expect(page.locator("header .brand")).to_have_attribute("href", f"{kaze.portal_url}{OUTLET}")
    await _look(page, artefacts / "suppliers-arrived")
    await page.locator(f'a[href^="{KAZE_OUTLET}/choose"]').click()
    await page.locator('input[name="amount"]').fill("0.012")
    await page.locator("form button[type=submit]").last.click()
    await page.wait_for_url(re.compile("/confirm"))
    await page.locator('a[href^="/guest"]').click()
    await page.fill("#email", "guest@example.com")
    await page.locator("main button[type=submit]").click()
    await page.wait_for_url(re.compile("/confirm"))
    await page.locator('form[action$="/start"] button').last.click()
    await page.wait_for_url(re.compile("/s/"))

    await at_sakura.goto(f"{shared.server.public_url}{OUTLET}")
    await expect(at_sakura.locator("h1")).to_have_text("This outlet is in use.", timeout=60_000)
    await _look(at_sakura, artefacts / "suppliers-busy")
    await at_sakura.goto(f"{kaze.portal_url}{OUTLET}?fresh")
    await expect(page.locator("[data-receipt]")).to_be_visible(timeout=60_000)

    await expect(page.locator("main")).to_contain_text("¥40")
    assert _sessions(shared.server, shared.folder / "server") == at_the_first
    ((state, supplier, power_type, delivered),) = _sessions(kaze.server, shared.folder / "kaze")
    assert (state, supplier, power_type) == ("settled", KAZE.name, "wind")
    assert delivered == pytest.approx(12_000, abs=500)
    await expect(at_sakura.locator("body")).to_be_visible()
    await at_sakura.goto(f"{shared.server.public_url}{OUTLET}")
    await expect(at_sakura.locator("h1")).to_have_text("This outlet is free.", timeout=60_000)
    await context.close()


async def test_a_driver_goes_over_from_one_suppliers_page_with_what_was_chosen_there(
    shared: Line, page: Page, artefacts: Path
) -> None:
    kaze = _kaze(shared)
    begin = f"{shared.server.public_url}{OUTLET}?kind=time&amount=45&lang=ja"
    await _other_prices_shown(page, begin)
    await _look(page, artefacts / "suppliers-others-ja")

    await page.locator(".suppliers a", has_text=KAZE.name).click()
    await page.wait_for_url(re.compile(re.escape(kaze.server.public_url)))

    await expect(page.locator("html")).to_have_attribute("lang", "ja")
    await expect(page.locator("header .brand")).to_have_text(f"‹ {SAKURA.name}")
    await page.locator(f'a[href^="{KAZE_OUTLET}/choose"]').click()
    await expect(page.locator('input[name="amount"]')).to_have_value("45")
    await expect(page.locator("#kind-time")).to_be_checked()
    await page.go_back()
    await page.locator("header .brand").click()
    await page.wait_for_url(re.compile(re.escape(shared.server.public_url + OUTLET)))


async def test_a_link_that_was_changed_leads_to_the_plain_page_and_nowhere_else(shared: Line) -> None:
    kaze = _kaze(shared)
    async with httpx.AsyncClient(headers={"Accept-Language": "en"}) as http:
        over = await http.get(f"{kaze.portal_url}{OUTLET}/kaze?offer=wind")
        assert over.status_code == 303
        good = await http.get(over.headers["location"])
        again = await http.get(over.headers["location"])
        bad = await http.get(over.headers["location"][:-20] + "A" * 20)

    assert good.status_code == again.status_code == bad.status_code == 200
    assert "You came from Setagaya Charging." in good.text
    assert "You came from Setagaya Charging." in again.text
    assert "was changed or is not for this outlet" in bad.text
    assert kaze.portal_url not in bad.text


async def test_with_the_second_supplier_down_the_first_one_goes_on(shared: Line, page: Page, artefacts: Path) -> None:
    kaze = _kaze(shared)
    await kaze.server.process.kill()
    async with httpx.AsyncClient(headers={"Accept-Language": "en"}, timeout=30) as http:
        portal = await http.get(f"{kaze.portal_url}/o/{CODES[1]}")
        sakura = await http.get(f"{shared.server.public_url}/o/{CODES[1]}")

    await page.goto(f"{kaze.portal_url}/o/{CODES[1]}")
    await _look(page, artefacts / "suppliers-one-down")
    assert "Its server cannot be reached" in portal.text
    assert "¥3,850 / kWh" in portal.text
    assert "This outlet is free." in sakura.text
    await kaze.server.start()
    await kaze.server.ready()
