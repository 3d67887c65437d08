"""Coupons and points as a driver meets them: on the page of the price, on the receipt, in the account, in the mail."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from konsento.models import Coupon, CouponKind, Driver, PresenceCheck
from konsento.rewards import making, points
from konsento.rewards.making import WantedCoupon, WantedRule
from konsento.settings import Settings

from .mails import mails

if TYPE_CHECKING:
    from tests.cloud.web.conftest import Bench

CODE = "K7F29Q"
WISH = {"kind": "energy", "amount": "1", "unit": "kWh"}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"mail_folder": tmp_path / "mails"})


async def coupon(bench: Bench, code: str = "SUNNY10", **more: Any) -> Coupon:
    now = bench.clock.now()
    wanted = {
        "title": "Sun",
        "kind": CouponKind.AMOUNT,
        "value": Decimal(10),
        "currency": "JPY",
        "valid_from": now,
    } | more
    async with bench.services.database.transaction() as session:
        return await making.make_coupon(session, WantedCoupon(**wanted), now, code)


async def rule(bench: Bench, points_per_kwh: int = 5) -> None:
    now = bench.clock.now()
    wanted = WantedRule(points_per_kwh=Decimal(points_per_kwh), power_type="renewable", valid_from=now)
    async with bench.services.database.transaction() as session:
        await making.make_rule(session, wanted, now)


async def give(bench: Bench, number: int) -> None:
    async with bench.services.database.transaction() as session:
        (driver_id,) = await session.scalars(select(Driver.id))
        await points.correct(session, driver_id, number, uuid4(), bench.clock.now())


async def test_a_coupon_is_typed_tried_used_and_on_the_receipt(bench: Bench) -> None:
    await coupon(bench)
    await rule(bench)
    async with bench.driver() as browser:
        before = bench.words(await browser.get(f"/o/{CODE}/confirm", params=WISH))
        tried = await browser.get(f"/o/{CODE}/confirm", params=WISH | {"coupon": "sunny-10"})
        started = await browser.post(f"/o/{CODE}/start", data=WISH | {"coupon": "sunny-10"})
        session = started.headers["location"]
        await browser.post(f"{session}/mail", data={"wanted": "true"})
        await bench.site.charges("1000", seconds=1200)
        receipt = bench.words(await browser.get(session))
        balance = await bench.balance(browser)

    assert "Have a coupon?" in before
    assert "Start · about ¥38" in before
    assert "1.00 kWh for about ¥28." in bench.words(tried)
    assert "Coupon SUNNY10 -¥10 To pay, about ¥28" in bench.words(tried)
    assert "Start · about ¥28" in bench.words(tried)
    assert 'value="sunny-10"' in tried.text
    assert "Thank you. ¥28 for 1.00 kWh." in receipt
    assert "Discount: SUNNY10 -¥10" in receipt
    assert "You have earned 5 points." in receipt
    assert balance == "¥2,972"
    (letter,) = [one for one in await mails(bench) if "ended" in one["subject"]]
    body = letter.get_body(("plain",))
    assert body is not None
    text = " ".join(str(body.get_content()).replace("\u00a0", " ").split())
    assert "Discount: SUNNY10" in text
    assert "You have earned 5 points." in text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"coupon": "NOSUCH"}, "There is no coupon with this code."),
        ({"coupon": "LARGE"}, "This coupon is good for bills of 500 JPY and more"),
        ({"use_points": "true", "points": "many"}, "This is no number of points."),
        ({"use_points": "true", "points": "51"}, "Points that you can use now: 50."),
        ({"use_points": "true", "points": "-1"}, "This is no number of points."),
    ],
)
async def test_what_cannot_be_used_keeps_the_page_with_a_sentence_and_nothing_starts(
    bench: Bench, method: str, typed: dict[str, str], says: str
) -> None:
    await coupon(bench, "LARGE", least_minor=500)
    async with bench.driver() as browser:
        await give(bench, 50)
        if method == "GET":
            answer = await browser.get(f"/o/{CODE}/confirm", params=WISH | typed)
        else:
            answer = await browser.post(f"/o/{CODE}/start", data=WISH | typed)

    assert answer.status_code in {409, 422}
    assert says in bench.words(answer)
    assert "Nothing was started, nothing is charged." in bench.words(answer)
    assert all(f'value="{value}"' in answer.text for value in typed.values() if value != "true")
    assert bench.site.asked == []


async def test_points_are_offered_tried_spent_and_told(bench: Bench) -> None:
    async with bench.driver() as browser:
        await give(bench, 50)
        account = bench.words(await browser.get("/account"))
        page = await browser.get(f"/o/{CODE}/confirm", params=WISH)
        off = {"use_points": "true", "points": "20"}
        tried = bench.words(await browser.get(f"/o/{CODE}/confirm", params=WISH | off))
        session = (await browser.post(f"/o/{CODE}/start", data=WISH | off)).headers["location"]
        kept = bench.words(await browser.get("/account/rewards"))
        await bench.site.charges("1000", seconds=1200)
        receipt = bench.words(await browser.get(session))
        told = await browser.get("/account/rewards")

    assert "You have 50 points." in account
    assert "Use my points 50 points, worth ¥50" in bench.words(page)
    assert 'name="points" type="text" inputmode="numeric" autocomplete="off" maxlength="10" value="50"' in page.text
    assert "Points -¥20 To pay, about ¥18" in tried
    assert "You have 30 points. They take ¥30 off what you charge next. 20 points more are kept" in kept
    assert "Discount: Points -¥20" in receipt
    assert "Taken off a bill -20" in bench.words(told)
    assert f'href="{session}"' in told.text
    assert "Corrected by us +50" in bench.words(told)


async def test_the_account_says_what_points_are_worth_when_they_expire_and_what_they_are_not(bench: Bench) -> None:
    await rule(bench)
    await coupon(bench, "", grant_wh=1000, grant_days=30, least_minor=100)
    async with bench.driver() as browser:
        nothing = bench.words(await browser.get("/account/rewards"))
        await browser.post(f"/o/{CODE}/start", data=WISH)
        await bench.site.charges("1000", seconds=1200)
        page = bench.words(await browser.get("/account/rewards"))
        japanese = bench.words(await browser.get("/account/rewards", headers={"Accept-Language": "ja"}))

    assert "You have 0 points." in nothing
    assert "5 eco points per kWh · Renewable energy" in nothing
    assert "1 point takes ¥1 off a bill." in nothing
    assert "They expire 365 days after they came." in nothing
    assert "Points are no money: they are not paid out, sold or passed on." in nothing
    assert "You have 5 points." in page
    assert "5 of them expire on 22 Nov 2027." in page
    assert "Your coupons ¥10 off good until 22 Dec 2026" in page
    assert "for bills of ¥100 and more" in page
    assert "5ポイントあります。" in japanese
    assert "ポイントは現金ではありません。" in japanese


async def test_a_guest_uses_a_coupon_and_is_told_plainly_that_points_need_an_account(bench: Bench) -> None:
    await coupon(bench)
    await rule(bench)
    bench.services.settings.fake_payments = True
    async with bench.browser() as browser:
        await browser.post("/guest", data={"email": "guest@example.com", "next": "/"})
        page = bench.words(await browser.get(f"/o/{CODE}/confirm", params=WISH))
        wish = WISH | {"provider": "fake"}
        refused = await browser.post(f"/o/{CODE}/start", data=wish | {"use_points": "true", "points": "1"})
        started = await browser.post(f"/o/{CODE}/start", data=wish | {"coupon": "SUNNY10"})
        await bench.site.charges("1000", seconds=1200)
        receipt = bench.words(await browser.get(started.headers["location"]))
        rewards = bench.words(await browser.get("/account/rewards"))

    assert "Guests collect no points: that needs an account." in page
    assert "Points are for drivers with an account." in bench.words(refused)
    assert "Thank you. ¥28 for 1.00 kWh." in receipt
    assert "earned" not in receipt
    assert "Points need an account." in rewards


async def test_a_coupon_comes_along_where_the_driver_first_shows_to_be_there(bench: Bench) -> None:
    await coupon(bench)
    await bench.sites_ask_for(PresenceCheck.BUTTON)
    async with bench.driver() as browser:
        asked = await browser.post(f"/o/{CODE}/start", data=WISH | {"coupon": "SUNNY10"})
        page = await browser.get(asked.headers["location"])

    assert "coupon=SUNNY10" in asked.headers["location"]
    assert '<input type="hidden" name="coupon" value="SUNNY10">' in page.text


async def test_a_coupon_that_runs_out_while_the_page_is_open_says_so(bench: Bench) -> None:
    made = await coupon(bench, valid_to=bench.clock.now() + timedelta(minutes=5))
    async with bench.driver() as browser:
        await browser.get(f"/o/{CODE}/confirm", params=WISH | {"coupon": "SUNNY10"})
        bench.clock.advance(timedelta(minutes=5))
        answer = await browser.post(f"/o/{CODE}/start", data=WISH | {"coupon": "SUNNY10"})

    assert made.valid_to is not None
    assert "This coupon has run out." in bench.words(answer)


async def test_what_is_given_is_read_before_choosing(bench: Bench) -> None:
    await rule(bench)
    await coupon(bench)
    async with bench.browser() as browser:
        outlet = bench.words(await browser.get(f"/o/{CODE}"))
    async with bench.browser("ja") as browser:
        japanese = bench.words(await browser.get(f"/o/{CODE}"))

    assert "5 eco points per kWh ¥10 off with the code SUNNY10" in outlet
    assert "1 kWhにつき5エコポイント コード SUNNY10 で10円割引" in japanese
