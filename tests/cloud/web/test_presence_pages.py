"""From the price to the start by way of the outlet's button, its lamp or its label: what a driver sees."""

import re
from typing import TYPE_CHECKING

import pytest

from konsento.charging import presence
from konsento.models import OutletStatus, PresenceCheck
from konsento.ocpp.messages import (
    DataTransfer,
    DataTransferResponse,
    DataTransferStatus,
    RequestStartTransaction,
)
from konsento.settings import Settings

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

    from tests.cloud.web.conftest import Bench

CODE = "K7F29Q"
WISH = {"kind": "energy", "amount": "10", "unit": "Wh", "provider": "balance"}
PAGE = f"/o/{CODE}/presence"


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return settings.model_copy(update={"support_contact": "03-1234-5678"} | getattr(request, "param", {}))


def starts(bench: Bench) -> int:
    return len([asked for asked in bench.site.asked if isinstance(asked, RequestStartTransaction)])


async def ask(browser: AsyncClient) -> str:
    """Press start below the price; returns the address of the page that asks for presence."""
    answer = await browser.post(f"/o/{CODE}/start", data=WISH)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(PAGE)
    return str(answer.headers["location"])


async def says(browser: AsyncClient, page: Response, answer: str) -> Response:
    """Press the button of the page that sends this answer, and follow it."""
    [check] = set(re.findall(r'name="check" value="([^"]+)"', page.text))
    return await browser.post(PAGE, data=WISH | {"answer": answer, "check": check})


async def test_the_price_says_that_the_button_comes_next(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.BUTTON)
    async with bench.driver() as browser:
        price = bench.words(await browser.get(f"/o/{CODE}/confirm", params=WISH))

    assert "2 of 3" in price
    assert "Then you press the button of the outlet." in price


async def test_with_the_button_the_driver_waits_presses_and_starts(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.BUTTON)
    async with bench.driver() as browser:
        address = await ask(browser)
        waiting = await browser.get(address)
        state = (await browser.get(f"{PAGE}/state")).json()
        await bench.press()
        pressed = await browser.get(address)
        now = (await browser.get(f"{PAGE}/state")).json()
        before = starts(bench)
        started = await browser.post(f"/o/{CODE}/start", data=WISH)
        again = await browser.get(address)

    assert "Press the button of the outlet." in bench.words(waiting)
    assert '<meta http-equiv="refresh" content="3">' in waiting.text  # goes on without a script
    assert (state, now) == ({"view": "button"}, {"view": "shown"})
    assert "You are there." in bench.words(pressed)
    assert before == 0
    assert started.headers["location"].startswith("/s/")
    assert again.headers["location"] == started.headers["location"]
    assert starts(bench) == 1


async def test_with_the_lamp_a_yes_starts(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.LAMP)
    async with bench.driver() as browser:
        page = await browser.get(await ask(browser))
        started = await says(browser, page, "yes")

    assert "Does the lamp of this outlet blink?" in bench.words(page)
    assert "Yes. Start · about ¥0" in bench.words(page)
    assert started.headers["location"].startswith("/s/")


async def test_a_no_starts_nothing_says_why_and_where_help_is(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.LAMP)
    async with bench.driver() as browser:
        page = await browser.get(await ask(browser))
        denied = bench.words(await browser.get((await says(browser, page, "no")).headers["location"]))
        yes_then = await says(browser, page, "yes")
        balance = await bench.balance(browser)

    assert "Then do not start here." in denied
    assert "its label may be a copy" in denied
    assert "Help: 03-1234-5678" in denied
    assert yes_then.headers["location"].startswith(PAGE)
    assert (starts(bench), balance) == (0, "¥3,000")


async def test_an_outlet_that_cannot_blink_says_so_and_asks_for_its_label(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.LAMP)
    bench.site.answers[DataTransfer] = lambda _: DataTransferResponse(status=DataTransferStatus.UNKNOWN_VENDOR_ID)
    async with bench.driver() as browser:
        page = await browser.get(await ask(browser))
        started = await says(browser, page, "yes")

    assert "This outlet cannot show itself, so only you can tell." in bench.words(page)
    assert "K7F-29Q" in bench.words(page)
    assert started.headers["location"].startswith("/s/")


async def test_two_at_one_outlet_are_told_apart(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.BUTTON)
    async with bench.driver("ann@example.com") as ann, bench.driver("bob@example.com") as bob:
        await ask(ann)
        taken = bench.words(await bob.get(await ask(bob)))
        await bench.press()
        refused = await bob.post(f"/o/{CODE}/start", data=WISH)
        started = await ann.post(f"/o/{CODE}/start", data=WISH)
        in_use = bench.words(await bob.get(PAGE, params=WISH))

    assert "Somebody else is about to start here." in taken
    assert refused.headers["location"].startswith(PAGE)
    assert started.headers["location"].startswith("/s/")
    assert starts(bench) == 1
    assert "You are there." not in in_use


async def test_the_time_runs_out_and_can_be_asked_for_again(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.BUTTON)
    async with bench.driver() as browser:
        address = await ask(browser)
        bench.clock.advance(presence.PATIENCE)
        over = bench.words(await browser.get(address))
        again = await browser.post(PAGE, data=WISH | {"answer": "again"})
        waiting = bench.words(await browser.get(again.headers["location"]))

    assert "The time is over. Nothing was started." in over
    assert "Press the button of the outlet." in waiting


@pytest.mark.parametrize("settings", [{"fake_payments": True}], indirect=True)
async def test_a_guest_presses_the_button_too(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.BUTTON)
    async with bench.browser() as browser:
        await browser.post("/guest", data={"email": "guest@example.com"})
        wish = WISH | {"provider": "fake"}
        asked = await browser.post(f"/o/{CODE}/start", data=wish)
        page = await browser.get(asked.headers["location"])
        await bench.press()
        started = await browser.post(f"/o/{CODE}/start", data=wish)

    assert 'name="provider" value="fake"' in page.text
    assert started.headers["location"].startswith("/s/")


async def test_the_page_leads_away_where_nothing_is_to_be_shown(bench: Bench) -> None:
    async with bench.driver() as browser:
        without = await browser.get(PAGE, params=WISH)
        await bench.sites_ask_for(PresenceCheck.BUTTON)
        nonsense = await browser.get(PAGE, params=WISH | {"amount": "much"})
        unknown = await browser.post(PAGE, data=WISH | {"answer": "maybe"})
        fresh = bench.words(await browser.get(PAGE, params=WISH))
        await bench.outlet_is(OutletStatus.UNAVAILABLE, "offline")
        away = bench.words(await browser.get(PAGE, params=WISH))

    assert without.headers["location"].startswith(f"/o/{CODE}/confirm?kind=energy")
    assert nonsense.headers["location"] == f"/o/{CODE}/choose"
    assert unknown.status_code == 422
    assert "Are you in front of the outlet?" in fresh
    assert "This outlet cannot be reached." in away
    assert bench.site.asked == []  # looking makes no lamp blink


async def test_whoever_asks_too_often_is_told_to_wait(bench: Bench) -> None:
    await bench.sites_ask_for(PresenceCheck.LAMP)
    async with bench.driver() as browser:
        for _ in range(presence.MOST_CHECKS):
            await ask(browser)
            bench.clock.advance(presence.PATIENCE)
        refused = await browser.post(f"/o/{CODE}/start", data=WISH)

    assert refused.status_code == 429
    assert "Wait an hour" in bench.words(refused)
    assert "Nothing was started, nothing is charged." in bench.words(refused)
