"""Sites in the back office: an operator sets everything up by pages alone."""

import asyncio
import json
import re
from html import unescape
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from sqlalchemy import select

from konsento.models import WITH_OFFERS, FloorPlan, Outlet, OutletStatus, PresenceCheck, Role, Site
from konsento.ocpp import CallRefused, CallTimeout, StationOffline
from konsento.ocpp.messages import (
    Component,
    DataTransfer,
    DataTransferResponse,
    DataTransferStatus,
    SetVariableResult,
    SetVariables,
    SetVariablesResponse,
    SetVariableStatus,
    StatusInfo,
    Variable,
)
from konsento.settings import Settings
from konsento.sites import stations
from konsento.sites.lookups import Lookups
from konsento.sites.outlets import Told

from ..conftest import STATION

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

SITE = f"/office/sites/{STATION}"
OUTLET = f"{SITE}/outlets/1"
NEW: dict[str, str] = {
    "name": "Minato Tower",
    "place": "Minato, Tokyo",
    "time_zone": "Asia/Tokyo",
    "latitude": "35.6581",
    "longitude": "139.7414",
    "presence": "lamp",
}
FIELDS = {"name": "A1", "tariff": "demo", "rated_w": "1500", "volts": "100"}


async def site_of(office: Office, station_id: str = STATION) -> Site:
    async with office.bench.services.database.transaction() as session:
        site = await session.scalar(select(Site).where(Site.station_id == station_id))
    assert site is not None
    return site


async def outlet_of(office: Office, evse_id: int = 1) -> Outlet:
    async with office.bench.services.database.transaction() as session:
        outlet = await session.scalar(select(Outlet).where(Outlet.evse_id == evse_id).options(WITH_OFFERS))
    assert outlet is not None
    return outlet


def line_in(page: httpx.Response) -> str:
    found = re.search(r'<p class="key" translate="no">(ws[^<]+)</p>', page.text)
    assert found is not None
    return unescape(found[1])


async def lets_in(office: Office, station_id: str, password: str) -> bool:
    return bool(await stations.let_in(Lookups(office.bench.services.database), station_id, password=password))


def picture(width: int = 400, height: int = 200) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (width, height), "white").save(stream, format="PNG")
    return stream.getvalue()


def set_password(office: Office, status: SetVariableStatus | Exception) -> list[str]:
    asked: list[str] = []

    def answer(request: SetVariables) -> Any:
        asked.append(request.set_variable_data[0].attribute_value)
        if isinstance(status, Exception):
            return status
        about = {"component": Component(name="SecurityCtrlr"), "variable": Variable(name="BasicAuthPassword")}
        return SetVariablesResponse(set_variable_result=[SetVariableResult(attribute_status=status, **about)])

    office.bench.site.answers[SetVariables] = answer
    return asked


async def test_a_new_site_gets_a_way_in_that_is_shown_once_and_kept_nowhere(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with office.member(Role.OPERATOR) as browser:
        shown = await browser.post("/office/sites", data=NEW)
        later = [await browser.get(at) for at in ("/office/sites/minato-tower", "/office/sites")]
    line = line_in(shown)
    parts = urlsplit(line)
    site = await site_of(office, "minato-tower")

    assert shown.headers["cache-control"] == "no-store"
    assert (parts.scheme, parts.username, parts.path) == ("ws", "minato-tower", "/ocpp")
    assert parts.password is not None
    assert await lets_in(office, "minato-tower", parts.password)
    assert not await lets_in(office, "minato-tower", "another-password")
    assert "<svg" in shown.text
    assert all(parts.password not in page.text for page in later)
    assert parts.password not in caplog.text + site.password_hash
    (entry,) = await office.log("site.create")
    assert (entry.subject, parts.password in json.dumps(entry.details)) == ("minato-tower", False)
    assert (site.name, site.latitude, site.longitude) == ("Minato Tower", 35.6581, 139.7414)
    assert site.presence is PresenceCheck.LAMP


@pytest.mark.parametrize(
    ("name", "station_ids"),
    [
        ("Café 24/7 – Nord!", ["cafe-24-7-nord", "cafe-24-7-nord-2"]),
        ("港区タワー駐車場", ["site-1", "site-2"]),
        ("1", ["site-1", "site-2"]),
    ],
)
async def test_a_station_id_reads_like_the_name_and_is_the_only_one(
    office: Office, name: str, station_ids: list[str]
) -> None:
    async with office.member(Role.OPERATOR) as browser:
        pages = [await browser.post("/office/sites", data={**NEW, "name": name}) for _ in station_ids]

    assert [urlsplit(line_in(page)).username for page in pages] == station_ids


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "  "}, "Give it a name"),
        ({"name": "x" * 101}, "Give it a name"),
        ({"place": "x" * 201}, "too long"),
        ({"time_zone": "Mars/Olympus"}, "time zone from the list"),
        ({"latitude": "91"}, "A position is"),
        ({"latitude": ""}, "A position is"),
        ({"latitude": "nan"}, "A position is"),
        ({"longitude": "here"}, "A position is"),
        ({"station_id": STATION}, "There is a site"),
        ({"station_id": "Ab"}, "A station id has"),
        ({"station_id": "a:b"}, "A station id has"),
    ],
)
async def test_a_mistake_is_said_and_what_was_typed_stays(
    office: Office, change: dict[str, str], sentence: str
) -> None:
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post("/office/sites", data={**NEW, "place": "Kept as typed", **change})

    assert page.status_code == 422
    assert sentence in office.bench.words(page)
    assert "place" in change or "Kept as typed" in page.text
    assert await office.log("site.create") == []


async def test_what_is_said_about_a_site_is_changed_and_logged(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post(SITE, data={**NEW, "latitude": " ３５.５ "})
        again = await browser.get(SITE)
    site = await site_of(office)

    assert answer.status_code == 303
    assert (site.name, site.latitude, site.presence) == ("Minato Tower", 35.5, PresenceCheck.LAMP)
    assert "data-place-picker" in again.text
    (entry,) = await office.log("site.change")
    assert entry.details["name"] == "Minato Tower"


async def test_opening_hours_are_set_without_knowing_how_they_are_written(office: Office) -> None:
    week: dict[str, Any] = {"mode": "week", "holidays": "own"}
    for day in ("Mo", "Tu", "We", "Th", "Fr"):
        week |= {f"{day}-from": ["08:00", "13:00"], f"{day}-to": ["12:00", "02:00"]}
    week |= {"Sa-from": ["00:00", ""], "Sa-to": ["00:00", ""]}
    async with office.member(Role.OPERATOR) as browser:
        await browser.post(f"{SITE}/hours", data=week)
        page = await browser.get(SITE)
        written = (await site_of(office)).opening_hours
        await browser.post(f"{SITE}/hours", data={**week, "mode": "always"})

    assert written == "Mo-Fr 08:00-12:00,13:00-02:00; Sa 00:00-24:00; PH off"
    assert re.search(r'name="Mo-to" value="02:00"', page.text)
    assert re.search(r'name="Sa-from" value="00:00"', page.text)
    assert (await site_of(office)).opening_hours == ""
    assert [entry.details["opening_hours"] for entry in await office.log("site.hours")] == [written, ""]


@pytest.mark.parametrize(
    "fields",
    [
        {"Mo-from": "08:00", "Mo-to": ""},
        {"Mo-from": "08:00", "Mo-to": "25:00"},
        {"Mo-from": ["08:00", "11:00"], "Mo-to": ["12:00", "13:00"]},
        {"Mo-from": ["08:00"], "Mo-to": ["12:00", "13:00"]},
        {"Mo-from": "eight", "Mo-to": "ten"},
    ],
)
async def test_hours_that_cannot_be_are_refused(office: Office, fields: dict[str, Any]) -> None:
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(f"{SITE}/hours", data={"mode": "week", **fields})

    assert page.status_code == 422
    assert "The opening hours cannot be read" in page.text
    assert (await site_of(office)).opening_hours == ""


async def test_a_floor_plan_is_taken_shown_and_removed(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        nothing = await browser.get(f"{SITE}/plan")
        answer = await browser.post(f"{SITE}/plan", files={"picture": ("plan.png", picture(), "image/png")})
        shown = await browser.get(f"{SITE}/plan")
        page = await browser.get(OUTLET)
        await browser.post(OUTLET, data={**FIELDS, "plan_x": "250", "plan_y": "750"})
        placed = await outlet_of(office)
        on_site = await browser.get(SITE)
        await browser.post(f"{SITE}/plan/remove")
        gone = await browser.get(f"{SITE}/plan")

    assert (nothing.status_code, answer.status_code, gone.status_code) == (404, 303, 404)
    assert (shown.headers["content-type"], shown.content[8:12]) == ("image/webp", b"WEBP")
    assert 'viewBox="0 0 1000 500"' in page.text
    assert (placed.plan_x, placed.plan_y) == (250, 750)
    assert 'transform="translate(250 375)"' in on_site.text
    assert (await outlet_of(office)).plan_x is None
    assert len(await office.log("site.plan")) == 2


@pytest.mark.parametrize(
    ("content", "status"), [(b"no picture", 422), (b"", 422), (bytes(9 * 1024 * 1024), 413), (None, 422)]
)
async def test_what_is_no_floor_plan_is_refused(office: Office, content: bytes | None, status: int) -> None:
    async with office.member(Role.OPERATOR) as browser:
        if content is None:
            answer = await browser.post(f"{SITE}/plan", data={"picture": "text"})
        else:
            answer = await browser.post(f"{SITE}/plan", files={"picture": ("plan.png", content, "image/png")})

    assert answer.status_code == status
    assert "Nothing was changed." in answer.text
    async with office.bench.services.database.transaction() as session:
        assert await session.scalar(select(FloorPlan)) is None


async def test_an_outlet_is_named_priced_and_limited(office: Office) -> None:
    async with office.bench.services.database.transaction() as session:
        await stations.note_status(session, STATION, 7, OutletStatus.AVAILABLE, reason="", at=office.bench.clock.now())
    seventh = f"{SITE}/outlets/7"
    async with office.member(Role.OPERATOR) as browser, office.bench.browser() as driver:
        new = await browser.get(SITE)
        code = (await outlet_of(office, 7)).code
        before = await driver.get(f"/o/{code}")
        await browser.post(seventh, data={**FIELDS, "most_kwh": "7.5", "most_min": "90"})
        after = await driver.get(f"/o/{code}")
        page = await browser.get(seventh)
    outlet = await outlet_of(office, 7)

    assert "not sold yet" in office.bench.words(new)
    assert (before.status_code, after.status_code) == (409, 200)
    assert "Nothing is sold here yet." in before.text
    assert f'href="/o/{code}"' not in before.text
    assert (outlet.name, outlet.tariff_names, outlet.rated_w, outlet.volts) == ("A1", ["demo"], 1500, 100)
    assert (outlet.most_wh, outlet.most_s) == (7500, 5400)
    assert 'name="most_kwh" type="text" inputmode="decimal" maxlength="8" size="7" value="7.5"' in page.text
    (entry,) = await office.log("outlet.change")
    assert (entry.subject, entry.details["tariffs"]) == (code, ["demo"])


async def test_whose_the_ratings_are_stands_beside_them(office: Office) -> None:
    listed = {1: Told(rated_w=1500, volts=101)}
    async with office.member(Role.OPERATOR) as browser:
        nothing = await browser.get(OUTLET)
        async with office.bench.services.database.transaction() as session:
            await stations.note_inventory(session, STATION, listed, whole=False, at=office.bench.clock.now())
        other = await browser.get(OUTLET)
        await browser.post(OUTLET, data={**FIELDS, "rated_w": "1500", "volts": "100"})
        same = await browser.get(OUTLET)

    assert "The site reports no ratings." in nothing.text
    assert "The site reports 100 V · 1.50 kW. What differs is yours" in office.bench.words(other)
    assert "As the site reports them" in same.text


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"tariff": "no-such-tariff"},
        {"rated_w": "50"},
        {"rated_w": ""},
        {"volts": "1e3"},
        {"most_kwh": "0.0001"},
        {"most_kwh": "101"},
        {"most_min": "0"},
        {"most_min": "many"},
        {"plan_x": "5"},
        {"plan_x": "5", "plan_y": "1001"},
        {"plan_x": "-1", "plan_y": "5"},
    ],
)
async def test_what_an_outlet_cannot_be_is_refused(office: Office, change: dict[str, str]) -> None:
    before = await outlet_of(office)
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(OUTLET, data={**FIELDS, **change})
    after = await outlet_of(office)

    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert (after.name, after.tariff_names, after.rated_w) == (before.name, before.tariff_names, before.rated_w)


async def test_an_outlet_is_put_out_of_order_with_a_note_and_back(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser, office.bench.browser() as driver:
        await browser.post(f"{OUTLET}/close", data={"note": " Back on  Monday <b> "})
        closed = await driver.get("/o/K7F29Q")
        too_long = await browser.post(f"{OUTLET}/close", data={"note": "x" * 201})
        await browser.post(f"{OUTLET}/open")
        opened = await driver.get("/o/K7F29Q")

    assert "This outlet is out of use." in closed.text
    assert "The operator says: Back on Monday &lt;b&gt;" in closed.text
    assert too_long.status_code == 422
    assert "This outlet is free." in opened.text
    assert [entry.action for entry in await office.log("outlet.")] == ["outlet.close", "outlet.open"]


async def test_a_new_password_is_set_at_the_site_and_shown_once(office: Office) -> None:
    asked = set_password(office, SetVariableStatus.ACCEPTED)
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(f"{SITE}/password", data={"at_site": "true"})
    password = urlsplit(line_in(page)).password

    assert asked == [password]
    assert "has taken its new password" in page.text
    assert password is not None
    assert await lets_in(office, STATION, password)
    assert not await lets_in(office, STATION, "station-password-1")
    assert password not in json.dumps([entry.details for entry in await office.log()])


@pytest.mark.parametrize(
    "refusal",
    [
        SetVariableStatus.REJECTED,
        CallRefused(STATION, "SetVariables", "NotSupported"),
        StationOffline(STATION, "SetVariables"),
    ],
)
async def test_a_site_that_does_not_take_a_password_keeps_its_own(
    office: Office, refusal: SetVariableStatus | Exception
) -> None:
    (asked,) = [set_password(office, refusal)]
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(f"{SITE}/password", data={"at_site": "true"})

    assert page.status_code == 409
    assert "The old one stays." in page.text
    assert all(password not in page.text for password in asked)
    assert await lets_in(office, STATION, "station-password-1")


async def test_a_site_that_does_not_answer_may_have_its_new_password(office: Office) -> None:
    set_password(office, CallTimeout(STATION, "SetVariables", "link lost"))
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(f"{SITE}/password", data={"at_site": "true"})
    password = urlsplit(line_in(page)).password

    assert "it may or may not have the new password" in page.text
    assert password is not None
    assert await lets_in(office, STATION, password)


async def test_a_password_can_be_made_for_a_site_that_is_away(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(f"{SITE}/password")

    assert "The old password does not let it in any more." in page.text
    assert office.bench.site.asked == []
    assert not await lets_in(office, STATION, "station-password-1")


def trace_answer(office: Office, answer: Any) -> list[DataTransfer]:
    asked: list[DataTransfer] = []

    def play(request: DataTransfer) -> Any:
        asked.append(request)
        return answer

    office.bench.site.answers[DataTransfer] = play
    return asked


HOPS = [{"hop": "server", "reachable": True, "roundTripMs": 12.1}, {"hop": "aa", "reachable": True, "roundTripMs": 8.4}]


async def test_an_outlet_is_traced_hop_by_hop(office: Office) -> None:
    asked = trace_answer(office, DataTransferResponse(status=DataTransferStatus.ACCEPTED, data={"hops": HOPS}))
    async with office.member(Role.OPERATOR) as browser:
        page = office.bench.words(await browser.post(f"/office/stations/{STATION}/trace", data={"outlet": "1"}))

    assert (asked[0].vendor_id, asked[0].message_id, asked[0].data) == ("org.konsento", "LinkTrace", {"evseId": 1})
    assert "Every part of the way answers." in page
    assert re.search(r"Server → site .*ms answers Site → outlet 1 8 ms", page)
    told = [(entry.action, entry.details) for entry in await office.log("station.")]
    assert told == [
        ("station.LinkTrace", {"outlet": 1}),
        ("station.answered", {"to": "LinkTrace", "answer": "Accepted"}),
    ]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (DataTransferResponse(status=DataTransferStatus.UNKNOWN_VENDOR_ID), "of another make"),
        (DataTransferResponse(status=DataTransferStatus.UNKNOWN_MESSAGE_ID), "of another make"),
        (CallRefused(STATION, "DataTransfer", "NotSupported"), "of another make"),
        (CallTimeout(STATION, "DataTransfer", "no answer in time"), "The site did not answer"),
        (
            DataTransferResponse(
                status=DataTransferStatus.REJECTED, status_info=StatusInfo(reason_code="UnknownOutlet")
            ),
            "The site refused: UnknownOutlet.",
        ),
        (
            DataTransferResponse(
                status=DataTransferStatus.ACCEPTED, data={"hops": [HOPS[0], {"hop": "aa", "reachable": False}]}
            ),
            "The outlet does not answer the site.",
        ),
        (DataTransferResponse(status=DataTransferStatus.ACCEPTED), "cannot be read"),
        (DataTransferResponse(status=DataTransferStatus.ACCEPTED, data={"hops": HOPS * 100}), "cannot be read"),
        (DataTransferResponse(status=DataTransferStatus.ACCEPTED, data={"hops": [{"hop": 1}]}), "cannot be read"),
        (DataTransferResponse(status=DataTransferStatus.ACCEPTED, data={"hops": []}), "cannot be read"),
    ],
)
async def test_what_a_trace_finds_wrong_is_said(office: Office, answer: Any, sentence: str) -> None:
    trace_answer(office, answer)
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(f"/office/stations/{STATION}/trace", data={"outlet": "1"})

    assert page.status_code == 200
    assert sentence in office.bench.words(page)


async def test_an_outlet_can_be_made_to_blink(office: Office) -> None:
    asked = trace_answer(office, DataTransferResponse(status=DataTransferStatus.ACCEPTED))
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.post(f"/office/stations/{STATION}/identify", data={"outlet": "2"})

    assert (asked[0].message_id, asked[0].data) == ("Identify", {"evseId": 2, "seconds": 20})
    assert "Outlet 2 blinks for 20 s." in page.text


async def test_a_viewer_sees_sites_without_their_forms(office: Office) -> None:
    async with office.member(Role.VIEWER) as browser:
        pages = [await browser.get(at) for at in ("/office/sites", SITE, OUTLET, f"{SITE}/live", "/office/sites/live")]

    assert [page.status_code for page in pages] == [200] * 5
    assert all(page.text.count("<form") <= 1 for page in pages)  # the sign-out
    assert "/office/sites/new" not in pages[0].text


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"public_url": "https://charge.example"}, "wss://charge.example/ocpp"),
        ({"public_url": "https://charge.example:8443"}, "wss://charge.example:8443/ocpp"),
        ({"public_url": "http://192.0.2.7:8080", "ocpp_port": 9000}, "ws://192.0.2.7:9000/ocpp"),
        ({"public_url": "http://[2001:db8::7]:8080"}, "ws://[2001:db8::7]:8081/ocpp"),
        ({"ocpp_url": "wss://ocpp.charge.example/ocpp/"}, "wss://ocpp.charge.example/ocpp"),
    ],
)
def test_the_address_that_sites_dial_follows_that_of_the_pages(settings: dict[str, Any], address: str) -> None:
    assert Settings(**settings).public_ocpp_url == address


async def test_two_operators_who_make_the_same_site_make_one(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        pages = await asyncio.gather(
            *(browser.post("/office/sites", data={**NEW, "station_id": "minato"}) for _ in range(3))
        )

    assert sorted(page.status_code for page in pages) == [200, 422, 422]
