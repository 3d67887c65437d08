"""The map: what lies in view as marks and as a list, near the phone without telling where that is, and its picker."""

import json
import re
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page, Request, expect
from sqlalchemy import select

from konsento.backoffice.render import office_asset
from konsento.kit.ids import new_id
from konsento.models import Outlet, OutletStatus, Site
from konsento.web.finding import MOST_SHOWN
from konsento.web.render import asset, templates_of

from .conftest import Stage, phone

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120), pytest.mark.browser]

HEAVIEST_MAP_BYTES = 130_000
EXACT = {"latitude": 35.658123, "longitude": 139.701987}
"""Where the phone is, to the decimetre."""


async def add_sites(stage: Stage, places: Sequence[tuple[str, float, float, OutletStatus]]) -> None:
    async with stage.bench.services.database.transaction() as session:
        for number, (name, latitude, longitude, status) in enumerate(places):
            site = Site(
                id=new_id(),
                station_id=f"more-{number}",
                password_hash="-",
                name=name,
                place="Japan",
                time_zone="Asia/Tokyo",
                latitude=latitude,
                longitude=longitude,
                connected=True,
            )
            session.add(site)
            await session.flush()
            session.add(
                Outlet(
                    id=new_id(),
                    site_id=site.id,
                    evse_id=1,
                    code=new_id().hex[-16:],
                    name="Outlet 1",
                    rated_w=3000,
                    volts=200,
                    tariff_names=["demo"],
                    status=status,
                )
            )


SOME = [
    ("Shibuya garage", 35.6580, 139.7016, OutletStatus.OCCUPIED),
    ("Yokohama pier", 35.4520, 139.6430, OutletStatus.FAULTED),
    ("Osaka castle", 34.6873, 135.5262, OutletStatus.AVAILABLE),
]


async def test_near_me_lists_the_nearest_first_and_tells_the_server_no_more_than_a_part_of_the_map(
    stage: Stage, browser: Browser
) -> None:
    await add_sites(stage, SOME)
    async with await phone(browser, "en-GB") as context:
        await context.grant_permissions(["geolocation"])
        await context.set_geolocation(EXACT)  # type: ignore[arg-type]
        page = await context.new_page()
        asked: list[Request] = []
        page.on("request", lambda request: asked.append(request))  # noqa: PLW0108  # Playwright marks what it is given
        await page.goto(f"{stage.url}/map")
        await page.get_by_role("button", name="Near me").click()

        first = page.locator("[data-sites] li").first
        await expect(first).to_contain_text("Shibuya garage")
        await expect(first.locator("[data-distance]")).to_have_text("40 m")
        await expect(page.locator("[data-sites] li").nth(1).locator("[data-distance]")).to_have_text("4.6 km")
        kept = await page.evaluate("[document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)]")
        told = [request.url + (request.post_data or "") + json.dumps(await request.all_headers()) for request in asked]

    assert not [one for one in told if "35.658" in one or "139.701" in one]
    for request in asked:
        for edge in "".join(parse_qs(urlsplit(request.url).query).get("box", [])).split(","):
            assert re.fullmatch(r"(-?\d+(\.\d{1,2})?)?", edge), request.url
    assert "35.65" not in str(kept)


async def test_a_refused_position_is_told_in_words(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await page.add_init_script(
            "navigator.geolocation.getCurrentPosition = (_, failed) => failed({ code: 1, PERMISSION_DENIED: 1 })"
        )
        await page.goto(f"{stage.url}/map")
        await page.get_by_role("button", name="Near me").click()

        await expect(page.locator("[data-says]")).to_contain_text("Your browser does not give your position")
        # The map is looked at again, as it is every half minute, and says nothing of its own.
        async with page.expect_response("**/map/sites?*"):
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        await expect(page.locator("[data-says]")).to_contain_text("Your browser does not give your position")


async def test_a_mark_says_what_it_is_and_leads_to_the_site(stage: Stage, browser: Browser) -> None:
    await add_sites(stage, SOME)
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await page.goto(f"{stage.url}/map")
        for name in ("Sakura Mall car park: 2 of 2 free", "Shibuya garage: All in use"):
            await expect(page.get_by_role("button", name=name)).to_be_visible()
        await page.get_by_role("button", name="Yokohama pier: Closed").press("Enter")
        # Opening it moves the map, whose marks are then renewed: a click at that very moment meets the one before.
        link = page.locator(".leaflet-popup-content a")
        await expect(link).to_be_visible()
        await page.goto(f"{stage.url}{await link.get_attribute('href')}")

        await expect(page.locator("h1")).to_have_text("Yokohama pier")


async def test_the_map_of_a_city_is_light(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await page.goto(f"{stage.url}/map", wait_until="networkidle")
        sizes = await page.evaluate(
            "performance.getEntries().filter((e) => e.encodedBodySize).map((e) => [e.name, e.encodedBodySize])"
        )
        outlines = await page.locator("path.land").count()

    weight = sum(size for _, size in sizes)
    assert weight < HEAVIEST_MAP_BYTES, sizes
    assert [name for name, _ in sizes if "120_30.geojson" in name]
    assert outlines > 0


async def test_more_sites_than_can_be_told_apart_are_shown_in_groups_that_open(stage: Stage, browser: Browser) -> None:
    many = [(f"Site {n}", 33 + n % 50 / 10, 131 + n // 50 / 4, OutletStatus.AVAILABLE) for n in range(2000)]
    assert len(many) > MOST_SHOWN
    await add_sites(stage, many)
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await page.goto(f"{stage.url}/map")
        await expect(page.locator("[data-says]")).to_contain_text("2,001 sites here. Zoom in")
        groups = page.locator(".mark.group")
        numbers = [int(text) for text in await groups.all_inner_texts()]
        assert sum(numbers) == 2001
        assert len(numbers) <= 100
        assert await page.locator("[data-sites] li").count() == 50

        while not await page.locator(".mark.free").count():
            async with page.expect_response(re.compile("/map/sites")):
                await groups.first.press("Enter")
            await expect(page.locator(".mark").first).to_be_visible()

        await expect(page.locator("[data-sites] li").first).to_contain_text("1 of 1 free")


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_list_is_the_same_with_and_without_scripts(stage: Stage, browser: Browser, *, scripts: bool) -> None:
    await add_sites(stage, SOME)
    context = await browser.new_context(java_script_enabled=scripts, locale="en-GB")
    async with context:
        page = await context.new_page()
        await page.goto(f"{stage.url}/map?q=osaka")

        await expect(page.locator("[data-sites] li")).to_have_count(1)
        await expect(page.locator("[data-sites] li")).to_contain_text("Osaka castle")
        await expect(page.locator("[data-map]")).to_be_visible(visible=scripts)
        await page.locator("[data-sites] a").click()
        await expect(page.locator("h1")).to_have_text("Osaka castle")


async def test_the_page_of_a_site_follows_its_outlets(stage: Stage, browser: Browser) -> None:
    async with stage.bench.services.database.transaction() as session:
        (site_id,) = await session.scalars(select(Site.id))
    async with await phone(browser, "en-GB") as context:
        page = await context.new_page()
        await page.clock.install()
        await page.goto(f"{stage.url}/sites/{site_id}")
        await expect(page.locator("li [data-pill]").first).to_have_text("Free now")

        await stage.bench.outlet_is(OutletStatus.OCCUPIED)
        await page.clock.run_for(11_000)

        await expect(page.locator("li [data-pill]").first).to_have_text("In use")
        await expect(page.locator("main > p [data-pill]")).to_have_text("All in use")

        await context.set_offline(True)
        await page.clock.run_for(11_000)
        await expect(page.locator("[data-age]")).to_have_text("No contact with the server: this may be old.")


PICKER = """<!doctype html><html lang=en><head><meta charset=utf-8><title>x</title>{head}</head><body><form>
<input name=latitude value="{latitude}"><input name=longitude value="{longitude}">
<div data-place-picker hidden><button type=button>Choose on the map</button></div></form></body></html>"""


async def picker_page(stage: Stage, page: Page, latitude: str = "", longitude: str = "") -> None:
    """Open a form of the kind that the back office has."""
    head = (
        templates_of("konsento.backoffice")
        .get_template("place_picker.html")
        .render(_=str, asset=asset, office_asset=office_asset, map_tiles="", map_attribution="Natural Earth")
    )
    body = PICKER.format(head=head, latitude=latitude, longitude=longitude)
    await page.route("**/form", lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto(f"{stage.url}/form")
    await page.get_by_role("button", name="Choose on the map").click()
    await expect(page.locator(".leaflet-container")).to_be_visible()


async def test_a_place_is_picked_by_a_click_and_by_the_keyboard(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB", width=1280) as context:
        page = await context.new_page()
        await picker_page(stage, page, "35.68", "139.76")
        await expect(page.locator(".mark.picked")).to_be_visible()
        latitude, longitude = page.locator("[name=latitude]"), page.locator("[name=longitude]")
        box = await page.locator(".map").bounding_box()
        assert box is not None

        await page.mouse.click(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2 - 40)

        await expect(latitude).to_have_value(re.compile(r"^35\.68\d{3}$"))
        clicked = float(await latitude.input_value()), float(await longitude.input_value())
        assert clicked[0] > 35.68
        assert clicked[1] > 139.76

        await page.locator(".map").press("Enter")

        await expect(latitude).to_have_value("35.68000")
        await expect(longitude).to_have_value("139.76000")


async def test_typed_numbers_move_the_mark_and_nonsense_takes_it_away(stage: Stage, browser: Browser) -> None:
    async with await phone(browser, "en-GB", width=1280) as context:
        page = await context.new_page()
        await picker_page(stage, page)
        mark = page.locator(".mark.picked")
        await expect(mark).to_have_count(0)
        await page.fill("[name=latitude]", "35.6461")
        await page.fill("[name=longitude]", "139.6532")
        await expect(mark).to_be_visible()

        await page.fill("[name=latitude]", "9999")

        await expect(mark).to_have_count(0)
