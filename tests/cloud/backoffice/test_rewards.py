"""Points and coupons in the back office: made, counted, stopped, given and corrected by who may, and logged."""

import csv
import re
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from konsento.models import Coupon, Driver, PointRule, Role
from konsento.rewards import points

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

CODE = "K7F29Q"
WISH = {"kind": "energy", "amount": "1", "unit": "kWh"}
RULE = {"points": "1.5", "power": "renewable"}
COUPON = {"title": "Sunny days", "kind": "percent", "value": "10 %", "code": "sunny 10"}
WHY = {"reason": "asked for by phone"}


async def coupon_page(browser: httpx.AsyncClient, **more: str) -> str:
    """Make a coupon; returns the address of its page."""
    answer = await browser.post("/office/rewards/coupons", data=COUPON | more)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_a_rule_is_made_listed_and_stopped(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        hours = {"from_time": "10:00", "to_time": "15:00", "tariff": "demo", "supplier": "A0269"}
        rules = ({}, hours, hours | {"in_windows": "true"})
        answers = [await browser.post("/office/rewards/rules", data=RULE | more) for more in rules]
        listed = office.bench.words(await browser.get("/office/rewards"))
        async with office.bench.services.database.transaction() as session:
            numbers = list(await session.scalars(select(PointRule.id).order_by(PointRule.created_at)))
        stopped = await browser.post(f"/office/rewards/rules/{numbers[0]}/stop")
        again = await browser.post(f"/office/rewards/rules/{numbers[0]}/stop")

    assert [answer.status_code for answer in [*answers, stopped]] == [303] * 4
    assert "1.5 eco points per kWh · Renewable energy – in force" in listed
    assert "1.5 eco points more per kWh from 10:00 to 15:00 · Renewable energy · for certain offers" in listed
    assert "1.5 eco points more per kWh in recommended hours from 10:00 to 15:00 · Renewable energy" in listed
    assert again.status_code == 409
    assert "This was stopped already." in office.bench.words(again)
    assert [entry.action for entry in await office.log("rewards.")] == ["rewards.rule"] * 3 + ["rewards.stop-rule"]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"points": "many"}, "Points for a kWh are a number above 0"),
        ({"points": "0"}, "Points for a kWh are a number above 0"),
        ({"points": "1e9"}, "Points for a kWh are a number above 0"),
        ({"power": "steam"}, "One of the sites, outlets, tariffs"),
        ({"from_time": "10:00"}, "Hours are two different times"),
        ({"from_time": "10:00", "to_time": "10:00"}, "Hours are two different times"),
        ({"from_time": "25:00", "to_time": "26:00"}, "Hours are two different times"),
        ({"ends": "2020-01-01T00:00"}, "It has to end after it begins"),
        ({"begins": "soon"}, "It has to end after it begins"),
    ],
)
async def test_a_rule_that_cannot_be_says_why_and_the_form_keeps_what_was_typed(
    office: Office, form: dict[str, str], says: str
) -> None:
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post("/office/rewards/rules", data=RULE | form)

    assert answer.status_code == 422
    assert says in office.bench.words(answer)
    assert await office.log("rewards.") == []


async def test_a_coupon_is_made_used_counted_and_stopped(office: Office) -> None:
    limits = {"most_uses": "5", "least": "10", "outlets": "k7f-29q", "tariffs": "demo", "powers": "renewable"}
    grant = {"grant_kwh": "1", "grant_power": "solar", "grant_days": "30", "first_only": ""}
    async with office.member(Role.OPERATOR) as browser, office.bench.driver() as driver:
        page = await coupon_page(browser, **limits, **grant)
        await driver.post(f"/o/{CODE}/start", data=WISH | {"coupon": "SUNNY10"})
        running = office.bench.words(await browser.get(page))
        await office.bench.site.charges("1000", seconds=1200)
        used = office.bench.words(await browser.get(page))
        listed = office.bench.words(await browser.get("/office/rewards"))
        stopped = await browser.post(f"{page}/stop")
        refused = await driver.get(f"/o/{CODE}/confirm", params=WISH | {"coupon": "SUNNY10"})

    assert "Charging now with it 1" in running
    assert "10% off" in used
    assert "Used 1 / 5 Taken off in all ¥4" in used
    assert "Given by itself after every 1.00 kWh · Solar" in used
    assert "SUNNY10 1 / 5" in listed
    assert stopped.status_code == 303
    assert "This coupon has run out." in office.bench.words(refused)
    assert [entry.action for entry in await office.log("rewards.")] == ["rewards.coupon", "rewards.stop-coupon"]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"title": " "}, "Give the coupon a title"),
        ({"kind": "gift"}, "One of the sites, outlets, tariffs"),
        ({"value": "110"}, "A coupon takes off more than nothing"),
        ({"kind": "amount", "value": "0.5"}, "A coupon takes off more than nothing"),
        ({"kind": "energy", "value": "x"}, "A coupon takes off more than nothing"),
        ({"most_uses": "many"}, "A limit is a whole number"),
        ({"grant_kwh": "-1"}, "A limit is a whole number"),
        ({"outlets": "ZZZZZZ"}, "One of the sites, outlets, tariffs"),
        ({"sites": "no-number"}, "One of the sites, outlets, tariffs"),
        ({"code": "ab"}, "A code has 4 to 24 letters"),
    ],
)
async def test_a_coupon_that_cannot_be_says_why(office: Office, form: dict[str, str], says: str) -> None:
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post("/office/rewards/coupons", data=COUPON | form)

    assert answer.status_code == 422
    assert says in office.bench.words(answer)


async def test_random_codes_are_made_and_taken_along_as_a_table_that_is_logged(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        page = await coupon_page(browser, code="")
        made = await browser.post(f"{page}/codes", data={"count": "20"})
        refused = await browser.post(f"{page}/codes", data={"count": "5001"})
        shown = await browser.get(page)
        (address,) = re.findall(r'href="([^"]+/codes\.csv[^"]+)"', shown.text)
        table = await browser.get(address)
        nothing = await browser.get(f"{page}/codes.csv?batch={uuid4()}")

    assert (made.status_code, refused.status_code, nothing.status_code) == (303, 422, 404)
    rows = list(csv.reader(table.text.removeprefix("\ufeff").splitlines()))
    assert rows[0] == ["Code", "Used", "Made"]
    assert len({row[0] for row in rows[1:]}) == 20
    assert all(re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", row[0]) for row in rows[1:])
    assert [entry.action for entry in await office.log("rewards.")][1:] == ["rewards.codes", "rewards.export"]


async def _points(office: Office, number: UUID) -> int:
    async with office.bench.services.database.transaction() as session:
        return (await points.standing(session, number)).available


async def test_points_are_corrected_within_bounds_once_and_for_a_reason(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser, office.bench.driver():
        async with office.bench.services.database.transaction() as session:
            (ann,) = await session.scalars(select(Driver.id))
        form = {"points": "120", "once": str(uuid4())} | WHY
        address = f"/office/drivers/{ann}/points"
        first, again = [office.bench.words(await browser.post(address, data=form)) for _ in range(2)]
        less = await browser.post(address, data={"points": "-20", "once": str(uuid4())} | WHY)
        refused = [
            await browser.post(address, data={"once": str(uuid4())} | WHY | bad)
            for bad in ({"points": "-101"}, {"points": "many"}, {"points": "0"}, {"points": "10001"}, {"reason": ""})
        ]

    assert "The driver now has 120 points." in first
    assert "This form was sent before. It was given once." in again
    assert "The driver now has 100 points." in office.bench.words(less)
    assert [answer.status_code for answer in refused] == [422] * 5
    assert await _points(office, ann) == 100
    entries = await office.log("driver.points")
    assert [(entry.details["points"], entry.details["reason"]) for entry in entries] == [
        (120, WHY["reason"]),
        (-20, WHY["reason"]),
    ]


async def test_a_driver_is_given_a_coupon_and_finds_it(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser, office.bench.driver() as driver:
        await coupon_page(browser, code="")
        async with office.bench.services.database.transaction() as session:
            (ann,) = await session.scalars(select(Driver.id))
            (number,) = await session.scalars(select(Coupon.id))
        shown = await browser.post(f"/office/drivers/{ann}", data=WHY)
        given = await browser.post(f"/office/drivers/{ann}/coupon", data={"coupon": str(number)} | WHY)
        unknown = await browser.post(f"/office/drivers/{ann}/coupon", data={"coupon": "x"} | WHY)
        found = office.bench.words(await driver.get("/account/rewards"))

    assert "Sunny days" in office.bench.words(shown)
    code = re.search(r"The driver has a new coupon: (\S+)", office.bench.words(given))
    assert code is not None
    assert f"10% off good {code[1]}" in found
    assert unknown.status_code == 404
    (entry,) = await office.log("driver.coupon")
    assert entry.details == {"reason": WHY["reason"], "coupon": "Sunny days"}


async def test_the_timeline_of_a_session_tells_points_as_points(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser, office.bench.driver() as driver:
        await browser.post("/office/rewards/rules", data=RULE | {"points": "5"})
        started = await driver.post(f"/o/{CODE}/start", data=WISH)
        await office.bench.site.charges("1000", seconds=1200)
        number = started.headers["location"].removeprefix("/s/")
        words = office.bench.words(await browser.get(f"/office/sessions/{number}"))

    assert "Points earned 5 points: points given out → driver's points" in words
