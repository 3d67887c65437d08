"""Prices that follow the grid as drivers read them: what counts now, until when, and what theirs was made from."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from konsento.kit.offers import SupplierOffers
from konsento.pricing.following import FollowsSpot, FollowsWindows
from konsento.rewards import making
from konsento.rewards.making import WantedRule

from ..conftest import AT
from ..following import follow, traded
from ..recommended import recommend
from .conftest import CODE, ORIGIN

if TYPE_CHECKING:
    from .conftest import Bench

SPOT = FollowsSpot(factor=Decimal("1.2"), plus=Decimal(8), floor=Decimal(15), cap=Decimal(60))
WINDOWS = FollowsWindows(inside=Decimal(28))
SLOT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
"""10:30 by the clock of the site, two minutes before whose end it is."""
WISH = {"kind": "energy", "amount": "1000", "unit": "Wh", "offer": "demo"}


async def test_a_price_by_the_spot_market_is_told_wherever_prices_are_and_fixed_at_the_start(bench: Bench) -> None:
    await follow(bench.services, SPOT)
    await traded(bench.services, SLOT, "12.345", "30")
    said = "This price changes every half hour with the spot market. It stays between ¥15 / kWh and ¥60 / kWh."
    fixed = "Yours is fixed when you start."
    async with bench.driver() as browser, bench.browser("ja") as japanese:
        confirm = await browser.get(f"/o/{CODE}/confirm", params=WISH)
        pages = [await browser.get(f"/o/{CODE}"), await browser.get(f"/o/{CODE}/choose", params=WISH), confirm]
        ja = bench.words(await japanese.get(f"/o/{CODE}"))
        public = (await browser.get(f"/api/v1/offers/{CODE}")).content
        bench.clock.advance(timedelta(minutes=3))
        data = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', confirm.text))
        late = await browser.post(f"/o/{CODE}/start", data=data)
        data |= dict(re.findall(r'<input type="hidden" name="(price)" value="([^"]*)"', late.text))
        started = await browser.post(f"/o/{CODE}/start", data=data)
        bench.clock.advance(timedelta(minutes=40))
        await bench.site.charges("1000", seconds=1200)
        receipt = bench.words(await browser.get(started.headers["location"]))

    for page in pages:
        assert f"Now ¥24.29 / kWh, until 11:00. {said} {fixed}" in bench.words(page)
    assert "11:00 まで 24.29円／kWh。この料金は電力の市場価格に連動して 30 分ごとに変わります。" in ja
    (offer,) = SupplierOffers.read(public, ORIGIN).outlets[0].offers
    assert (offer.per_kwh, offer.valid_until) == (Decimal("24.29"), SLOT + timedelta(minutes=30))
    assert "The price has changed" in bench.words(late)
    assert "Now ¥47.60 / kWh, until 11:30." in bench.words(late)
    assert started.status_code == 303
    assert "(spot price of 11:00) 1.00 kWh × ¥47.60 / kWh" in receipt


async def test_a_price_in_recommended_windows_says_what_it_is_then(bench: Bench) -> None:
    await follow(bench.services, WINDOWS)
    async with bench.browser() as browser:
        outside = bench.words(await browser.get(f"/o/{CODE}"))
        await recommend(bench.services, (AT - timedelta(hours=1), AT + timedelta(hours=2)))
        inside_page = await browser.get(f"/o/{CODE}")
        inside = bench.words(inside_page)
        site = bench.words(await browser.get(re.findall(r'href="(/sites/[^"]+)"', inside_page.text)[0]))

    fixed = "Yours is fixed when you start."
    assert f"Now ¥38.50 / kWh. In recommended times it is ¥28 / kWh. {fixed}" in outside
    assert f"Now ¥28 / kWh, until 12:58. This is a recommended time, in which it costs less. {fixed}" in inside
    assert "¥28 / kWh" in site


async def test_a_price_whose_spot_price_is_not_known_says_so(bench: Bench) -> None:
    await follow(bench.services, SPOT)
    async with bench.browser() as browser:
        words = bench.words(await browser.get(f"/o/{CODE}"))

    assert "Now ¥38.50 / kWh: the spot price of this time is not known here." in words


async def test_points_in_recommended_hours_are_offered_where_something_is_recommended(bench: Bench) -> None:
    wanted = WantedRule(points_per_kwh=Decimal(2), in_windows=True, valid_from=bench.clock.now())
    async with bench.services.database.transaction() as session:
        await making.make_rule(session, wanted, bench.clock.now())
    async with bench.browser() as browser, bench.browser("ja") as japanese:
        nowhere = bench.words(await browser.get(f"/o/{CODE}"))
        await recommend(bench.services)
        somewhere = bench.words(await browser.get(f"/o/{CODE}"))
        ja = bench.words(await japanese.get(f"/o/{CODE}"))

    assert "eco points" not in nowhere
    assert "2 eco points more per kWh in recommended hours" in somewhere
    assert "おすすめ時間帯は1 kWhにつきさらに2エコポイント" in ja
