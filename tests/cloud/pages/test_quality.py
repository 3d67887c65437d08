"""Pages are light, hold still, can be read by everybody, and are wholly in the reader's language."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from babel import Locale
from playwright.async_api import Browser, Page, Response

from konsento.kit.i18n import LANGUAGES, Language

from ..web.conftest import CODE
from .conftest import Stage, phone, picture, unclear
from .walk import driver_screens, program_screens, reference_screens, staff_screens

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300), pytest.mark.browser]

HEAVIEST_BYTES = 150_000
MOST_ELEMENTS = {"driver": 1000, "program": 1000, "staff": 1000, "reference": 2000}
MOST_REQUESTS = 15
"""Of a screen without a cache; some are two pages on the way to it."""
FIRST_PAINT_MS = 3000
"""Twice what was measured on a busy machine; 3 s are also the limit of "slow" of Lighthouse."""
SMALLEST_PX = 44
"""What a thumb hits (WCAG 2.5.5)."""
type Walk = Callable[[Stage, Page, str], AsyncIterator[str]]
WALKS: dict[str, Walk] = {
    "driver": driver_screens,
    "program": program_screens,
    "reference": reference_screens,
    "staff": staff_screens,
}
LOOKS = {
    "driver": [("en-GB", False, 390), ("ja-JP", True, 320)],
    "program": [("en-GB", False, 390), ("ja-JP", True, 1280)],
    "reference": [("en-GB", False, 320), ("en-GB", True, 1280)],
    "staff": [("en-GB", True, 1280), ("ja-JP", False, 390)],
}
"""Language, dark mode and width of the screen."""

WATCH_SHIFTS = """
window.__shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
TEXTS = r"""() => {
  const found = [];
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent.closest("script, style, noscript, [lang]:not(html), [translate=no], .key, pre")) continue;
    found.push(walker.currentNode.textContent);
  }
  for (const one of document.querySelectorAll("[aria-label], [placeholder], [alt], [title]")) {
    if (one.closest("[lang]:not(html), [translate=no]")) continue;
    for (const name of ["aria-label", "placeholder", "alt", "title"]) found.push(one.getAttribute(name) ?? "");
  }
  return found.map((text) => text.trim()).filter((text) => text);
}"""
SMALL = r"""(smallest) => {
  const small = [];
  for (const one of document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")) {
    // Links within a sentence are exempt, and what is reached by the keyboard alone.
    if (one.closest("p:not(.links), .skip") || !one.checkVisibility()) continue;
    const target = one.type === "radio" || one.type === "checkbox" ? one.closest("label") ?? one : one;
    const { width, height } = target.getBoundingClientRect();
    const what = `${target.outerHTML.slice(0, 90)} ${width}×${height}`;
    if (Math.round(height) < smallest || Math.round(width) < 24) small.push(what);
  }
  return small;
}"""
# The reader's own size of text, twice the usual one.
DOUBLED = "(size) => { document.documentElement.style.fontSize = size; }"
# A picture of a whole page has no bottom of a screen to which the button could stick.
STICKS = "(how) => document.querySelectorAll('.actions').forEach((one) => { one.style.position = how; })"
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@dataclass
class Faults:
    """What is wrong with the screens of a walk."""

    walk: str
    found: list[str] = field(default_factory=list)

    async def look(self, page: Page, name: str, shot: str, loaded: list[Response]) -> None:
        """Measure the screen that is open."""
        await page.evaluate(SETTLED)
        await page.evaluate(STICKS, "static")
        await picture(page, shot)
        await page.evaluate(STICKS, "")
        weight = sum([(await response.request.sizes())["responseBodySize"] for response in loaded])
        if weight > HEAVIEST_BYTES:
            self.found.append(f"{name}: {weight} bytes")
        if len(loaded) > MOST_REQUESTS:
            self.found.append(f"{name}: {len(loaded)} requests")
        if (shift := await page.evaluate("window.__shift")) > 0.01:
            self.found.append(f"{name}: the layout jumps by {shift}")
        if (elements := await page.evaluate("document.querySelectorAll('*').length")) > MOST_ELEMENTS[self.walk]:
            self.found.append(f"{name}: {elements} elements")
        if await page.evaluate(SIDEWAYS):
            self.found.append(f"{name}: scrolls sideways")
        if self.walk == "driver":
            await self._look_at_thumbs(page, name)
        self.found += [f"{name}: {fault}" for fault in await unclear(page)]

    async def _look_at_thumbs(self, page: Page, name: str) -> None:
        if small := await page.evaluate(SMALL, SMALLEST_PX):
            self.found.append(f"{name}: smaller than a thumb: {small}")
        await page.evaluate(DOUBLED, "200%")
        if await page.evaluate(SIDEWAYS):
            self.found.append(f"{name}: scrolls sideways with text of twice the size")
        await page.evaluate(DOUBLED, "")


@pytest.mark.parametrize(
    ("walk", "locale", "dark", "width"), [(walk, *look) for walk, looks in LOOKS.items() for look in looks]
)
async def test_every_screen_is_light_still_and_accessible(
    stage: Stage, browser: Browser, walk: str, locale: str, *, dark: bool, width: int
) -> None:
    faults = Faults(walk)
    async with await phone(browser, locale, dark=dark, width=width) as context:
        await context.add_init_script(WATCH_SHIFTS)
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
        loaded: list[Response] = []
        page.on("response", lambda response: _note(response, loaded))
        page.on("pageerror", lambda error: faults.found.append(f"{page.url}: {error}"))
        async for name in WALKS[walk](stage, page, f"{locale}-{dark}-{width}@example.com"):
            await faults.look(page, name, f"{walk}-{locale[:2]}-{width}-{name}", loaded)

    assert faults.found == [], "\n".join(faults.found)


async def test_a_slow_phone_paints_the_outlet_before_anybody_wonders(stage: Stage, browser: Browser) -> None:
    """A processor of a quarter of this one's speed, 1.6 Mbit/s and 150 ms away: Lighthouse's slow 4G."""
    async with await phone(browser, "ja-JP") as context:
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        line = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
        await devtools.send("Network.enable")
        await devtools.send("Network.emulateNetworkConditions", line)
        for path in (f"/o/{CODE}", f"/o/{CODE}/choose"):
            await page.goto(f"{stage.url}{path}")
            await page.evaluate(SETTLED)
            painted = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")

            assert painted < FIRST_PAINT_MS


def _note(response: Response, loaded: list[Response]) -> None:
    if response.request.is_navigation_request():
        loaded.clear()  # another screen, with all that belongs to it
    if "text/event-stream" not in response.headers.get("content-type", ""):
        loaded.append(response)


class _Marking(Mapping[str, str]):
    """A catalogue that has every text, marked."""

    def __getitem__(self, message: str) -> str:
        return f"⟦{message}⟧"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.fixture
def marking() -> Iterator[None]:
    """A language `xx` in which every translated text stands in brackets."""
    english = LANGUAGES.default
    marked = Language(code="xx", name="xx", numbers=Locale("en"), dates=Locale("en", "GB"), messages=_Marking())
    by_code: dict[str, Language] = LANGUAGES._by_code
    by_code["xx"] = marked
    yield
    del by_code["xx"]
    assert LANGUAGES.default is english


# Names that the operator or the driver gave, units, and numbers in the forms of a language.
GIVEN = (
    r"konsento|Sakura|sakura-mall|Energy|Mall|car park|Outlet \d, north wall|Setagaya, Tokyo|Asia/Tokyo|UTC|JST",
    r"Tokyo|JP-A\d\d",
    r"No\. \d|Minato Mall|Japan|Kaze Denki|Kaze Power|Hi Power|kps_\S+|KONSENTO_PUBLIC_URL|https?://\S+|K3VQ5B2XJ6M7",
    r"(?:guest-)?xx-\w+@example\.com|K7F-?29Q|M4X-?R8T|ZZZZZZ|JPY|k?Wh?|m?Wh|V|g|kg|CO₂|h|min|m?s|KiB|MiB|GiB|CSV|T\d{13}",
    r"JP-A\d\d|Tokyo|MW|forecast [0-9a-f-]{36}|PDF|K-\d{4}-\d{6}|Mon|Tue|Wed|Thu|Fri|Sat|Sun|SUNNY10|Sunny days",
    r"Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?",
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?|[0-9a-f-]{36}",
)
# What the people of the back office know by the names that OCPP and this program have for it.
TECHNICAL = (
    r"ocpp2\.\d(?:\.1)?|[A-Z]\w+\.[A-Z]\w+(?:\.[A-Z]\w+)?|Charging|MeterValuePeriodic|overcurrent|staff\.enrol",
    r"sales@kaze\.example|pi_\S+|lost_or_stolen_card|by-time|demo|roof|wind",
    r"development|sqlite|staff\.enrol|driver\.|TransactionEvent|RequestStartTransaction|(?:station|site)\.\w+",
)
# Names of events, as the API has them, and the address that the walk types.
EVENTS = (r"webhook\.test|http://localhost:\d+/healthz|http://10\.0\.0\.1/|whsec_\S+|kon_\w+|https://|start",)
DATA = {"driver": "|".join(GIVEN), "program": "|".join((*EVENTS, *GIVEN)), "staff": "|".join((*GIVEN, *TECHNICAL))}


@pytest.mark.parametrize("walk", DATA)
async def test_no_screen_shows_a_text_that_cannot_be_translated(
    stage: Stage, browser: Browser, walk: str, marking: None
) -> None:
    untranslated: dict[str, str] = {}
    async with await phone(browser, "en") as context:
        await context.add_cookies([{"name": "konsento_language", "value": "xx", "url": stage.url}])
        page = await context.new_page()
        async for name in WALKS[walk](stage, page, "xx-driver@example.com"):
            texts: list[Any] = await page.evaluate(TEXTS)
            for text in [*texts, (await page.title()).removesuffix("· konsento")]:
                # Marked texts may stand in each other; what is left of a text has no letters.
                left = text
                while (less := re.sub(r"⟦[^⟦⟧]*⟧", "", left)) != left:
                    left = less
                words = re.sub(rf"(?<![A-Za-z])(?:{DATA[walk]})(?![A-Za-z])", "", left)
                if re.search(r"[A-Za-z]{2}", words):
                    untranslated.setdefault(text, name)

    assert untranslated == {}, "\n".join(f"{name}: {text}" for text, name in untranslated.items())
