"""History, environment and labels of the owner's dashboard, in a real browser, with what the line really did."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import httpx
import pypdfium2  # type: ignore[import-untyped]  # has no types
import pytest
import pytest_asyncio
import zxingcpp
from playwright.async_api import Browser, Page, StorageState, expect

from rig.line import OUTLETS, OWNER, OWNER_PASSWORD, Line
from rig.suppliers import CODES

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300), pytest.mark.browser]

SLOW = 60_000
CHARGED = OUTLETS[0].title
ENERGY_WH = 3
DASHBOARD = """async () => {
  const { hass } = document.querySelector("home-assistant");
  await hass.callWS({ type: "lovelace/dashboards/create", url_path: "my-views", title: "Views", mode: "storage" });
  const config = { strategy: { type: "custom:konsento" } };
  await hass.callWS({ type: "lovelace/config/save", url_path: "my-views", config });
}"""
CHARGE = """async ([outlet, energy]) => {
  const { hass } = document.querySelector("home-assistant");
  const { sites } = await hass.callWS({ type: "konsento/sites" });
  const device = sites[0].outlets.find(({ title }) => title === outlet).device_id;
  await hass.callService("konsento", "start_session", { device_id: device, energy });
}"""
UNCLEAR = """async () => (await axe.run({ resultTypes: ["violations"] })).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))}`)"""
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(line: Line, browser: Browser) -> StorageState:
    """Sign in, make the dashboard, charge a car of the house; return what a browser keeps of that."""
    context = await browser.new_context(locale="en")
    page = await context.new_page()
    page.set_default_timeout(SLOW)
    await page.goto(f"{line.home_assistant.url}/config/info")
    await page.locator('input[name="username"]').fill(OWNER)
    await page.locator('input[name="password"]').fill(OWNER_PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_function("document.querySelector('home-assistant')?.hass?.states")
    await page.evaluate(DASHBOARD)
    await page.evaluate(CHARGE, [CHARGED, ENERGY_WH / 1000])
    state = await context.storage_state()
    await context.close()
    return state


@asynccontextmanager
async def _view(line: Line, browser: Browser, owner: StorageState, name: str, language: str) -> AsyncIterator[Page]:
    """Open a view: in English on a desk and by day, in Japanese on a phone and at night."""
    phone = language == "ja"
    context = await browser.new_context(
        viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 900},
        color_scheme="dark" if phone else "light",
        locale=language,
        storage_state=owner,
    )
    context.set_default_timeout(SLOW)
    await context.add_init_script(f"localStorage.selectedLanguage = JSON.stringify('{language}');")
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(f"{line.home_assistant.url}/my-views/{name}")
    yield page
    await page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
    assert [*faults, *await page.evaluate(UNCLEAR)] == []
    assert not await page.evaluate(SIDEWAYS)
    await context.close()


async def test_what_was_charged_is_in_the_history_and_in_the_file_for_the_bookkeeper(
    line: Line, browser: Browser, owner: StorageState, artefacts: Path
) -> None:
    async with _view(line, browser, owner, "history", "en") as page:
        row = page.get_by_role("row").filter(has_text=CHARGED).filter(has_text="Own use").first
        # It ends by itself within seconds.
        for _ in range(20):
            await expect(row).to_be_visible(timeout=SLOW)
            if "Energy limit reached" in await row.inner_text():
                break
            await page.reload()
        await expect(row).to_contain_text("0.003")
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Download CSV").click()
        text = (await (await downloading.value).path()).read_text(encoding="utf-8-sig")
        listed = [each for each in csv.DictReader(io.StringIO(text)) if each["Outlet"] == CHARGED]
        assert f"{ENERGY_WH / 1000:.3f}" in {each["Energy (kWh)"] for each in listed}
        await page.get_by_text("Show as table").click()
        assert await page.get_by_role("row").filter(has_text="0.0").count() > 0
        await page.get_by_role("button", name="Energy (kWh)").click()
        await expect(page.get_by_role("columnheader", name="Energy (kWh)")).to_have_attribute("aria-sort", "descending")
        await page.screenshot(path=artefacts / "views-1-history.png", full_page=True)


async def test_the_environment_says_what_the_energy_caused(
    line: Line, browser: Browser, owner: StorageState, artefacts: Path
) -> None:
    async with _view(line, browser, owner, "environment", "ja") as page:
        await expect(page.get_by_text("423 g/kWh")).to_be_visible(timeout=SLOW)
        await expect(page.get_by_role("cell", name="指定なし").first).to_be_visible()
        await expect(page.get_by_text("送信済み（31日間）")).to_be_visible()
        await page.screenshot(path=artefacts / "views-2-environment.png", full_page=True)


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_a_printed_label_leads_to_its_outlet(
    line: Line, browser: Browser, owner: StorageState, artefacts: Path, language: str
) -> None:
    async with _view(line, browser, owner, "labels", language) as page:
        opener = {"en": "Open the sheet to print", "ja": "印刷用のページを開く"}[language]
        await expect(page.get_by_role("button", name=opener)).to_be_enabled(timeout=SLOW)
        async with page.expect_popup() as opening:
            await page.get_by_role("button", name=opener).click()
        sheet = await opening.value
        await expect(sheet.locator(".label")).to_have_count(len(OUTLETS))
        paper = artefacts / f"views-3-labels-{language}.pdf"
        await sheet.pdf(path=paper, prefer_css_page_size=True)
        await page.screenshot(path=artefacts / f"views-3-labels-{language}.png", full_page=True)

    (printed,) = pypdfium2.PdfDocument(paper)
    assert [round(points / 72 * 25.4) for points in printed.get_size()] == [210, 297]
    scanned = {code.text for code in zxingcpp.read_barcodes(printed.render(scale=200 / 72).to_pil())}
    assert scanned == {f"{line.server.public_url}/o/{code}".upper() for code in CODES}
    async with httpx.AsyncClient(follow_redirects=True) as client:
        page_of_it = await client.get(f"{line.server.url}/O/{CODES[0]}")
    assert CHARGED in page_of_it.text
