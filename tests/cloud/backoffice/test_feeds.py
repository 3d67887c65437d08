"""Data sources in the back office: added, looked at, fed with files, by those who may."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from konsento.models import GridRegion, GridSlot, GridSource, Role, Site
from konsento.operations import alarms

from ..grid.files import area_file
from ..web.conftest import AT

if TYPE_CHECKING:
    import httpx

    from tests.cloud.backoffice.conftest import Office

FORM = {"name": "Tokyo", "format": "jp_area", "region": "JP-A03", "key": "s3cr3t", "minutes": "30", "stale_hours": "36"}
TODAY = AT.date()


async def added(browser: httpx.AsyncClient, **said: str) -> str:
    """Add a source; returns its address."""
    answer = await browser.post("/office/feeds", data=FORM | said)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def uploaded(browser: httpx.AsyncClient, at: str, content: bytes, name: str = "yosoku.csv") -> httpx.Response:
    return await browser.post(f"{at}/upload", files={"file": (name, content, "text/csv")})


async def source(office: Office) -> GridSource:
    async with office.bench.services.database.transaction() as session:
        return (await session.scalars(select(GridSource))).one()


async def test_an_uploaded_file_is_read_and_can_be_taken_out_as_it_came(office: Office) -> None:
    content = area_file("JP-A03", TODAY).content
    async with office.member(Role.OPERATOR) as browser:
        at = await added(browser)
        before = office.bench.words(await browser.get(at))
        answer = await uploaded(browser, at, content)
        page = office.bench.words(await browser.get(answer.headers["location"]))
        again = await uploaded(browser, at, content)
        raw = await browser.get(f"{at}/good")
        listed = office.bench.words(await browser.get("/office/feeds"))
        await browser.post(f"{at}/remove")

    assert "nothing has come yet" in before
    assert "The file was read, and its data are used." in page
    assert "Slots 48" in page
    assert again.headers["location"] == f"{at}?taken=same"
    assert (raw.content, raw.headers["content-type"]) == (content, "application/octet-stream")
    assert raw.headers["content-disposition"].startswith("attachment")
    assert "Tokyo" in listed
    assert "in order" in listed
    async with office.bench.services.database.transaction() as session:
        assert list(await session.scalars(select(GridSlot))) == []
    entry = (await office.log("source.upload"))[0]
    assert entry.details == {"source": "Tokyo", "file": "yosoku.csv", "outcome": "good"}


async def test_a_file_that_cannot_be_read_says_why_in_the_language_of_the_page(office: Office) -> None:
    content = area_file("JP-A03", TODAY).content
    async with office.member(Role.OPERATOR, "ja") as browser:
        at = await added(browser)
        await uploaded(browser, at, content)
        refused = await uploaded(browser, at, b"<!DOCTYPE html><title>503</title>", "../../etc/<b>.csv")
        page = await browser.get(at)
        raw = await browser.get(f"{at}/bad")

    assert refused.status_code == 422
    assert "ウェブページ" in refused.text
    assert "ウェブページ" in page.text
    assert "<b>" not in page.text.split("<main", 1)[1]
    assert raw.content == b"<!DOCTYPE html><title>503</title>"
    assert "<" not in raw.headers["content-disposition"]
    assert (await source(office)).good_at == AT


async def test_only_keepers_change_sources_and_upload_files(office: Office) -> None:
    content = area_file("JP-A03", TODAY).content
    async with office.member(Role.OPERATOR) as keeper, office.member(Role.SUPPORT) as support:
        at = await added(keeper)
        refused = [
            await uploaded(support, at, content),
            await support.post(at, data=FORM),
            await support.post("/office/feeds", data=FORM),
            *[await support.post(f"{at}/{what}") for what in ("fetch", "switch", "remove")],
        ]
        page = await support.get(at)
        async with office.bench.browser() as nobody:
            unknown = await uploaded(nobody, at, content)

    assert [answer.status_code for answer in refused] == [403] * 6
    assert unknown.status_code == 303
    assert unknown.headers["location"].startswith("/office/signin")
    assert page.status_code == 200
    assert "<form" not in page.text.split("<main", 1)[1].split("</main", 1)[0]
    assert (await source(office)).good_at is None


async def test_a_file_beyond_the_bound_is_not_even_read(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        at = await added(browser)
        answer = await browser.post(
            f"{at}/upload",
            content=b"--x",
            headers={"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "30000000"},
        )
        none = await browser.post(f"{at}/upload", data={"file": "text"})

    assert answer.status_code == 413
    assert none.status_code == 422


async def test_a_key_is_written_and_never_shown(office: Office) -> None:
    async with office.member(Role.ADMIN) as browser:
        at = await added(browser)
        pages = [await browser.get(at), await browser.get("/office/feeds"), await browser.get("/office/log")]
        await browser.post(at, data=FORM | {"key": "", "name": "Tokyo, today"})
        kept = await source(office)
        await browser.post(at, data=FORM | {"key": "", "no_key": "true"})

    assert not [page for page in pages if "s3cr3t" in page.text]
    assert (kept.secret, kept.name) == ("s3cr3t", "Tokyo, today")
    assert (await source(office)).secret == ""
    assert not [entry for entry in await office.log() if "s3cr3t" in str(entry.details)]


async def test_presets_fill_the_form_in_and_their_region_comes_with_them(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        page = (await browser.get("/office/feeds/new", params={"preset": "jp-09"})).text
        url = re.search(r'name="url"[^>]*value="([^"]*)"', page)
        assert url is not None
        await added(browser, region="JP-A09", url=url[1])

    found = await source(office)
    assert (found.region, found.url.rpartition("/")[2]) == ("JP-A09", "21110_TSO9_0_{yyyymmdd}.csv")
    async with office.bench.services.database.transaction() as session:
        region = await session.get(GridRegion, "JP-A09")
    assert region is not None
    assert (region.name_ja, region.time_zone, region.advises) == ("九州エリア", "Asia/Tokyo", False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://data.example/x.csv"),
        ("url", "https://10.0.0.1/x.csv"),
        ("url", "https://localhost/x.csv"),
        ("url", "https://data.example/{tomorow:yyyymmdd}"),
        ("url", "https://{yyyymmdd}.example/"),
        ("folder", "../up"),
        ("format", "excel"),
        ("region", "JP-A99"),
        ("minutes", "0.5"),
        ("minutes", "1e99999999"),
        ("stale_hours", "soon"),
        ("name", " "),
        ("key", "schlüssel"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_reason_and_the_form_stays_filled(
    office: Office, field: str, value: str
) -> None:
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post("/office/feeds", data=FORM | {"folder": "tokyo"} | {field: value})

    assert answer.status_code == 422
    assert 'id="problem"' in answer.text
    assert field == "folder" or 'value="tokyo"' in answer.text
    assert "s3cr3t" not in answer.text


async def test_a_site_is_put_into_a_region_and_out_of_it(office: Office) -> None:
    site = {"name": "Sakura Mall car park", "time_zone": "Asia/Tokyo"}
    async with office.member(Role.OPERATOR) as browser:
        await added(browser)
        page = (await browser.get("/office/sites/sakura-mall")).text
        await browser.post("/office/sites/sakura-mall", data=site | {"region": "JP-A03"})
        async with office.bench.services.database.transaction() as session:
            there = await session.scalar(select(Site.region))
        unknown = await browser.post("/office/sites/sakura-mall", data=site | {"region": "JP-A01"})
        await browser.post("/office/sites/sakura-mall", data=site | {"region": ""})

    assert re.search(r'<option value="JP-A03">[^<]*Tokyo[^<]*</option>', page)
    assert there == "JP-A03"
    assert unknown.status_code == 404
    async with office.bench.services.database.transaction() as session:
        assert await session.scalar(select(Site.region)) is None


async def test_an_old_source_is_an_alarm_with_the_way_to_its_page(office: Office) -> None:
    services = office.bench.services
    async with office.member(Role.OPERATOR) as browser:
        at = await added(browser)
        await uploaded(browser, at, area_file("JP-A03", TODAY).content)
        office.bench.clock.advance(timedelta(hours=60))
        async with services.database.transaction() as session:
            await alarms.watch(session, services.clock.now())
    async with office.member(Role.VIEWER) as browser:
        page = (await browser.get("/office/alarms")).text
        listed = office.bench.words(await browser.get("/office/feeds"))

    assert f'href="{at}"' in page
    assert "Data of the grid too old" in page
    assert "too old" in listed
