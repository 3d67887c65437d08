"""The owner of a site in Home Assistant's pages: clicks and typing, as a person does it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect

PATIENCE_MS = 90_000
"""A new Home Assistant on a busy machine answers late."""
WORDS: Mapping[str, Mapping[str, str]] = {
    "en-US": {
        "add": "Add integration",
        "add_outlet": "Add outlet",
        "another": "Set up another instance of Konsento",
        "configure": "Configure",
        "finish": "Finish",
        "guarded": "An outlet with the Konsento firmware",
        "link_server": "Link management server",
        "measurements": "Measurements",
        "menu": "Menu",
        "numbers": "Sessions and meters",
        "search_brand": "Search for a brand name",
        "submit": "Submit",
    },
    "ja-JP": {
        "add": "統合を追加",
        "add_outlet": "コンセントを追加",
        "another": "Konsento の別のインスタンスをセットアップ",
        "configure": "設定",
        "finish": "終了",
        "guarded": "Konsento ファームウェアのコンセント",
        "link_server": "管理サーバーに接続",
        "measurements": "測定値",
        "menu": "メニュー",
        "numbers": "充電とメーター",
        "search_brand": "ブランド名で検索",
        "submit": "送信",
    },
}
"""What stands on the buttons, by the language of the browser."""


@dataclass(kw_only=True)
class Owner:
    """One browser window. Pictures of what it shows are kept under names that begin with `shot`."""

    page: Page
    url: str
    words: Mapping[str, str]
    shot: Path

    @classmethod
    async def open(cls, browser: Browser, url: str, shot: Path, locale: str = "en-US") -> Owner:
        """Open a window in one of the languages of WORDS."""
        context = await browser.new_context(viewport={"width": 1280, "height": 860}, locale=locale)
        context.set_default_timeout(PATIENCE_MS)
        return cls(page=await context.new_page(), url=url, words=WORDS[locale], shot=shot)

    async def close(self) -> None:
        """Close the window."""
        await self.page.context.close()

    # --- what is seen

    @property
    def dialog(self) -> Locator:
        """The frame of the form that is open; what stands in it is put there from elsewhere, and found by the page."""
        return self.page.locator("dialog[open]").last

    async def picture(self, name: str, what: Locator, height: float | None = None) -> None:
        """Keep a picture of a part when it has come to rest, of its upper `height` pixels if it is given."""
        # A slide or a ripple in a shadow root is no animation of the document.
        await self.page.wait_for_timeout(500)
        path = f"{self.shot}-{name}.png"
        box = await what.bounding_box()
        if height is None or box is None:
            await what.screenshot(path=path, animations="disabled")
        else:
            await self.page.screenshot(path=path, clip={**box, "height": height}, animations="disabled")

    # --- what is done

    async def sign_up(self, name: str, password: str) -> None:
        """Walk through the welcome of a new Home Assistant."""
        page = self.page
        await page.goto(self.url)
        await page.get_by_role("button", name="Create my smart home").click()
        await page.locator('input[name="name"]').fill(name.capitalize())
        await page.locator('input[name="username"]').fill(name)
        await page.locator('input[name="password"]').fill(password)
        await page.locator('input[name="password_confirm"]').fill(password)
        await page.get_by_role("button", name="Create account").click()
        # Where the home is and what may be told about it: as it is proposed.
        for question in ("Home location", "the country your home is in", "Help us help you"):
            await expect(page.get_by_text(question)).to_be_visible(timeout=PATIENCE_MS)
            await page.get_by_role("button", name="Next").click()
        await page.get_by_role("button", name="Finish").click()
        await expect(page).not_to_have_url(re.compile("onboarding|auth_callback"), timeout=PATIENCE_MS)

    async def sign_in(self, name: str, password: str) -> None:
        """Sign in and open the page of the integration."""
        page = self.page
        await self.go_to_integration()
        await page.locator('input[name="username"]').fill(name)
        await page.locator('input[name="password"]').fill(password)
        await page.keyboard.press("Enter")

    async def go_to_integration(self) -> None:
        """Open the page of the integration."""
        await self.page.goto(f"{self.url}/config/integrations/integration/konsento")

    async def press(self, word: str) -> None:
        """Press the button with this word on it."""
        await self.page.get_by_role("button", name=self.words[word]).click()

    async def choose(self, word: str) -> None:
        """Choose from a menu in a dialog."""
        await self.page.get_by_text(self.words[word], exact=True).last.click()

    async def fill(self, field: str, value: str) -> None:
        """Type into a field of the open form."""
        await self.page.locator(f'input[name="{field}"]').fill(value)

    async def submit(self) -> None:
        """Send the open form."""
        await self.page.get_by_role("button", name=self.words["submit"]).click()

    async def finish(self) -> None:
        """Close the form that has succeeded."""
        await self.page.get_by_role("button", name=self.words["finish"]).click()
        await expect(self.page.locator("dialog[open]")).to_have_count(0, timeout=PATIENCE_MS)

    async def find_integration(self) -> None:
        """Look for the integration among all that there are, and begin to set it up."""
        page = self.page
        await page.goto(f"{self.url}/config/integrations/dashboard")
        await self.press("add")
        await page.get_by_placeholder(self.words["search_brand"]).fill("Konsento")
        found = page.get_by_role("listitem").get_by_role("button", name="Konsento", exact=True)
        await expect(found).to_be_visible(timeout=PATIENCE_MS)
        await self.picture("1-find", self.dialog, 240)
        await found.click()
        # Outlets that have announced themselves are offered first.
        another = page.get_by_text(self.words["another"])
        await expect(another.or_(page.locator('input[name="name"]')).first).to_be_visible(timeout=PATIENCE_MS)
        if await another.count():
            await another.click()

    def site(self, name: str) -> Locator:
        """Return a site on the page of the integration, with all that belongs to it."""
        return self.page.locator("ha-config-entry-row").filter(has_text=name).first

    async def open_settings(self, site: str, word: str) -> None:
        """Open a form of the settings of a site."""
        await self.site(site).get_by_label(self.words["configure"]).first.click()
        await self.choose(word)
