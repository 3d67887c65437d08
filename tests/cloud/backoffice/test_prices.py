"""Prices in the back office: an operator makes and changes them without a shell, and sees what they mean before."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select

from konsento.catalogue import service as catalogue
from konsento.models import Role, Tariff
from konsento.pricing import Band

from ..conftest import AT, rate
from ..following import traded
from ..recommended import recommend

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

NEW = {"name": "night", "unit_price": "25", "tax": "10", "power_type": "wind", "supplier": "Sakura Energy"}
CHANGED = {"of": "demo", "unit_price": "40", "tax": "10", "power_type": "solar", "supplier": "Sakura Energy"}
SPOT = {"follows": "spot", "factor": "1,2", "plus": "-8", "floor": "15", "cap": "60"}
CHRISTMAS = "2026-12-24T00:00"


async def tariffs_of(office: Office, name: str) -> list[Tariff]:
    async with office.bench.services.database.transaction() as session:
        query = select(Tariff).where(Tariff.name == name).order_by(Tariff.valid_from)
        return list(await session.scalars(query))


async def set_price(browser: httpx.AsyncClient, data: dict[str, Any]) -> httpx.Response:
    return await browser.post("/office/prices", data=data | {"sure": "true"})


async def test_what_a_price_means_is_shown_before_it_is_set(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        shown = await browser.post("/office/prices", data=CHANGED | {"unit_price": "38.55"})
        words = office.bench.words(shown)
        unchanged = await tariffs_of(office, "demo")

    assert shown.status_code == 200
    assert "1 h at 3 kW ¥115 " in words  # 115.65, rounded as a bill is
    assert "6 kWh ¥231 " in words
    assert "Sakura Mall car park (2)" in words
    assert [tariff.unit_price for tariff in unchanged] == [Decimal("38.5")]
    assert await office.log("price.") == []


async def test_a_new_price_can_be_chosen_for_outlets_at_once(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        answer = await set_price(browser, NEW)
        listed = office.bench.words(await browser.get("/office/prices"))
        chosen = await browser.post(
            "/office/sites/sakura-mall/outlets/1",
            data={"name": "A1", "tariff": "night", "rated_w": "1500", "volts": "100"},
        )

    assert (answer.status_code, chosen.status_code) == (303, 303)
    assert "night ¥25 ¥75 ¥150 Wind · Sakura Energy" in listed
    (entry,) = await office.log("price.set")
    assert (entry.subject, entry.details["unit_price"], entry.details["power_type"]) == ("night", "25", "wind")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("38.50", "38.5"),
        ("38,50", "38.5"),
        ("３８．５", "38.5"),
        ("３８，５０円", "38.5"),
        (" ¥40 ", "40"),
        ("￥40", "40"),
        ("40 JPY/kWh", "40"),
        ("1,234.5", "1234.5"),
        ("0", "0"),
        ("0.00000001", "0.00000001"),
    ],
)
async def test_a_price_is_read_as_people_type_it(office: Office, typed: str, read: str) -> None:
    async with office.member(Role.OPERATOR) as browser:
        answer = await set_price(browser, NEW | {"unit_price": typed})

    assert answer.status_code == 303
    assert [tariff.unit_price for tariff in await tariffs_of(office, "night")] == [Decimal(read)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"unit_price": ""}, "Say what it costs"),
        ({"unit_price": "-1"}, "no price that can be used"),
        ({"unit_price": "38,500"}, "no price that can be used"),  # 38.5 or 38500
        ({"unit_price": "NaN"}, "no price that can be used"),
        ({"unit_price": "1e5"}, "no price that can be used"),
        ({"unit_price": "1_0"}, "no price that can be used"),
        ({"unit_price": "1000000"}, "no price that can be used"),
        ({"unit_price": "0.000000001"}, "no price that can be used"),
        ({"per_minute": "-2"}, "no price that can be used"),
        ({"unit_price": "", "idle": "10"}, "needs a price per kWh"),
        ({"idle": "10", "idle_free": "a while"}, "Standing idle costs nothing for"),
        ({"minimum": "200", "maximum": "100"}, "above the most"),
        ({"minimum": "-1"}, "The least and the most"),
        ({"maximum": "99.5"}, "The least and the most"),
        ({"band_begins": "22:00"}, "in each band"),
        ({"band_begins": "late", "band_energy": "20"}, "A band has hours"),
        ({"band_from": "02-30", "band_energy": "20"}, "A band has hours"),
        ({"unit_price": "", "band_energy": "20"}, "outside of the bands"),
        ({"band_begins": ["22:00", "23:00"], "band_energy": ["20", "10"]}, "hold at the same time"),
        ({"try_kwh": "lots"}, "The example is a charging"),
        ({"try_minutes": "10", "try_idle": "11"}, "The example is a charging"),
        ({"name": "  "}, "Give the price a name"),
        ({"name": "x" * 65}, "Give the price a name"),
        ({"name": "demo"}, "There is a price with the name demo already"),
        ({"supplier": " "}, "Say who sells the power"),
        ({"supplier_code": "Sakura!"}, "The supplier's registration number has capitals"),
        ({"follows": "windows"}, "no price that can be used"),
        ({"follows": "windows", "inside": "25"}, "a kWh costs less than at other times"),
        ({"follows": "windows", "inside": "20", "band_begins": "22:00", "band_energy": "20"}, "no bands of its own"),
        (SPOT | {"factor": "lots"}, "multiplied by a number above 0, 100 at most"),
        (SPOT | {"factor": "0"}, "multiplied by a number above 0"),
        (SPOT | {"plus": "some"}, "What is added to the spot price is a number"),
        (SPOT | {"floor": ""}, "Say the least and the most that a kWh costs"),
        (SPOT | {"floor": "26"}, "Say the least and the most that a kWh costs"),
        (SPOT | {"cap": "24"}, "Say the least and the most that a kWh costs"),
        ({"tax": "100"}, "The tax is a percentage"),
        ({"tax": "ten"}, "The tax is a percentage"),
        ({"power_type": "magic"}, "There is no such power type"),
        ({"begins": "2026-11-22T10:00"}, "A price begins now or later"),
        ({"begins": "2099-01-01T00:00"}, "A price begins now or later"),
        ({"begins": "soon"}, "A price begins now or later"),
    ],
)
async def test_what_cannot_be_a_price_is_told_and_the_form_kept(
    office: Office, wrong: dict[str, Any], sentence: str
) -> None:
    typed: dict[str, Any] = NEW | wrong
    async with office.member(Role.OPERATOR) as browser:
        for data in (typed, typed | {"sure": "true"}):
            answer = await browser.post("/office/prices", data=data)
            assert answer.status_code == 422
            assert sentence in office.bench.words(answer)
            assert f'value="{typed["supplier"]}"' in answer.text

    assert await tariffs_of(office, "night") == []
    assert await office.log("price.") == []


WHOLE = {
    "of": "demo",
    "unit_price": "30",
    "per_minute": "2",
    "per_session": "50",
    "idle": "10",
    "idle_free": "15",
    "minimum": "100",
    "maximum": "3000",
    "tax": "10",
    "tax_included": "false",
    "power_type": "solar",
    "supplier": "Sakura Energy",
    "band_begins": ["22:00", ""],
    "band_ends": ["6:00", ""],
    "band_days": ["0-4", "0-5"],
    "band_from": ["12-01", ""],
    "band_to": ["2/28", ""],
    "band_energy": ["20", ""],
    "band_time": ["1", ""],
    "try_kwh": "6",
    "try_minutes": "120",
    "try_idle": "30",
    "try_begins": "2026-12-04T21:00",
}


async def test_what_any_charging_costs_is_worked_out_before_a_price_is_set(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        shown = await browser.post("/office/prices", data=WHOLE)
        words = office.bench.words(shown)
        unchanged = await tariffs_of(office, "demo")

    # 21:00 to 22:30 it draws, of that an hour at the rate of the day; then it stands idle for half an hour.
    assert "6.00 kWh in 2 h from 4 Dec, 21:00 on costs ¥594." in words
    assert "Energy ¥33 / kWh Energy, 22:00–06:00, Fri, Sat, 1 Dec – 28 Feb ¥22 / kWh" in words
    assert "Standing idle ¥11 / min after 15 min" in words
    assert "4.00 kWh × ¥33 / kWh ¥132" in words
    assert "2.00 kWh × ¥22 / kWh (22:00–06:00, Fri, Sat, 1 Dec – 28 Feb) ¥44" in words
    assert "15 min × ¥11 / min idle ¥165" in words
    assert [tariff.unit_price for tariff in unchanged] == [Decimal("38.5")]


async def test_a_price_with_all_that_it_can_have_is_set_and_stands_in_the_form_of_the_next_one(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        preview = await browser.post("/office/prices", data=WHOLE)
        hidden: dict[str, list[str]] = {}
        for name, value in re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', preview.text):
            hidden.setdefault(name, []).append(value)
        answer = await browser.post("/office/prices", data={**hidden, "of": ["demo"], "sure": "true"})
        listed = office.bench.words(await browser.get("/office/prices"))
        again = (await browser.get("/office/prices/new", params={"of": "demo"})).text
        price = catalogue.price_of((await tariffs_of(office, "demo"))[-1], "Asia/Tokyo")

    assert answer.status_code == 303
    winter = Band(from_minute=1320, to_minute=360, weekdays=frozenset({4, 5}), from_day="12-01", to_day="02-28")
    assert price.rates == (
        rate("energy", "30"),
        rate("time", "2"),
        rate("session", "50"),
        rate("idle", "10", free_s=900),
        rate("energy", "20", winter),
        rate("time", "1", winter),
    )
    assert (price.min_minor, price.max_minor, price.tax_included) == (100, 3000, False)
    assert "demo ¥33 ¥2.20 / min · ¥55 per charging · ¥11 / min idle after 15 min · other rates at some times" in listed
    for field in ('name="per_minute" type="text" inputmode="decimal" maxlength="30" autocomplete="off" value="2"',):
        assert field in again
    assert 'value="0-4" checked' in again
    assert 'value="0-3" checked' not in again
    (entry,) = await office.log("price.set")
    assert entry.details["rates"].startswith("30 JPY per kWh, 2 JPY per min, 50 JPY per session")


async def test_a_price_by_the_spot_market_is_previewed_set_told_in_words_and_changed(office: Office) -> None:
    bench = office.bench
    midnight = datetime(2026, 11, 20, 15, tzinfo=UTC)
    await recommend(bench.services)
    await traded(bench.services, midnight, *["40"] * 48, *["10"] * 48)  # the day before, and today
    async with office.member(Role.OPERATOR) as browser:
        none = bench.words(await browser.post("/office/prices", data=CHANGED))
        shown = await browser.post("/office/prices", data=CHANGED | SPOT)
        await set_price(browser, CHANGED | SPOT)
        listed = bench.words(await browser.get("/office/prices"))
        again = (await browser.get("/office/prices/new", params={"of": "demo"})).text

    words = bench.words(shown)
    assert "the last 7 days" not in none
    # 40 and 10 yen, with tax × 1.2 − 8 are 44.80 for 24 hours and 15 for 10:58; the prices end at midnight.
    assert "Least ¥15 / kWh On average over time ¥35.45 / kWh Most ¥44.80 / kWh" in words
    assert "Time of which it is known 21%" in words
    assert "22 Nov, 10:58 – 11:00 ¥15 / kWh" in words
    assert "23 Nov, 00:00 – 10:58 ¥40 / kWh not known yet" in words
    assert shown.text.count("<svg viewBox") == 1
    assert "Energy by the spot market spot price with tax × 1.2 \u2212 ¥8 Least and most per kWh ¥15 – ¥60" in words
    assert "demo ¥40 spot price with tax × 1.2 \u2212 ¥8, ¥15 – ¥60" in listed
    for field in ('<option value="spot" selected>', 'name="factor" type="text" inputmode="decimal" maxlength="12"'):
        assert field in again
    assert 'value="1.2"' in again
    (entry,) = await office.log("price.set")
    assert entry.details["rates"] == "40 JPY per kWh, spot × 1.2 + -8 per kWh, from 15 to 60"


async def test_a_price_in_windows_is_previewed_and_set(office: Office) -> None:
    bench, inside = office.bench, {"follows": "windows", "inside": "30"}
    async with office.member(Role.OPERATOR) as browser:
        nowhere = bench.words(await browser.post("/office/prices", data=CHANGED | inside))
        await recommend(bench.services, (AT + timedelta(hours=1), AT + timedelta(hours=3)))
        shown = bench.words(await browser.post("/office/prices", data=CHANGED | inside))
        japanese = {"Accept-Language": "ja"}
        ja = bench.words(await browser.post("/office/prices", data=CHANGED | inside, headers=japanese))
        assert (await set_price(browser, CHANGED | inside)).status_code == 303
        bench.clock.advance(timedelta(minutes=1))
        changed = await set_price(browser, CHANGED | {"unit_price": "41"})

    assert "No region of the grid is set up yet" in nowhere
    assert "Energy in recommended windows ¥30 / kWh" in shown
    assert "22 Nov, 11:58 – 13:58 ¥30 / kWh" in shown
    assert "東京の 1 kWh あたり：過去 7 日間と今後 24 時間" in ja
    assert changed.status_code == 303
    assert [row.follows for row in await tariffs_of(office, "demo")] == [
        None,
        {"kind": "windows", "inside": "30"},
        None,
    ]


async def test_a_price_need_not_be_per_kwh(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        answer = await set_price(browser, NEW | {"unit_price": "", "per_minute": "3"})

    assert answer.status_code == 303
    assert [tariff.unit_price for tariff in await tariffs_of(office, "night")] == [Decimal(0)]


async def test_a_new_price_keeps_the_registration_number_of_the_supplier(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        form = (await browser.get("/office/prices/new", params={"of": "demo"})).text
        assert 'name="supplier_code"' in form
        assert 'value="A0269"' in form
        await set_price(browser, CHANGED | {"supplier_code": " a0269 "})

    assert [tariff.supplier_code for tariff in await tariffs_of(office, "demo")] == ["A0269", "A0269"]


async def test_a_running_session_keeps_its_price_and_the_next_one_has_the_new_one(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        first = await bench.start(driver, "1000")
        await bench.site.reports("0")
        changed = await set_price(browser, CHANGED | {"unit_price": "100"})
        await bench.site.reports("1000", watts=0, seconds=1200, ended="EnergyLimitReached")
        await bench.services.work.drain()
        old = bench.words(await driver.get(first))
        second = await bench.start(driver, "1000")
        await bench.site.charges("1000", seconds=1200)
        new = bench.words(await driver.get(second))

    assert changed.headers["location"] == "/office/prices"
    assert "¥38" in old
    assert "¥100" not in old
    assert "¥100" in new


async def test_a_price_that_is_planned_begins_by_the_clock_of_the_sites_and_can_be_withdrawn(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        assert (await set_price(browser, CHANGED | {"begins": CHRISTMAS})).status_code == 303
        listed = office.bench.words(await browser.get("/office/prices"))
        before, planned = await tariffs_of(office, "demo")
        withdrawn = await browser.post(f"/office/prices/{planned.id}/withdraw")
        again = await browser.post(f"/office/prices/{planned.id}/withdraw")
        begun = await browser.post(f"/office/prices/{before.id}/withdraw")

    assert planned.valid_from == before.valid_to == datetime(2026, 12, 23, 15, tzinfo=UTC)
    assert "coming from 2026-12-24 00:00:00" in listed
    assert (withdrawn.status_code, again.status_code, begun.status_code) == (303, 404, 409)
    assert "This price has begun already" in office.bench.words(begun)
    (left,) = await tariffs_of(office, "demo")
    assert (left.id, left.valid_to) == (before.id, None)
    assert [entry.subject for entry in await office.log("price.withdraw")] == ["demo"]


async def test_a_price_from_now_leaves_a_planned_one_in_place(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        await set_price(browser, CHANGED | {"begins": CHRISTMAS})
        office.bench.clock.advance(timedelta(minutes=10))
        assert (await set_price(browser, CHANGED | {"unit_price": "39"})).status_code == 303

    rows = await tariffs_of(office, "demo")
    assert [row.unit_price for row in rows] == [Decimal("38.5"), Decimal(39), Decimal(40)]
    assert [row.valid_to for row in rows] == [rows[1].valid_from, rows[2].valid_from, None]


async def test_a_price_that_holds_already_is_not_set_again(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        await set_price(browser, NEW)
        answer = await set_price(browser, NEW | {"name": "", "of": "night"})
        nowhere = await set_price(browser, NEW | {"of": "nowhere"})

    assert answer.status_code == 422
    assert "what holds at that moment already" in office.bench.words(answer)
    assert nowhere.status_code == 404
    assert len(await office.log("price.set")) == 1


async def test_the_pages_of_prices_speak_japanese(office: Office) -> None:
    async with office.member(Role.OPERATOR, "ja") as browser:
        listed = office.bench.words(await browser.get("/office/prices"))
        shown = office.bench.words(await browser.post("/office/prices", data=CHANGED))

    assert "料金" in listed
    assert "40円" in shown
    assert "この料金を設定する" in shown
