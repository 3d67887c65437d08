"""What every answer tells the browser: what it may load, keep and run; in which language it is."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from konsento.app import pages
from konsento.settings import Settings

if TYPE_CHECKING:
    from tests.cloud.web.conftest import Bench

CODE = "K7F29Q"
ADDRESSES = ["/", "/map", f"/o/{CODE}", "/o/ZZZZZZ", "/signin", "/signup", "/history", "/nowhere", "/healthz"]


@pytest.mark.parametrize("address", [*ADDRESSES, f"/o/{CODE}/qr.svg", "/static/konsento.css"])
async def test_every_answer_carries_the_security_headers(bench: Bench, address: str) -> None:
    async with bench.browser() as browser:
        headers = (await browser.get(address)).headers

    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    # The scanner on the start page reads with WebAssembly where the browser has no reader of its own.
    assert policy["script-src"] == ("'self' 'wasm-unsafe-eval'" if address == "/" else "'self'")
    assert policy["style-src"] == policy["connect-src"] == policy["form-action"] == policy["img-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    camera, place = ("self" if address == one else "" for one in ("/", "/map"))
    assert headers["permissions-policy"] == f"camera=({camera}), geolocation=({place}), microphone=(), payment=()"


async def test_pictures_of_the_map_come_from_where_the_operator_says_and_from_nowhere_else(bench: Bench) -> None:
    tiles = "https://tiles.example/osm/{z}/{x}/{y}.png"
    settings = bench.services.settings.model_copy(
        update={"map_tiles_url": tiles, "map_attribution": '© "Somebody" https://tiles.example/licence <b>'}
    )
    bench.app = pages(replace(bench.services, settings=settings))
    async with bench.browser() as browser:
        answer = await browser.get("/map")

    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy.pop("img-src") == "'self' https://tiles.example"
    assert "tiles.example" not in str(policy)
    assert f'data-tiles="{tiles}"' in answer.text
    assert 'data-attribution="© &#34;Somebody&#34; https://tiles.example/licence &lt;b&gt;"' in answer.text


@pytest.mark.parametrize(
    "address",
    ["tiles.example/{z}/{x}/{y}.png", "https://tiles.example/", "javascript:{x}{y}{z}", "https://a; b/{x}{y}{z}"],
)
def test_an_address_of_tiles_that_is_none_is_refused_at_start(address: str) -> None:
    with pytest.raises(ValidationError):
        Settings(map_tiles_url=address)


async def test_pages_load_nothing_from_elsewhere_and_have_nothing_inline(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.reports("0")
        answers = [await browser.get(path) for path in (*ADDRESSES, f"/o/{CODE}/choose", session, f"{session}/stop")]
        await bench.site.reports("10", watts=0, seconds=12, ended="EnergyLimitReached")
        await bench.services.work.drain()
        answers.append(await browser.get(session))
        style = (await browser.get("/static/konsento.css")).text

    for answer in answers:
        loaded = re.findall(r"(?:src|href|action|srcset)=\"(?!#)([^\"]*)\"", answer.text)
        assert all(address.startswith("/") and not address.startswith("//") for address in loaded)
        assert not re.search(r"<style|\sstyle=|<script>|\son\w+=", answer.text)
    assert "url(" not in style
    assert "@import" not in style


async def test_static_files_are_kept_and_their_address_changes_with_them(bench: Bench) -> None:
    async with bench.browser() as browser:
        page = await browser.get("/")
        addresses = re.findall(r'"(/static/[^"]*)"', page.text)
        answers = [await browser.get(address) for address in addresses]

    assert any("konsento.css" in address for address in addresses)
    assert all(re.search(r"\?v=[0-9a-f]{12}$", address) for address in addresses)
    assert all(answer.status_code == 200 for answer in answers)
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)


@pytest.mark.parametrize("address", ["/signup", f"/o/{CODE}", "/static/konsento.css", "/static/session.js"])
async def test_pages_and_their_files_travel_compressed(bench: Bench, address: str) -> None:
    async with bench.browser() as browser, browser.stream("GET", address) as answer:
        travelled = sum([len(part) async for part in answer.aiter_raw()])
    async with bench.browser(**{"Accept-Encoding": "identity"}) as plain:
        whole = len((await plain.get(address)).content)

    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["vary"]
    assert travelled < whole * 0.6


async def test_pages_are_kept_by_nobody(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        answers = [await browser.get(path) for path in ("/", "/history", session, f"{session}/progress")]

    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)


async def test_over_https_cookies_are_secure_and_browsers_stay_there(bench: Bench) -> None:
    settings = bench.services.settings.model_copy(update={"public_url": "https://konsento.test"})
    bench.app = pages(replace(bench.services, settings=settings))
    data = {"email": "ann@example.com", "password": "correct horse battery"}
    async with bench.browser(Origin="https://konsento.test") as browser:
        signed_up = await browser.post("/signup", data=data)
        language = await browser.get("/?lang=ja")

    assert "Secure" in signed_up.headers["set-cookie"]
    assert "Secure" in language.headers["set-cookie"]
    assert "max-age" in signed_up.headers["strict-transport-security"]


async def test_the_language_is_the_browsers_until_the_driver_chooses(bench: Bench) -> None:
    async with bench.browser("de-DE,ja;q=0.7,en;q=0.3") as browser:
        of_browser = await browser.get("/")
        chosen = await browser.get("/?lang=en")
        kept = await browser.get("/signin")
        unknown = await browser.get("/signin?lang=xx")

    assert '<html lang="ja">' in of_browser.text
    assert of_browser.headers["content-language"] == "ja"
    for answer in (chosen, kept, unknown):
        assert '<html lang="en">' in answer.text


async def test_the_switch_of_language_stays_on_the_page(bench: Bench) -> None:
    async with bench.driver() as browser:
        page = await browser.get(f"/o/{CODE}/confirm?kind=energy&amount=1")
        address = re.findall(r'href="([^"]*)" hreflang="ja"', page.text)[0].replace("&amp;", "&")
        japanese = await browser.get(address)

    assert address == f"/o/{CODE}/confirm?kind=energy&amount=1&lang=ja"
    assert "1.00 kWhで約38円です" in bench.words(japanese)


async def test_pages_work_without_scripts(bench: Bench) -> None:
    async with bench.driver() as browser:
        choose = await browser.get(f"/o/{CODE}/choose")
        session = await bench.start(browser)
        await bench.site.reports("0")
        live = await browser.get(session)

    assert f'<form method="get" action="/o/{CODE}/confirm"' in choose.text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in live.text
    assert f'href="{session}/stop"' in live.text
