"""The portal: suppliers side by side, the way to one of them, and nothing kept of whoever looks."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI
from typer.testing import CliRunner

from konsento.cli import cli
from konsento.kit import handover
from konsento.kit.clock import ManualClock
from konsento.kit.handover import Handover
from konsento.portal import directory
from konsento.portal.errors import BadDirectory
from konsento.portal.pages import Portal, made
from konsento.portal.settings import PortalSettings
from konsento.portal.watch import Watch

from ..conftest import AT

NAME = "K3VQ5B2XJ6M7"
OWN = "https://portal.example"
KEY = handover.new_key()


@dataclass
class Supplier:
    """A supplier's server; answers as it is told."""

    per_kwh: str
    url: str = ""
    state: str = "free"
    status: int = 200
    asked: list[str] = field(default_factory=list)
    heard: list[dict[str, str]] = field(default_factory=list)
    silent: asyncio.Event | None = None

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.heard.append(dict(request.headers))
        if self.silent is not None:
            await self.silent.wait()
        offer = {
            "name": "day",
            "supplier": "Who <b>sells</b>",
            "power_type": "hydro",
            "currency": "JPY",
            "per_kwh": self.per_kwh,
            "parts": [{"kind": "energy", "price": self.per_kwh}],
            "tax_rate": "0.1",
        }
        name = request.path.rpartition("/")[2]
        outlet = {
            "outlet": name,
            "number": int(name.rpartition(".")[2]),
            "page": f"{self.url}/o/CODE",
            "state": self.state,
            "state_as_of": None,
            "offers": [offer],
        }
        told = {"operator": "X", "as_of": "2026-11-22T01:58:00Z", "outlets": [outlet]}
        return web.json_response(told, status=self.status)


@dataclass
class Stage:
    """The portal and two suppliers."""

    app: FastAPI
    clock: ManualClock
    sakura: Supplier
    kaze: Supplier

    @asynccontextmanager
    async def browser(self, language: str = "en") -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=OWN, headers={"Accept-Language": language}
        ) as browser:
            yield browser


def file(sakura: str, kaze: str) -> str:
    return f"""
[[suppliers]]
id = "sakura"
name = "Sakura Energy"
url = "{sakura}"
key = "{KEY}"

[[suppliers]]
id = "kaze"
name = "Kaze Denki"
url = "{kaze}"

[[sites]]
common_name = "{NAME}"
name = "Sakura Mall car park"
suppliers = ["sakura", "kaze"]

[[sites.outlets]]
number = 1
name = "North wall"
code = "K7F29Q"

[[sites.outlets]]
number = 2
name = "South wall"
"""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    runners = []
    suppliers = [Supplier("38.5"), Supplier("34")]
    for supplier in suppliers:
        app = web.Application()
        app.router.add_get("/api/v1/offers/{name}", supplier.answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        supplier.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    path = tmp_path / "directory.toml"
    path.write_text(file(*(supplier.url for supplier in suppliers)))
    clock = ManualClock(AT)
    settings = PortalSettings(directory=path, public_url=f"{OWN}/", operator_name="Setagaya Charging")
    async with aiohttp.ClientSession() as http:
        watch = Watch(http, clock)
        portal = Portal(settings=settings, directory=directory.read(path), watch=watch, clock=clock)
        yield Stage(made(portal), clock, *suppliers)
        await watch.close()
    for runner in runners:
        await runner.cleanup()


def words(answer: httpx.Response) -> str:

    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def test_the_suppliers_of_an_outlet_stand_side_by_side(stage: Stage) -> None:
    stage.kaze.state = "busy"
    async with stage.browser() as browser:
        by_code = await browser.get("/", params={"code": "k7f-29q"})
        page = await browser.get(by_code.headers["location"])
        by_name = await browser.get(f"/o/{NAME}.2")

    assert (by_code.status_code, by_code.headers["location"]) == (303, "/o/K7F29Q")
    assert "Sakura Energy Free now ¥38.50 / kWh Choose › Hydro · Who <b>sells</b> CO₂ not stated" in words(page)
    assert "Kaze Denki In use ¥34 / kWh" in words(page)
    assert "<b>sells" not in page.text
    assert "South wall" in words(by_name)
    assert stage.kaze.asked == [f"/api/v1/offers/{NAME}.1", f"/api/v1/offers/{NAME}.2"]


async def test_the_way_to_a_supplier_with_a_key_is_signed_and_leads_back_and_without_one_it_is_plain(
    stage: Stage,
) -> None:
    async with stage.browser("ja") as browser:
        signed = await browser.get("/o/K7F29Q/sakura?offer=day")
        plain = await browser.get("/o/K7F29Q/kaze?offer=day&lang=en")

    query = parse_qs(urlsplit(signed.headers["location"]).query)
    assert signed.headers["location"].startswith(f"{stage.sakura.url}/o/CODE?")
    assert query["lang"] == ["ja"]
    carried = Handover.read(query["via"][0], receiver=stage.sakura.url, key_of={OWN: KEY}.get, now=stage.clock.now())
    assert (carried.outlet, carried.back, carried.wish.offer) == (f"{NAME}.1", f"{OWN}/o/K7F29Q", "day")
    assert plain.headers["location"] == f"{stage.kaze.url}/o/CODE?lang=en"


async def test_nothing_is_kept_of_a_visitor(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "konsento")
    agent = "Personal-Browser/7"
    async with stage.browser() as browser:
        for path in ("/", "/?code=K7F29Q", "/o/K7F29Q", "/o/K7F29Q/sakura", "/o/none", "/nowhere", "/o/K7F29Q/qr.svg"):
            answer = await browser.get(
                path, headers={"User-Agent": agent, "Cookie": "id=7", "X-Forwarded-For": "9.9.9.9"}
            )
            assert "set-cookie" not in answer.headers
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["referrer-policy"] == "same-origin"

    assert all(agent not in str(heard) and "9.9.9.9" not in str(heard) for heard in stage.sakura.heard)
    assert all("K7F29Q" not in record.getMessage() for record in caplog.records)


async def test_every_page_speaks_both_languages_and_links_keep_the_one_that_was_chosen(stage: Stage) -> None:
    async with stage.browser() as browser:
        english = await browser.get("/o/K7F29Q")
        japanese = await browser.get("/o/K7F29Q?lang=ja")
        start = await browser.get("/?lang=ja&code=K7F29Q")

    assert english.headers["content-language"] == "en"
    assert "どの小売事業者から買いますか" in japanese.text
    assert 'href="/?lang=ja"' in japanese.text
    assert "lang=ja&amp;offer=day" in japanese.text
    assert start.headers["location"] == "/o/K7F29Q?lang=ja"


async def test_a_supplier_that_hangs_holds_the_page_up_for_two_seconds_at_most(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("konsento.portal.watch.PATIENCE_S", 0.2)
    stage.kaze.silent = asyncio.Event()
    async with stage.browser() as browser:
        first, second = await asyncio.gather(browser.get("/o/K7F29Q"), browser.get("/o/K7F29Q"))
        way = await browser.get("/o/K7F29Q/kaze")
        stage.kaze.silent.set()
        async with asyncio.timeout(5):
            while "Kaze Denki Free now" not in words(await browser.get("/o/K7F29Q")):
                pass

    for page in (first, second):
        assert "Sakura Energy Free now ¥38.50" in words(page)
        assert "Its server cannot be reached" in words(page)
    assert way.status_code == 404
    assert len(stage.kaze.asked) == 1, "one question for all visitors"


async def test_a_supplier_that_went_down_is_shown_with_its_age_and_after_ten_minutes_not_at_all(stage: Stage) -> None:
    async with stage.browser() as browser:
        await browser.get("/o/K7F29Q")
        stage.kaze.status = 500
        stage.clock.advance(timedelta(minutes=5))
        later = words(await browser.get("/o/K7F29Q"))
        stage.clock.advance(timedelta(minutes=6))
        last = words(await browser.get("/o/K7F29Q"))

    assert "¥34 / kWh" in later
    assert "as of 5 min ago" in later
    assert "¥34 / kWh" not in last
    assert "¥38.50 / kWh" in last


async def test_a_supplier_that_does_not_know_the_outlet_is_left_out(stage: Stage) -> None:
    stage.kaze.status = stage.sakura.status = 404
    async with stage.browser() as browser:
        page = words(await browser.get("/o/K7F29Q"))

    assert "Kaze Denki" not in page
    assert "Nothing is sold at this outlet now." in page


async def test_an_unknown_code_is_told_and_asks_nobody(stage: Stage) -> None:
    async with stage.browser() as browser:
        typed = await browser.get("/", params={"code": "<script>"})
        opened = await browser.get("/o/NOSUCH")
        nowhere = await browser.get("/nowhere/at/all")
        posted = await browser.post("/o/K7F29Q")

    assert (typed.status_code, opened.status_code, nowhere.status_code, posted.status_code) == (404, 404, 404, 404)
    assert "There is no outlet with this code." in words(typed)
    assert "<script>" not in typed.text
    assert stage.kaze.asked == []


async def test_the_qr_code_leads_to_the_outlet_and_health_is_told(stage: Stage) -> None:
    async with stage.browser() as browser:
        picture = await browser.get("/o/K7F29Q/qr.svg")
        capitals = await browser.get("/O/K7F29Q")
        health = await browser.get("/healthz")
        ready = await browser.get("/readyz")

    assert picture.headers["content-type"] == "image/svg+xml"
    assert (capitals.status_code, capitals.headers["location"]) == (308, "/o/K7F29Q")
    assert health.json() == {"status": "ok"}
    assert ready.json() == {"status": "ok", "suppliers": 2, "outlets": 2}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "kaze"', 'id = "sakura"', "supplier 'sakura' is there twice"),
        ('suppliers = ["sakura", "kaze"]', 'suppliers = ["nobody"]', "there is no supplier 'nobody'"),
        ("number = 2", "number = 1", "is there twice"),
        (NAME, "short", "common_name"),
        (KEY, "kps_secretsecret", "a key begins with kps_"),
        ("[[sites]]", "[[sites", "not TOML"),
        ("https://b.example", "ftp://b.example", "suppliers.1.url"),
        ('name = "North wall"', 'nmae = "North wall"', "nmae"),
    ],
)
def test_mistakes_in_the_directory_are_told_without_the_keys(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "directory.toml"
    path.write_text(file("https://a.example", "https://b.example").replace(old, new, 1))

    with pytest.raises(BadDirectory) as refused:
        directory.read(path)
    assert says in str(refused.value)
    assert "secretsecret" not in str(refused.value)


def test_the_command_checks_a_directory_and_prints_the_addresses_of_the_outlets(tmp_path: Path) -> None:
    path = tmp_path / "directory.toml"
    path.write_text(file("https://a.example", "https://b.example"))
    env = {"KONSENTO_PORTAL_DIRECTORY": str(path), "KONSENTO_PORTAL_PUBLIC_URL": OWN}

    checked = CliRunner().invoke(cli, ["portal", "check"], env=env)
    key = CliRunner().invoke(cli, ["portal", "key"])

    assert f"North wall: {OWN}/o/K7F29Q" in checked.output
    assert f"South wall: {OWN}/o/{NAME}.2" in checked.output
    assert handover.is_key(key.output.strip())
    assert json.dumps(KEY) not in checked.output
