"""The portal on a phone: light, in both languages, for everybody's eyes and thumbs, without a script or a cookie."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from aiohttp import ClientSession, web
from playwright.async_api import Browser

from konsento.kit.clock import SystemClock
from konsento.kit.serving import PageServer
from konsento.portal import directory
from konsento.portal.pages import Portal, made
from konsento.portal.settings import PortalSettings
from konsento.portal.watch import Watch
from rig.ports import Ports

from .conftest import phone, picture, unclear
from .test_quality import SIDEWAYS, SMALL, SMALLEST_PX

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]
NAME = "K3VQ5B2XJ6M7"


def _offer(name: str, power: str, price: str | None, *parts: tuple[str, str], carbon: int | None) -> dict[str, object]:
    return {
        "name": name,
        "supplier": "Kaze Denki",
        "power_type": power,
        "currency": "JPY",
        "per_kwh": price,
        "parts": [{"kind": kind, "price": each} for kind, each in parts],
        "tax_rate": "0.1",
        "carbon_g_per_kwh": carbon,
    }


@pytest_asyncio.fixture(loop_scope="session")
async def portal(tmp_path: Path) -> AsyncIterator[str]:
    """A portal of three suppliers, one of which is away."""

    async def answer(request: web.Request) -> web.Response:
        offers = [
            _offer("wind", "wind", "34", ("energy", "34"), ("session", "50"), carbon=11),
            _offer("grid", "other", "31.5", ("energy", "31.5"), carbon=431),
            _offer("time", "solar", None, ("time", "2.5"), ("idle", "5"), carbon=None),
        ]
        busy = request.host.startswith("localhost")
        outlet = {
            "outlet": f"{NAME}.1",
            "number": 1,
            "page": f"http://{request.host}/o/WKYXCN",
            "state": "busy" if busy else "free",
            "state_as_of": None,
            "offers": offers[:1] if busy else offers,
        }
        return web.json_response({"operator": "K", "as_of": "2026-11-22T01:58:00Z", "outlets": [outlet]})

    app = web.Application()
    app.router.add_get("/api/v1/offers/{name}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there, nobody, port = runner.addresses[0][1], Ports().take(), Ports().take()
    suppliers = (
        ("kaze", "Kaze Denki", f"http://127.0.0.1:{there}"),
        ("sakura", "Sakura Energy", f"http://localhost:{there}"),
        ("hi", "Hi Power", f"http://127.0.0.1:{nobody}"),
    )
    text = "".join(f'[[suppliers]]\nid = "{id_}"\nname = "{name}"\nurl = "{url}"\n' for id_, name, url in suppliers)
    text += f'[[sites]]\ncommon_name = "{NAME}"\nname = "Sakura Mall car park"\nplace = "Setagaya, Tokyo"\n'
    text += 'suppliers = ["kaze", "sakura", "hi"]\n[[sites.outlets]]\nnumber = 1\nname = "No. 1"\ncode = "K7F29Q"\n'
    (tmp_path / "directory.toml").write_text(text)
    url = f"http://localhost:{port}"
    settings = PortalSettings(
        directory=tmp_path / "directory.toml", public_url=url, operator_name="Setagaya Charging", support_contact="110"
    )
    async with ClientSession() as http:
        watch = Watch(http, SystemClock())
        made_of = Portal(
            settings=settings, directory=directory.read(settings.directory), watch=watch, clock=SystemClock()
        )
        server = PageServer(uvicorn.Config(made(made_of), host="127.0.0.1", port=port, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve())
        await server.listening.wait()
        yield url
        server.should_exit = True
        await serving
        await watch.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("locale", "dark", "width"), [("en-GB", False, 390), ("ja-JP", True, 390), ("ja-JP", False, 320)]
)
async def test_every_screen_of_the_portal_is_light_and_accessible(
    portal: str, browser: Browser, locale: str, *, dark: bool, width: int
) -> None:
    faults = []
    async with await phone(browser, locale, dark=dark, width=width) as context:
        page = await context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if "Policy" in message.text else None)
        for name, path in (("start", "/"), ("unknown", "/?code=X"), ("outlet", "/o/K7F29Q"), ("nothing", "/nowhere")):
            await page.goto(f"{portal}{path}")
            await picture(page, f"portal-{locale[:2]}-{width}-{name}")
            if await page.evaluate(SIDEWAYS):
                faults.append(f"{name}: scrolls sideways")
            if small := await page.evaluate(SMALL, SMALLEST_PX):
                faults.append(f"{name}: smaller than a thumb: {small}")
            faults += [f"{name}: {fault}" for fault in await unclear(page)]
        assert await context.cookies() == []

    assert faults == []
