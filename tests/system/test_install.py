"""A site as its owner sets it up: the folder that HACS copies, a new Home Assistant, and Chromium. No file, no shell.

With KONSENTO_PICTURES set, the pictures of docs/start.md are made anew (`make pictures`).
"""

import json
import os
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, expect

from rig.home_assistant import NewHomeAssistant
from rig.line import OUTLETS, Line
from rig.outlet import Outlet, build
from rig.paths import ROOT
from rig.suppliers import SAKURA, provisioning

from .driving import path_of_a_driver
from .owner import PATIENCE_MS, Owner

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300), pytest.mark.browser]

NAME, PASSWORD = "owner", "demo-owner"
SITE = "Kita car park"
OUTLET = "Outlet 1, by the gate"
STATION, STATION_PASSWORD = "kita-car-park", secrets.token_hex(12)
CODE = "TA8MXW"
PICTURES = ROOT / "docs/images/start"


@dataclass(kw_only=True)
class Place:
    """What an owner begins with: a plug with the firmware, the operator's line, and a new Home Assistant."""

    home_assistant: NewHomeAssistant
    outlet: Outlet
    set_up_line: str
    shot: Path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(line: Line, artefacts: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A new Home Assistant beside the line, an outlet of its own, and a site at the line's management server."""
    folder = tmp_path_factory.mktemp("install")
    spec = replace(OUTLETS[0], title=OUTLET, mac=f"02:00:00:{secrets.token_bytes(3).hex(':')}")
    supplier = replace(SAKURA, station_id=STATION, password=STATION_PASSWORD)
    sold = provisioning([spec], [CODE], supplier=supplier).replace("Sakura Mall car park", SITE)
    await line.server.apply(sold)
    outlet = Outlet(spec, await build(spec), line.ports.take(), folder / "outlet")
    home_assistant = NewHomeAssistant(SITE, line.ports.take(), folder / "site", NAME, PASSWORD)
    try:
        await outlet.process.start()
        await home_assistant.start()
        await home_assistant.ready()
        yield Place(
            home_assistant=home_assistant,
            outlet=outlet,
            set_up_line=f"ws://{STATION}:{STATION_PASSWORD}@127.0.0.1:{line.server.ocpp_port}/ocpp",
            shot=artefacts / "install",
        )
    finally:
        await home_assistant.close()
        await outlet.process.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(place: Place, browser: Browser) -> AsyncIterator[Owner]:
    """The owner, signed up."""
    owner = await Owner.open(browser, place.home_assistant.url, place.shot)
    await owner.sign_up(NAME, PASSWORD)
    yield owner
    await owner.close()


async def _port(owner: Owner, port: int) -> None:
    await owner.page.locator('input[type="number"]').first.fill(str(port))


async def test_a_site_is_set_up_with_clicks_alone(owner: Owner, place: Place) -> None:
    page = owner.page
    await owner.find_integration()
    await owner.fill("name", SITE)
    await owner.picture("2-site", owner.dialog)
    await owner.submit()

    # The first outlet is asked for next.
    await expect(owner.page.get_by_text(owner.words["guarded"])).to_be_visible(timeout=PATIENCE_MS)
    await owner.picture("3-kind", owner.dialog)
    await owner.choose("guarded")
    await owner.fill("name", OUTLET)
    await owner.fill("host", "outlet-1a2b3c.local")
    await owner.picture("4-outlet", owner.dialog)
    await owner.fill("host", "127.0.0.1")
    await _port(owner, 1)
    await owner.submit()
    await expect(owner.page.get_by_text("The outlet does not answer.")).to_be_visible(timeout=PATIENCE_MS)
    await _port(owner, place.outlet.port)
    await owner.submit()
    await expect(owner.page.get_by_text("The outlet answers and is in use.")).to_be_visible(timeout=PATIENCE_MS)
    await owner.finish()

    await owner.go_to_integration()
    await owner.press("link_server")
    await expect(owner.page.locator('input[name="url"]')).to_be_visible(timeout=PATIENCE_MS)
    await owner.picture("5-server", owner.dialog)
    await owner.fill("url", place.set_up_line.replace(STATION_PASSWORD, "not-the-password"))
    await owner.submit()
    await expect(owner.page.get_by_text("does not accept this password")).to_be_visible(timeout=PATIENCE_MS)
    await owner.fill("url", place.set_up_line)
    await owner.fill("name", "Sakura Energy")
    await owner.submit()
    await expect(owner.page.get_by_text("The server has let the site in.")).to_be_visible(timeout=PATIENCE_MS)
    await owner.finish()
    for name in (SITE, OUTLET, "Sakura Energy"):
        await expect(page.get_by_text(name).first).to_be_visible(timeout=PATIENCE_MS)
    await owner.picture("6-parts", owner.site(SITE))


async def test_the_settings_of_a_site_are_changed_with_clicks_alone(owner: Owner) -> None:
    await owner.go_to_integration()
    await owner.open_settings(SITE, "numbers")
    # The second number: how often the meter is told. A car park reports every few seconds; here somebody watches.
    await owner.page.locator('input[type="number"]').nth(1).fill("1")
    await owner.submit()
    await owner.finish()

    await owner.open_settings(SITE, "numbers")
    await expect(owner.page.locator('input[type="number"]').nth(1)).to_have_value("1")


async def test_the_first_driver_pays_and_the_owner_sees_it_but_not_who(
    owner: Owner, place: Place, line: Line, browser: Browser
) -> None:
    await owner.page.goto(f"{owner.url}/config/devices/dashboard?historyBack=1")
    await owner.page.get_by_text(OUTLET).first.click()
    for value in ("State", "Session energy", "Firmware", "Stop"):
        await expect(owner.page.get_by_text(value, exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    email = "first-driver@example.com"
    for language, locale in (("en", "en-GB"), ("ja", "ja-JP")):
        context = await browser.new_context(viewport={"width": 390, "height": 844}, locale=locale)
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        outlet = f"{line.server.url}/o/{CODE}"
        await path_of_a_driver(page, outlet, f"{language}-{email}", Path(f"{place.shot}-{language}-driver"))
        await context.close()

    await expect(owner.page.get_by_text("Energy limit reached").first).to_be_visible(timeout=PATIENCE_MS)
    await owner.picture("7-outlet", owner.page.locator("body"))
    log = place.home_assistant.log.read_text()
    assert email not in log
    assert STATION_PASSWORD not in log
    assert [text for text in log.splitlines() if " ERROR " in text and "custom_components.konsento" in text] == []


async def test_the_forms_speak_japanese_to_who_does(place: Place, browser: Browser, owner: Owner) -> None:
    reader = await Owner.open(browser, owner.url, Path(f"{place.shot}-ja"), "ja-JP")
    await reader.sign_in(NAME, PASSWORD)
    for word, field in (("add_outlet", "host"), ("link_server", "url")):
        await reader.press(word)
        if word == "add_outlet":
            await expect(reader.page.get_by_text(reader.words["guarded"])).to_be_visible(timeout=PATIENCE_MS)
            await reader.picture("3-kind", reader.dialog)
            await reader.choose("guarded")
        await expect(reader.page.locator(f'input[name="{field}"]')).to_be_visible(timeout=PATIENCE_MS)
        await reader.picture("4-outlet" if word == "add_outlet" else "5-server", reader.dialog)
        await reader.go_to_integration()
    await expect(reader.site(SITE)).to_be_visible(timeout=PATIENCE_MS)
    await reader.picture("6-parts", reader.site(SITE))
    await reader.close()


async def test_the_guide_has_the_pictures_that_it_shows(place: Place) -> None:
    told = "".join((ROOT / page).read_text() for page in ("README.md", "docs/start.md", "docs/start.ja.md"))
    wanted = set(re.findall(r"images/start/([\w-]+)\.webp", told))
    if os.environ.get("KONSENTO_PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        for name in wanted:
            with Image.open(f"{place.shot}-{name}.png") as image:
                # Of a phone's page what is seen without scrolling.
                seen = image.crop((0, 0, image.width, min(image.height, 844)))
                seen.save(PICTURES / f"{name}.webp", quality=72, method=6)

    there = {path.stem: path.stat().st_size for path in PICTURES.glob("*.webp")}
    assert there.keys() == wanted
    assert max(there.values()) < 100_000


async def test_nothing_is_left_of_a_site_that_its_owner_deletes(owner: Owner, place: Place) -> None:
    page = owner.page
    storage = place.home_assistant.config / ".storage"
    assert [path.name for path in storage.iterdir() if "konsento" in path.name]
    await owner.go_to_integration()
    row = owner.site(SITE)
    await row.get_by_label(owner.words["menu"]).first.click()
    await page.get_by_text("Delete", exact=True).locator("visible=true").first.click()
    await page.get_by_role("button", name="Delete").last.click()
    await expect(row).to_have_count(0, timeout=PATIENCE_MS)
    # What is on disk follows when Home Assistant ends.
    await place.home_assistant.process.stop()

    assert [path.name for path in storage.iterdir() if "konsento" in path.name] == []
    assert _entries(place) == []
    for name in ("repairs.issue_registry", "lovelace_resources"):
        path = storage / name
        assert "konsento" not in (path.read_text() if path.exists() else "")


def _entries(place: Place) -> list[dict[str, Any]]:
    stored = json.loads((place.home_assistant.config / ".storage/core.config_entries").read_text())
    return [entry for entry in stored["data"]["entries"] if entry["domain"] == "konsento"]
