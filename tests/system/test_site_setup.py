"""An operator sets a site up with pages and one line alone: no shell, no file."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import unescape
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from rig.driver import Driver
from rig.line import Line

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
PASSWORD = "mauve anchor tiny river"


async def _sign_in(line: Line, browser: httpx.AsyncClient) -> None:
    """Take an operator's invitation."""
    said = await line.server.command("staff", "add", "operator@example.com", "--role", "operator")
    found = re.search(r"/office/invitation/\S+", said)
    assert found is not None
    page = await browser.get(found[0])
    key = re.search(r'<p class="key">([A-Z2-7 ]+)</p>', page.text)
    assert key is not None
    code = pyotp.TOTP(key[1].replace(" ", "")).now()
    answer = await browser.post(found[0], data={"password": PASSWORD, "code": code})
    assert answer.status_code == 200, answer.text


async def _until(look: Callable[[], Awaitable[bool]], what: str, tries: int = 300) -> None:
    for _ in range(tries):
        if await look():
            return
        await asyncio.sleep(0.2)
    raise TimeoutError(f"after {tries} looks: {what}")


async def test_a_site_made_in_the_back_office_is_linked_by_its_line_and_its_outlets_appear(line: Line) -> None:
    headers = {"Origin": line.server.public_url}
    async with httpx.AsyncClient(base_url=line.server.url, headers=headers, timeout=30) as browser:
        await _sign_in(line, browser)
        made = await browser.post("/office/sites", data={"name": "Minato Tower", "time_zone": "Asia/Tokyo"})
        found = re.search(r'<p class="key" translate="no">(ws[^<]+)</p>', made.text)
        assert found is not None, made.text
        await line.home_assistant.add_management_server(unescape(found[1]))
        page = ""

        async def all_told() -> bool:
            nonlocal page
            page = (await browser.get("/office/sites/minato-tower/live")).text
            # The states come first, then the report, which names the devices.
            return page.count("not sold yet") == len(line.specs) == len(re.findall(r'translate="no">\w+ \S+', page))

        await _until(all_told, "not all outlets have appeared with their device")
        outlet = "/office/sites/minato-tower/outlets/1"
        # The firmware's own ratings, which nobody has typed; the plug has none to tell.
        first = (await browser.get(outlet)).text
        assert 'name="rated_w" type="text" inputmode="numeric" required maxlength="6" size="7" value="4000"' in first
        assert "As the site reports them" in first
        plug = (await browser.get("/office/sites/minato-tower/outlets/4")).text
        assert "As the site reports them" not in plug
        fields = {"name": "Outlet 1, tower", "tariff": "demo", "rated_w": "3000", "volts": "200"}
        assert (await browser.post(outlet, data=fields)).status_code == 303
        traced = await browser.post("/office/stations/minato-tower/trace", data={"outlet": "1"})
        assert "Every part of the way answers." in traced.text
        blinks = await browser.post("/office/stations/minato-tower/identify", data={"outlet": "1"})
        assert "Outlet 1 blinks" in blinks.text
        # Another password, over the line that it is for: the site comes back with it by itself.
        changed = await browser.post("/office/sites/minato-tower/password", data={"at_site": "true"})
        assert "has taken its new password" in changed.text

        code = re.search(r'/o/([A-Z0-9]+)"', page)
        assert code is not None
        driver = Driver(line.server.url)
        try:
            await driver.until_free(code[1], 60)
        finally:
            await driver.close()
    secret = urlsplit(unescape(found[1])).password
    assert secret is not None
    assert secret not in line.home_assistant.log.read_text()
    assert secret not in (line.folder / "server" / "server.log").read_text()
