"""Finding a site and its outlets: map, list, the site's page, what their scripts ask, and what stays untold."""

import logging
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from konsento.models import FloorPlan, Outlet, OutletOffer, OutletStatus, Site

from ..conftest import AT, STATION

if TYPE_CHECKING:
    from tests.cloud.web.conftest import Bench

CODE, OTHER_CODE = "K7F29Q", "M4XR8T"
TOKYO = "35,139,36,140"
NOBODYS = "01890a5d-ac96-774b-bcce-b302099a8057"


async def site_id(bench: Bench) -> UUID:
    async with bench.services.database.transaction() as session:
        return (await session.scalars(select(Site.id))).one()


async def change(bench: Bench, code: str, **values: Any) -> None:
    async with bench.services.database.transaction() as session:
        await session.execute(update(Outlet).where(Outlet.code == code).values(**values))


async def unsold(bench: Bench, code: str) -> None:
    async with bench.services.database.transaction() as session:
        outlet = select(Outlet.id).where(Outlet.code == code).scalar_subquery()
        await session.execute(delete(OutletOffer).where(OutletOffer.outlet_id == outlet))


async def test_the_start_page_leads_to_the_map_and_the_map_to_the_site_and_its_outlets(bench: Bench) -> None:
    number = await site_id(bench)
    async with bench.browser() as browser:
        start, listed = await browser.get("/"), await browser.get("/map")
        site = await browser.get(f"/sites/{number}")

    assert 'href="/map"' in start.text
    assert f'href="/sites/{number}"' in listed.text
    assert "Sakura Mall car park Setagaya, Tokyo 2 of 2 free" in bench.words(listed)
    assert f'href="/o/{CODE}"' in site.text
    assert f'href="/o/{OTHER_CODE}"' in site.text
    assert "Outlet 1, north wall Free now 200 V · 3.00 kW · ¥38.50 / kWh in contact now" in bench.words(site)


async def test_outlets_used_last_are_offered_to_their_driver_alone(bench: Bench) -> None:
    async with bench.driver() as ann, bench.driver("bob@example.com") as bob:
        for _ in range(2):
            await bench.start(ann)
            await bench.site.charges()
        mine, others = await ann.get("/"), await bob.get("/")

    assert mine.text.count(f'href="/o/{CODE}"') == 1
    assert "Used last" in mine.text
    assert "Used last" not in others.text


@pytest.mark.parametrize(
    ("asked", "found"),
    [("sakura", True), ("ＳＥＴＡＧＡＹＡ", True), ("osaka", False), ("x" * 3000, False), ("%", False)],
)
async def test_the_list_is_searched_by_name_and_place(bench: Bench, asked: str, found: bool) -> None:
    async with bench.browser() as browser:
        answer = await browser.get("/map", params={"q": asked})

    assert answer.status_code == 200
    assert ("Sakura Mall car park" in answer.text) is found
    assert ("No site here has that in its name or place." in answer.text) is not found


async def test_the_map_is_told_what_lies_in_view_and_nothing_twice(bench: Bench) -> None:
    async with bench.browser() as browser:
        first = await browser.get("/map/sites", params={"box": TOKYO})
        tag = first.headers["etag"]
        same = await browser.get("/map/sites", params={"box": TOKYO}, headers={"If-None-Match": tag})
        await bench.outlet_is(OutletStatus.OCCUPIED)
        changed = await browser.get("/map/sites", params={"box": TOKYO}, headers={"If-None-Match": tag})
        elsewhere = await browser.get("/map/sites", params={"box": "0,0,1,1"})

    assert first.json() == {
        "sites": [
            {
                "name": "Sakura Mall car park",
                "place": "Setagaya, Tokyo",
                "page": f"/sites/{await site_id(bench)}",
                "state": "free",
                "says": "2 of 2 free",
                "tone": "",
                "at": [35.6461, 139.6532],
                "free": 2,
            }
        ],
        "groups": [],
        "says": "",
    }
    assert (same.status_code, same.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"
    assert changed.json()["sites"][0]["says"] == "All in use"
    assert elsewhere.json() == {"sites": [], "groups": [], "says": "No site in this part of the map."}


@pytest.mark.parametrize("box", ["", "1,2,3", "a,b,c,d", "1,2,3,4,5", "nan,0,1,1", "2,0,1,1", "0,0,inf,1", "9" * 101])
async def test_a_part_of_the_map_that_is_none_is_refused(bench: Bench, box: str) -> None:
    async with bench.browser() as browser:
        answer = await browser.get("/map/sites", params={"box": box})

    assert answer.status_code == 422
    assert answer.json()["code"] == "UnreadableRequest"


async def test_a_search_leaves_no_trace_in_the_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with bench.browser() as browser:
        await browser.get("/map/sites", params={"box": "35.61,139.61,35.69,139.69", "q": "hospital"})
        await browser.get("/map", params={"q": "hospital"})
        await browser.get("/map/sites", params={"box": "35.61,139.61,hospital"})

    ours = [record for record in caplog.records if record.name.startswith(("konsento", "uvicorn"))]
    for record in ours:
        assert "hospital" not in record.getMessage()
        assert "35.61" not in record.getMessage()


async def test_the_page_names_no_station(bench: Bench) -> None:
    async with bench.browser() as browser:
        answers = [
            await browser.get(path) for path in ("/map", f"/map/sites?box={TOKYO}", f"/sites/{await site_id(bench)}")
        ]

    assert all(answer.status_code == 200 for answer in answers)
    assert all(STATION not in answer.text for answer in answers)


async def test_an_outlet_without_a_price_is_not_listed_and_one_out_of_order_says_so(bench: Bench) -> None:
    await unsold(bench, CODE)
    await change(bench, OTHER_CODE, status=OutletStatus.FAULTED)
    number = await site_id(bench)
    async with bench.browser() as browser:
        site, now = await browser.get(f"/sites/{number}"), await browser.get(f"/sites/{number}/outlets")
        await unsold(bench, OTHER_CODE)
        nothing = await browser.get(f"/sites/{number}")
        listed = await browser.get("/map")

    assert CODE not in site.text
    assert "Outlet 2, north wall Out of order" in bench.words(site)
    assert now.json()["outlets"].keys() == {OTHER_CODE}
    assert now.json()["outlets"][OTHER_CODE]["standing"] == "faulted"
    assert nothing.status_code == 404
    assert "We cannot find this site." in bench.words(nothing)
    assert "There are no sites yet." in bench.words(listed)


async def test_my_outlet_is_mine_on_the_page_of_its_site(bench: Bench) -> None:
    number = await site_id(bench)
    async with bench.driver() as ann, bench.browser() as nobody:
        await bench.start(ann)
        await bench.site.reports("0")
        mine = (await ann.get(f"/sites/{number}/outlets")).json()
        others = (await nobody.get(f"/sites/{number}/outlets")).json()

    assert mine["outlets"][CODE]["standing"] == "mine"
    assert others["outlets"][CODE]["standing"] != "mine"


async def test_a_floor_plan_shows_each_outlet_as_a_link_with_its_name_and_state(bench: Bench) -> None:
    number = await site_id(bench)
    await change(bench, CODE, plan_x=250, plan_y=500)
    picture = b"\x89PNG of a car park"
    async with bench.browser() as browser:
        without = await browser.get(f"/sites/{number}/plan")
        async with bench.services.database.transaction() as session:
            session.add(
                FloorPlan(site_id=number, media_type="image/png", picture=picture, width=800, height=400, changed_at=AT)
            )
        page, plan = await browser.get(f"/sites/{number}"), await browser.get(f"/sites/{number}/plan?v=1")

    assert without.status_code == 404
    assert (plan.content, plan.headers["content-type"]) == (picture, "image/png")
    assert "immutable" in plan.headers["cache-control"]
    assert f'<img src="/sites/{number}/plan?v={int(AT.timestamp())}" width="800" height="400"' in page.text
    assert 'viewBox="0 0 1000 500"' in page.text
    assert 'transform="translate(250 250)"' in page.text
    assert 'aria-label="Outlet 1, north wall: Free now"' in page.text
    assert page.text.count('class="pin free"') == 1


async def test_the_way_opens_in_the_phones_own_map(bench: Bench) -> None:
    number = await site_id(bench)
    async with bench.services.database.transaction() as session:
        await session.execute(update(Site).values(name='"Sakura" & <Söhne>'))
    async with bench.browser() as browser:
        page = await browser.get(f"/sites/{number}")
        async with bench.services.database.transaction() as session:
            await session.execute(update(Site).values(latitude=None, longitude=None))
        nowhere, listed = await browser.get(f"/sites/{number}"), await browser.get("/map")

    way = "geo:35.6461,139.6532?q=35.6461,139.6532(%22Sakura%22%20%26%20%3CS%C3%B6hne%3E)"
    assert f'href="{way}"' in page.text
    assert "geo:" not in nowhere.text
    assert f'href="/sites/{number}"' in listed.text


@pytest.mark.parametrize("path", [f"/sites/{NOBODYS}", "/sites/x", f"/sites/{NOBODYS}/plan", "/sites/sakura-mall"])
async def test_a_site_that_is_none_is_not_found(bench: Bench, path: str) -> None:
    async with bench.browser() as browser:
        answer = await browser.get(path)
        data = await browser.get(f"/sites/{NOBODYS}/outlets")

    assert answer.status_code == 404
    assert (data.status_code, data.json()["code"]) == (404, "UnknownSite")


async def test_pages_of_sites_have_nothing_inline_and_load_nothing_from_elsewhere(bench: Bench) -> None:
    async with bench.browser("ja") as browser:
        answer = await browser.get(f"/sites/{await site_id(bench)}")

    loaded = re.findall(r'(?:src|href)="([^"#]*)"', answer.text)
    assert [address for address in loaded if not address.startswith(("/", "geo:"))] == []
    assert not re.search(r"<style|\sstyle=|<script>|\son\w+=", answer.text)
