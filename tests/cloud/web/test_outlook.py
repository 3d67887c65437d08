"""When to charge: the next two days, and charging that starts in them by itself."""

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import delete, select

from konsento.models import ChargingSession, GridWindow, PlannedCharge, PlannedState, PresenceCheck

from ..forecasts import forecast_two_days
from .conftest import AT, CODE, Bench

TOMORROW = AT + timedelta(hours=21, minutes=2)
"""08:00 by the site's clock: when tomorrow's window begins. Today's is on, until 16:00."""


@pytest.fixture
async def sunny(bench: Bench) -> Bench:
    """The bench in a region where today and tomorrow are sunny from 8 to 16 o'clock."""
    await forecast_two_days(bench.services)
    return bench


async def plans(bench: Bench) -> list[PlannedCharge]:
    async with bench.services.database.transaction() as session:
        return list(await session.scalars(select(PlannedCharge).order_by(PlannedCharge.created_at)))


def form(answer: httpx.Response, number: int) -> dict[str, str]:
    """Return what the form of that number on a page sends."""
    forms = re.findall(r'<form[^>]* method="post" action="/o/[^>]*>(.*?)</form>', answer.text, flags=re.DOTALL)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', forms[number]))


async def test_anybody_sees_when_to_charge_at_an_outlet(sunny: Bench) -> None:
    async with sunny.browser() as browser:
        answer = await browser.get(f"/outlook?outlet={CODE}")

    words = sunny.words(answer)
    assert answer.status_code == 200
    assert "Tokyo" in words
    assert "Recommended now, until 16:00: about 15 kWh fits." in words
    assert "Plug in before 08:00 tomorrow: until 16:00 about 24 kWh fits." in words
    assert "¥38.50 per kWh" in words
    assert 'aria-label="Recommended: 22 Nov, 08:00–16:00, 23 Nov, 08:00–16:00."' in answer.text
    # A table says the same as the drawing.
    assert "22 Nov, 11:00 40% ¥38.50 recommended" in words


async def test_it_is_there_in_japanese(sunny: Bench) -> None:
    async with sunny.browser("ja") as browser:
        words = sunny.words(await browser.get(f"/outlook?outlet={CODE}"))

    assert "東京" in words
    assert not re.search("Plug in|Recommended|per kWh", words)


async def test_one_tap_has_it_start_by_itself_tomorrow(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        page = await driver.get(f"/outlook?outlet={CODE}")
        sent = form(page, 1)
        answer = await driver.post(f"/o/{CODE}/start", data=sent)
        again = await driver.post(f"/o/{CODE}/start", data=sent)
        shown = sunny.words(await driver.get(answer.headers["location"]))
        home = sunny.words(await driver.get("/"))

    (plan,) = await plans(sunny)
    assert answer.headers["location"] == again.headers["location"] == f"/planned/{plan.id}"
    assert (plan.window_begin, plan.limit_amount) == (TOMORROW, 24_000)
    assert "Planned: it starts by itself." in shown
    assert "24.00 kWh" in shown
    assert "23 Nov, 08:00–16:00" in shown
    assert "Planned: Outlet 1, north wall" in home

    sunny.clock.advance(plan.start_at - sunny.clock.now())
    await sunny.services.work.drain()
    async with sunny.services.database.transaction() as session:
        assert await session.scalar(select(ChargingSession.id)) == plan.session_id


async def test_one_tap_starts_at_once_while_it_is_recommended(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        page = await driver.get(f"/outlook?outlet={CODE}")
        answer = await driver.post(f"/o/{CODE}/start", data=form(page, 0))

    assert answer.headers["location"].startswith("/s/")
    assert await plans(sunny) == []


async def test_a_plan_is_cancelled_by_its_driver_alone(sunny: Bench) -> None:
    async with sunny.driver() as driver, sunny.driver("bob@example.com") as other, sunny.browser() as nobody:
        page = await driver.get(f"/outlook?outlet={CODE}")
        address = (await driver.post(f"/o/{CODE}/start", data=form(page, 1))).headers["location"]
        strangers = [await client.get(address) for client in (other, nobody)]
        refused = [await client.post(f"{address}/cancel") for client in (other, nobody)]
        (plan,) = await plans(sunny)
        assert plan.state is PlannedState.PLANNED
        await driver.post(f"{address}/cancel")
        shown = sunny.words(await driver.get(address))

    assert [answer.status_code for answer in (*strangers, *refused)] == [404, 303, 404, 303]
    assert "Cancelled: nothing starts." in shown


async def test_the_price_page_offers_the_next_window_too(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        confirm = await driver.get(f"/o/{CODE}/confirm?kind=energy&amount=6&unit=kWh")
        assert "Start by itself at 08:00 tomorrow" in sunny.words(confirm)
        window = re.findall(r'name="window" value="([^"]+)"', confirm.text)[0]
        chosen = await driver.get(
            f"/o/{CODE}/confirm", params={"kind": "energy", "amount": "6", "unit": "kWh", "window": window}
        )
        answer = await driver.post(f"/o/{CODE}/start", data=form(confirm, 0) | {"window": window})

    assert "within a few minutes of 08:00 tomorrow" in sunny.words(chosen)
    assert answer.headers["location"].startswith("/planned/")


@pytest.mark.parametrize("window", ["soon", "2026-11-22T23:30:00+00:00", "2026-11-22T23:00:00"])
async def test_a_time_that_is_not_recommended_plans_nothing_and_says_so(sunny: Bench, window: str) -> None:
    async with sunny.driver() as driver:
        answer = await driver.post(
            f"/o/{CODE}/start", data={"kind": "energy", "amount": "6", "unit": "kWh", "window": window}
        )

    assert answer.status_code == 409
    assert "This time is not recommended any more." in sunny.words(answer)
    assert await plans(sunny) == []


async def test_presence_is_shown_before_it_is_planned(sunny: Bench) -> None:
    await sunny.sites_ask_for(PresenceCheck.BUTTON)
    async with sunny.driver() as driver:
        page = await driver.get(f"/outlook?outlet={CODE}")
        asked = await driver.post(f"/o/{CODE}/start", data=form(page, 1))
        waits = await driver.get(asked.headers["location"])
        await sunny.press()
        ready = await driver.get(asked.headers["location"])
        answer = await driver.post(f"/o/{CODE}/start", data=form(ready, 0))

    assert "/presence?" in asked.headers["location"]
    assert waits.status_code == 200
    assert answer.headers["location"].startswith("/planned/")


async def test_nobody_known_is_led_to_sign_in_and_somebody_new_is_told_how_to_begin(sunny: Bench) -> None:
    async with sunny.browser() as browser:
        assert (await browser.get("/outlook?region=JP-A03")).headers["location"].startswith("/signin?next=%2Foutlook")
    async with sunny.driver() as driver:
        assert "You have not charged in a region with a forecast lately" in sunny.words(await driver.get("/outlook"))


async def test_a_driver_sees_the_outlets_used_last(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        await sunny.start(driver)
        await sunny.site.charges()
        words = sunny.words(await driver.get("/outlook?region=JP-A03&m=nonsense"))

    assert "Outlet 1, north wall" in words
    assert "24.00 kWh for about ¥924, at most" in words


async def test_without_a_window_it_says_why(sunny: Bench) -> None:
    async with sunny.services.database.transaction() as session:
        await session.execute(delete(GridWindow))
    async with sunny.browser() as browser:
        words = sunny.words(await browser.get(f"/outlook?outlet={CODE}"))
        assert "No time of the next two days stands out: charge whenever it suits you." in words
        sunny.clock.advance(timedelta(hours=30))
        words = sunny.words(await browser.get(f"/outlook?outlet={CODE}"))
        assert "The forecast is older than we rely on" in words or "No time" in words
        sunny.clock.advance(timedelta(hours=30))
        words = sunny.words(await browser.get(f"/outlook?outlet={CODE}"))
        assert "There is no forecast for this region just now." in words


async def test_a_higher_price_than_shown_is_shown_before_it_is_planned(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        page = await driver.get(f"/outlook?outlet={CODE}")
        answer = await driver.post(f"/o/{CODE}/start", data=form(page, 1) | {"price": "x" * 32})

    assert answer.status_code == 409
    assert "price" in sunny.words(answer).lower()
    assert await plans(sunny) == []


async def test_nothing_points_to_it_where_there_is_no_region(bench: Bench) -> None:
    async with bench.browser() as browser:
        outlet = await browser.get(f"/o/{CODE}")
        outlook = await browser.get(f"/outlook?outlet={CODE}")

    assert "/outlook" not in outlet.text
    assert outlook.status_code == 303
