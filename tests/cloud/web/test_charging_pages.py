"""Choosing how much, paying, changing the limit, being told, looking back: what a driver sees and gets."""

import csv
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from konsento.models import Outlet, PushSubscription
from konsento.ocpp.messages import RequestStartTransaction
from konsento.settings import Settings

from ..conftest import rate, reprice

if TYPE_CHECKING:
    from httpx import AsyncClient

    from tests.cloud.web.conftest import Bench

CODE = "K7F29Q"


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return settings.model_copy(update=getattr(request, "param", {}))


with_card = pytest.mark.parametrize("settings", [{"fake_payments": True}], indirect=True)
with_mail = pytest.mark.parametrize("settings", [{"smtp_url": "smtp://localhost"}], indirect=True)


async def outlets_most(bench: Bench, **most: int) -> None:
    async with bench.services.database.transaction() as session:
        await session.execute(update(Outlet).values(**most))


async def test_until_full_tells_the_most_before_it_starts_and_ends_with_the_car(bench: Bench) -> None:
    async with bench.driver() as browser:
        estimate = (await browser.get(f"/o/{CODE}/estimate?kind=full")).json()
        price = bench.words(await browser.get(f"/o/{CODE}/confirm?kind=full"))
        started = await browser.post(f"/o/{CODE}/start", data={"kind": "full"})
        session = started.headers["location"]
        await bench.site.reports("0")
        await bench.site.reports("400", seconds=480)
        live = bench.words(await browser.get(session))
        await bench.site.reports("5200", watts=0, seconds=7000, ended="EVDisconnected")
        await bench.services.work.drain()
        receipt = bench.words(await browser.get(session))

    assert estimate["ok"]
    assert "Ends when the car takes no more: 72.00 kWh, 24 h, ¥2,772 at most" in estimate["text"].replace("\u00a0", " ")
    assert "Until the car is full, ¥2,772 at most." in price
    assert "We hold ¥2,772 until the end and take only what you use." in price
    assert "Charging until the car is full." in live
    assert "until full, at most 72.00 kWh" in live
    assert "Thank you. ¥200 for 5.20 kWh." in receipt
    assert "the car took no more power" in receipt


async def test_the_outlets_most_is_shown_and_kept_to(bench: Bench) -> None:
    await outlets_most(bench, most_wh=3000, most_s=5400)
    async with bench.driver() as browser:
        choose = bench.words(await browser.get(f"/o/{CODE}/choose"))
        more = await browser.post(f"/o/{CODE}/start", data={"kind": "energy", "amount": "4"})
        await bench.start(browser, "2", "kWh")

    assert "Here one charging ends at 3.00 kWh or after 1 h 30 min at the latest." in choose
    assert more.status_code == 422
    assert "At this outlet one charging can be 3 kWh at most." in bench.words(more)
    request = bench.site.asked[-1]
    assert isinstance(request, RequestStartTransaction)
    assert request.custom_data is not None
    assert (request.custom_data["energyLimitWh"], request.custom_data["timeLimitS"]) == (2000, 5400)


async def test_somebody_who_is_not_signed_in_sees_the_price_and_then_says_who_pays(bench: Bench) -> None:
    async with bench.browser() as browser:
        price = await browser.get(f"/o/{CODE}/confirm?kind=energy&amount=1")
        start = await browser.post(f"/o/{CODE}/start", data={"kind": "energy", "amount": "1"})

    assert "1.00 kWh for about ¥38." in bench.words(price)
    assert "/guest" not in price.text  # there is no way in which a guest could pay
    assert "/signin?next=/o/K7F29Q/confirm%3Fkind%3Denergy%26amount%3D1" in price.text
    assert start.headers["location"].startswith("/signin")


@with_card
async def test_a_guest_can_go_on_where_there_is_a_way_to_pay_for_guests(bench: Bench) -> None:
    async with bench.browser() as browser:
        price = await browser.get(f"/o/{CODE}/confirm?kind=full")

    assert 'href="/guest?next=/o/K7F29Q/confirm%3Fkind%3Dfull"' in price.text


@with_card
async def test_a_driver_chooses_how_to_pay_and_the_receipt_says_how(bench: Bench) -> None:
    async with bench.driver() as browser:
        price = bench.words(await browser.get(f"/o/{CODE}/confirm?kind=energy&amount=1"))
        answer = await browser.post(f"/o/{CODE}/start", data={"kind": "energy", "amount": "1", "provider": "fake"})
        await bench.site.charges("1000", seconds=1200)
        receipt = bench.words(await browser.get(answer.headers["location"]))
        left = await bench.balance(browser)

    assert "Your balance holds ¥38 Test card (no money moves) holds ¥38" in price
    assert "Paid with the test card (no money moved) ¥38" in receipt
    assert left == "¥3,000"


@with_card
async def test_a_card_that_declines_starts_nothing(bench: Bench) -> None:
    await reprice(bench.services, rate("energy", "3850"))
    async with bench.driver() as browser:
        answer = await browser.post(f"/o/{CODE}/start", data={"kind": "money", "amount": "10001", "provider": "fake"})

    assert answer.status_code == 402
    assert "The card was declined, so nothing is held." in bench.words(answer)
    assert bench.site.asked == []


@pytest.mark.parametrize("provider", ["fake", "stripe", "x" * 5000])
async def test_a_way_to_pay_that_is_not_offered_starts_nothing(bench: Bench, provider: str) -> None:
    async with bench.driver() as browser:
        answer = await browser.post(f"/o/{CODE}/start", data={"kind": "energy", "amount": "1", "provider": provider})

    assert answer.status_code == 422
    assert "This way to pay is not offered here." in bench.words(answer)
    assert bench.site.asked == []


async def test_the_limit_is_changed_while_charging_and_the_page_says_so(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "1", "kWh")
        await bench.site.reports("0")
        await bench.site.reports("400", seconds=480)
        form = await browser.get(f"{session}/limit")
        estimate = (await browser.get(f"{session}/limit/estimate?kind=energy&amount=2")).json()
        changed = await browser.post(f"{session}/limit", data={"kind": "energy", "amount": "2"})
        live = bench.words(await browser.get(session))
        shown = (await browser.get(f"{session}/progress")).json()
        left = await bench.balance(browser)

    assert "So far 400 Wh, 8 min, ¥15; the limit is 1.00 kWh." in bench.words(form)
    assert estimate["text"].replace("\u00a0", " ") == "In all, from the start: 2.00 kWh, 40 min, ¥77. ¥77 is held."
    assert changed.headers["location"] == session
    assert "The limit is being changed: 2.00 kWh. Until the outlet has it, the old one counts." in live
    assert shown["changing"] == ["energy", 2000]
    assert left == "¥2,923"


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"kind": "energy", "amount": "0.3"}, "More than that has flowed already."),
        ({"kind": "energy", "amount": "90"}, "Your balance is too low for this."),
        ({"kind": "energy", "amount": "x"}, "This is not a number."),
        ({}, "Choose whether to limit the charging by energy, time or money."),
    ],
)
async def test_a_limit_that_cannot_be_is_refused_and_the_charging_goes_on(
    bench: Bench, wish: dict[str, str], sentence: str
) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "1", "kWh")
        await bench.site.reports("0")
        await bench.site.reports("400", seconds=480)
        answer = await browser.post(f"{session}/limit", data=wish)
        shown = (await browser.get(f"{session}/progress")).json()

    assert answer.status_code in {402, 422}
    assert sentence in bench.words(answer)
    assert "The charging goes on with its old limit." in bench.words(answer)
    assert (shown["changing"], shown["state"]) == (None, "charging")


async def test_a_session_that_is_over_has_no_limit_to_change(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.charges("10")
        form = await browser.get(f"{session}/limit")
        answer = await browser.post(f"{session}/limit", data={"kind": "energy", "amount": "2"})

    assert form.headers["location"] == session
    assert answer.status_code == 409


async def test_news_that_are_old_say_how_old(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "1", "kWh")
        await bench.site.reports("0")
        fresh = bench.words(await browser.get(session))
        bench.clock.advance(timedelta(minutes=5))
        old = bench.words(await browser.get(session))

    assert "Last news" not in fresh
    assert "Last news from the outlet 5 min ago." in old


@with_mail
async def test_a_mail_at_the_end_is_switched_on_and_off(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "1", "kWh")
        for wanted in ("true", "false"):
            await browser.post(f"{session}/mail", data={"wanted": wanted})
            assert (await browser.get(f"{session}/progress")).json()["mail_wanted"] is (wanted == "true")


async def test_without_a_mail_server_no_mail_is_offered(bench: Bench) -> None:
    async with bench.driver() as browser:
        live = await browser.get(await bench.start(browser, "1", "kWh"))

    assert "/mail" not in live.text
    assert 'data-key="B' in live.text


async def test_a_browser_is_noted_once_and_forgotten_when_asked(bench: Bench) -> None:
    point = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
    browser_ = {"endpoint": "https://fcm.googleapis.com/x", "keys": {"p256dh": point, "auth": "tBHItJI5svbpez7KI4CCXg"}}
    async with bench.driver() as browser:
        session = await bench.start(browser, "1", "kWh")
        for _ in range(2):
            assert (await browser.post(f"{session}/push", json=browser_)).json() == {"told": True}
        assert await _told(bench) == 1
        refused = await browser.post(f"{session}/push", json=browser_ | {"endpoint": "https://169.254.169.254/"})
        await browser.post(f"{session}/push/off", json={"endpoint": browser_["endpoint"]})

    assert (refused.status_code, refused.json()["code"]) == (422, "PushRefused")
    assert await _told(bench) == 0


async def _told(bench: Bench) -> int:
    async with bench.services.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(PushSubscription)) or 0


async def test_the_service_worker_is_at_the_root(bench: Bench) -> None:
    async with bench.browser() as browser:
        worker = await browser.get("/sw.js")

    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"


async def charge_often(bench: Bench, browser: AsyncClient, times: int) -> None:
    for _ in range(times):
        await bench.start(browser, "10", "Wh")
        await bench.site.charges("10")
        bench.clock.advance(timedelta(hours=1))


async def test_the_history_has_pages_and_months(bench: Bench) -> None:
    async with bench.driver() as browser:
        await charge_often(bench, browser, 21)
        bench.clock.advance(timedelta(days=20))
        await charge_often(bench, browser, 1)
        first = await browser.get("/history")
        second = await browser.get("/history?page=2")
        november = await browser.get("/history?month=2026-11")
        december = await browser.get("/history?month=2026-12")
        january = await browser.get("/history?month=2027-01")

    assert [page.text.count('<a href="/s/') for page in (first, second, november, december)] == [20, 2, 20, 1]
    assert "page=2" in first.text
    assert "page=1" in second.text
    assert '<option value="2026-12" selected>December 2026</option>' in december.text
    assert "Nothing was charged in this month." in bench.words(january)


@pytest.mark.parametrize(
    "query", ["month=2026-13", "month=x", "month=0000-01", "page=0", "page=-1", "page=x", "page=99999999999"]
)
async def test_a_month_or_page_that_is_none_is_told_so(bench: Bench, query: str) -> None:
    async with bench.driver() as browser:
        assert (await browser.get(f"/history?{query}")).status_code == 422


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
async def test_no_sign_makes_a_formula_of_a_name_in_the_table(bench: Bench, sign: str) -> None:
    async with bench.services.database.transaction() as session:
        await session.execute(update(Outlet).values(name=f"{sign}1+1"))
    async with bench.driver(language="ja") as browser:
        await charge_often(bench, browser, 1)
        answer = await browser.get("/history.csv")

    [row] = csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert row["コンセント"] == f"'{sign}1+1"
    assert row["状態"] == "精算済み"


async def test_the_table_opens_in_a_spreadsheet_and_runs_nothing_there(bench: Bench) -> None:
    async with bench.services.database.transaction() as session:
        await session.execute(update(Outlet).values(name='=HYPERLINK("http://evil.test","x"), "north"'))
    async with bench.driver() as browser:
        await charge_often(bench, browser, 2)
        answer = await browser.get("/history.csv")

    assert answer.content.startswith(b"\xef\xbb\xbfBegin,End,Zone of these times,Site,")
    assert answer.headers["content-disposition"] == 'attachment; filename="konsento-all.csv"'
    assert answer.content.count(b"\r\n") == 3
    rows = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Energy, kWh"] for row in rows] == ["0.010", "0.010"]
    assert {row["Outlet"] for row in rows} == {'\'=HYPERLINK("http://evil.test","x"), "north"'}
    assert (rows[1]["Begin"], rows[1]["Zone of these times"]) == ("2026-11-22 10:58:00", "Asia/Tokyo")
    assert (rows[0]["Amount"], rows[0]["Currency"], rows[0]["State"]) == ("0", "JPY", "settled")
