"""The owner's dashboard in a real browser: added by clicking, read on every screen, used with the keyboard alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, StorageState, ViewportSize, expect

from rig.line import OUTLETS, OWNER, OWNER_PASSWORD, Line

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300), pytest.mark.browser]

SLOW = 60_000
CHARGED, IDLE = OUTLETS[1].title, OUTLETS[2].title
LOOKS: dict[str, tuple[str, Literal["light", "dark"], ViewportSize]] = {
    "desktop": ("en", "light", {"width": 1280, "height": 900}),
    "phone": ("ja", "dark", {"width": 390, "height": 844}),
}
VIEWS = {
    "now": {"en": ("Now", "No alarms."), "ja": ("現在", "警告はありません。")},
    "outlets": {"en": ("Outlets", IDLE), "ja": ("コンセント", IDLE)},
    "history": {"en": ("History", "Sessions"), "ja": ("履歴", "充電の一覧")},
    "environment": {"en": ("Environment", "kWh"), "ja": ("環境", "kWh")},
    "labels": {"en": ("Labels", "Labels"), "ja": ("ラベル", "ラベル")},
}
"""The tab of each view, and what stands in it when it is there."""
UNCLEAR = """async () => (await axe.run({ resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }))
  .violations.filter(({ impact }) => impact === "serious" || impact === "critical")
  .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))}`)"""
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
FOCUSED = """() => {
  let at = document.activeElement;
  while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (at.localName === "input") return `${at.type} field`;
  // Of a button of Home Assistant the words stand in the element around it.
  return `${at.localName} ${(at.getRootNode().host?.textContent || at.textContent).trim()}`;
}"""
WATCH_DRAWING = """(card) => {
  window.drawn = 0;
  new MutationObserver((changes) => { window.drawn += changes.length; }).observe(card.shadowRoot, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
}"""
OWN_DASHBOARD = """async () => {
  const { hass } = document.querySelector("home-assistant");
  const card = window.customCards.find(({ type }) => type === "konsento-outlet-card");
  const suggested = (id) => card.getEntitySuggestion(hass, id);
  const ours = Object.values(hass.entities).filter(({ platform }) => platform === "konsento");
  const energy = ours.find(({ translation_key: key }) => key === "lifetime_energy").entity_id;
  const site = ours.find(({ translation_key: key }) => key === "site_power").entity_id;
  if (suggested("sun.sun") || suggested(site)) throw new Error("suggested for what is no outlet");
  await hass.callWS({ type: "lovelace/dashboards/create", url_path: "my-own", title: "My own", mode: "storage" });
  const sections = [{ type: "grid", cards: [suggested(energy).config] }];
  const config = { views: [{ title: "Home", type: "sections", sections }] };
  await hass.callWS({ type: "lovelace/config/save", url_path: "my-own", config });
}"""


@dataclass
class Screen:
    """A browser window of the owner, and what went wrong in it."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note errors, and whatever is asked for from elsewhere: the dashboard works without the internet."""
        page = self.page
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "request",
            lambda request: (
                self.faults.append(request.url) if urlsplit(request.url).hostname not in {"127.0.0.1", None} else None
            ),
        )


@asynccontextmanager
async def _window(browser: Browser, look: str, state: StorageState | None = None) -> AsyncIterator[Screen]:
    language, scheme, size = LOOKS[look]
    context: BrowserContext = await browser.new_context(
        viewport=size, color_scheme=scheme, locale=language, storage_state=state, reduced_motion="reduce"
    )
    context.set_default_timeout(SLOW)
    await context.add_init_script(f"localStorage.selectedLanguage = JSON.stringify('{language}');")
    screen = Screen(await context.new_page())
    screen.watch()
    yield screen
    await context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(line: Line, browser: Browser, artefacts: Path) -> StorageState:
    """Sign in, add the dashboard by clicking, and return what a browser keeps of that."""
    async with _window(browser, "desktop") as screen:
        page = screen.page
        await page.goto(f"{line.home_assistant.url}/config/lovelace/dashboards")
        await page.locator('input[name="username"]').fill(OWNER)
        await page.locator('input[name="password"]').fill(OWNER_PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Add dashboard").click()
        choice = page.locator("dashboard-card").filter(has_text="Konsento")
        await expect(choice).to_contain_text("Builds itself from your sites", timeout=SLOW)
        await page.screenshot(path=artefacts / "dashboard-1-add.png")
        await choice.click()
        await page.get_by_role("button", name="Create").click()
        await page.get_by_role("link", name="Charging").first.click()
        await expect(page.get_by_text("Running sessions").first).to_be_visible(timeout=SLOW)
        assert screen.faults == []
        return await page.context.storage_state()


def _card(page: Page, outlet: str) -> Locator:
    return page.locator("konsento-outlet-card").filter(has_text=outlet)


@pytest.mark.parametrize("look", LOOKS)
async def test_every_view_can_be_read_by_everybody(
    line: Line, browser: Browser, owner: StorageState, artefacts: Path, look: str
) -> None:
    language = LOOKS[look][0]
    async with _window(browser, look, owner) as screen:
        page = screen.page
        await page.goto(f"{line.home_assistant.url}/dashboard-charging/now")
        await page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
        for name, words in VIEWS.items():
            tab, content = words[language]
            await page.get_by_role("tab", name=tab, exact=True).click()
            await expect(page.locator("#view").get_by_text(content).first).to_be_visible(timeout=SLOW)
            await expect(page.locator("hui-error-card")).to_have_count(0)
            await page.screenshot(path=artefacts / f"dashboard-2-{name}-{look}.png")
            screen.faults += [f"{name}: {fault}" for fault in await page.evaluate(UNCLEAR)]
            if await page.evaluate(SIDEWAYS):
                screen.faults.append(f"{name}: scrolls sideways")
        assert screen.faults == []


async def _tab_to(page: Page, what: str) -> None:
    """Press the tabulator until something has the focus."""
    for _ in range(20):
        if await page.evaluate(FOCUSED) == what:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{what} is not reached; the focus is at {await page.evaluate(FOCUSED)}")


async def test_a_session_is_started_watched_and_stopped_with_the_keyboard_alone(
    line: Line, browser: Browser, owner: StorageState, artefacts: Path
) -> None:
    async with _window(browser, "desktop", owner) as screen:
        page = screen.page
        await page.goto(f"{line.home_assistant.url}/dashboard-charging/outlets")
        card = _card(page, CHARGED)
        sentence = card.locator(".state")
        await expect(sentence).to_contain_text("Free", timeout=SLOW)
        await _card(page, IDLE).evaluate(WATCH_DRAWING)
        await card.get_by_role("button", name=CHARGED).focus()
        await _tab_to(page, "button Start session")
        await page.keyboard.press("Enter")
        dialog = page.locator("konsento-dialog ha-dialog")
        await expect(dialog.get_by_text(CHARGED)).to_be_visible(timeout=SLOW)
        await _tab_to(page, "number field")
        await page.keyboard.type("0.5")
        await page.screenshot(path=artefacts / "dashboard-3-start.png")
        await _tab_to(page, "button Start session")
        await page.keyboard.press("Enter")

        await expect(sentence).to_contain_text("Charging, until about", timeout=SLOW)
        await expect(dialog).to_have_count(0)
        await expect(card.get_by_role("meter", name="Energy")).to_have_attribute(
            "aria-valuetext", "0.00 kWh charged of 0.5 kWh"
        )
        await expect(card.get_by_role("meter", name="Time left")).to_have_attribute("aria-valuetext", "4 h left of 4 h")
        await expect(card.get_by_role("button", name="Power since")).to_be_visible()
        await expect(card.get_by_role("status")).to_contain_text("Charging")
        await page.screenshot(path=artefacts / "dashboard-4-charging.png")

        await _tab_to(page, "button Stop")
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_text("cannot be resumed")).to_be_visible(timeout=SLOW)
        await _tab_to(page, "button Stop")
        await page.keyboard.press("Enter")
        await expect(sentence).to_have_text("Free. Last session: Stopped on site", timeout=SLOW)
        await expect(dialog).to_have_count(0)
        await _tab_to(page, "button Start session")
        assert await page.evaluate("window.drawn") == 0, "a card was drawn though nothing of its outlet had changed"
        assert screen.faults == []


async def test_the_card_goes_onto_the_owners_own_dashboard_and_is_set_up_there(
    line: Line, browser: Browser, owner: StorageState, artefacts: Path
) -> None:
    async with _window(browser, "desktop", owner) as screen:
        page = screen.page
        await page.goto(f"{line.home_assistant.url}/dashboard-charging/now")
        await expect(page.locator("konsento-power-card")).to_be_visible(timeout=SLOW)
        await page.evaluate(OWN_DASHBOARD)
        await page.goto(f"{line.home_assistant.url}/my-own/0?edit=1")
        await page.locator("hui-card-edit-mode").first.click()
        editor = page.locator("konsento-outlet-card-editor")
        await expect(editor.get_by_text("Show buttons").first).to_be_visible(timeout=SLOW)
        await editor.get_by_role("textbox").fill("By the lift")
        await editor.get_by_role("switch").nth(1).press("Space")
        await expect(page.locator("hui-dialog-edit-card konsento-outlet-card")).to_contain_text("By the lift")
        await page.screenshot(path=artefacts / "dashboard-5-editor.png")
        await page.get_by_role("button", name="Save").click()
        card = page.locator("#view konsento-outlet-card")
        await expect(card).to_contain_text("By the lift", timeout=SLOW)
        await expect(card.get_by_role("button")).to_have_count(1)
        assert screen.faults == []
