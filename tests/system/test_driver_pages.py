"""The driver's path in a real browser at phone size; the screenshots are kept."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from rig.line import Line
from rig.suppliers import CODES

from .driving import path_of_a_driver

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180), pytest.mark.browser]


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("ja-JP", "dark")])
async def test_a_driver_signs_up_charges_and_gets_a_receipt(
    line: Line, browser: Browser, artefacts: Path, locale: str, scheme: str
) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844},
        locale=locale,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)

    outlet = f"{line.server.url}/o/{CODES[0]}"
    await path_of_a_driver(page, outlet, f"browser-{locale}@example.com", artefacts / f"driver-{locale}")

    assert problems == []
