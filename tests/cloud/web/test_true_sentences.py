"""What the pages say of money and of the outlet is true at every moment, also when nobody answers."""

import re
from datetime import timedelta

import httpx
import pytest

from konsento.models import OutletStatus
from konsento.ocpp import CallTimeout
from konsento.ocpp.messages import RequestStartTransaction
from konsento.pricing import Band
from konsento.settings import Settings

from ..conftest import CODES, STATION, rate, reprice
from .conftest import Bench

CODE = CODES[0]


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return settings.model_copy(update=getattr(request, "param", {}))


async def test_a_start_that_nobody_answers_says_so_and_can_be_stopped(bench: Bench) -> None:
    silence = CallTimeout(STATION, "RequestStartTransaction", "no answer in time")
    bench.site.answers[RequestStartTransaction] = lambda _: silence
    async with bench.driver() as browser:
        session = await bench.start(browser)
        at_first = bench.words(await browser.get(session))
        bench.clock.advance(timedelta(minutes=1))
        later = await browser.get(session)
        asks = await browser.get(f"{session}/stop")
        await browser.post(f"{session}/stop")
        stopping = bench.words(await browser.get(session))

    assert "Asking the outlet to switch on. This takes a few seconds." in at_first
    assert "The outlet has not answered yet." in bench.words(later)
    assert f'href="{session}/stop">' in later.text
    assert "Stop charging?" in bench.words(asks)
    assert "Stopping. The outlet has not answered yet. If it is on, it is switched off" in stopping


async def test_a_stop_without_contact_does_not_claim_that_the_outlet_switches_off(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.reports("0")
        bench.site.online = False
        await bench.outlet_is(OutletStatus.OCCUPIED, connected=False)
        await browser.post(f"{session}/stop")
        words = bench.words(await browser.get(session))

    assert "Stopping. There is no contact with the outlet. It is switched off as soon as there is." in words


async def test_an_outlet_that_says_nothing_any_more_is_not_said_to_be_done_at_a_time_that_is_over(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "100", "Wh")
        await bench.site.reports("0")
        fresh = bench.words(await browser.get(session))
        bench.clock.advance(timedelta(minutes=30))
        words = bench.words(await browser.get(session))

    assert "Done at about 11:00" in fresh
    assert "No news from the outlet. It keeps to your limit by itself." in words
    assert "Last news from the outlet 30 min ago." in words
    assert "Done at" not in words


async def test_a_charging_that_waits_is_not_said_to_be_on_nor_to_have_lost_its_connection(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "30", "min", kind="time")
        await bench.site.reports("0", watts=0, state="SuspendedEVSE")
        for _ in range(180):
            bench.clock.advance(timedelta(minutes=1))
            await bench.site.reports("0", watts=0, state="SuspendedEVSE")
        waiting = await browser.get(session)
        await bench.site.reports("0")
        supplied = bench.words(await browser.get(session))
        await bench.site.reports("2", seconds=3)
        await bench.site.reports("2", watts=0, seconds=3, state="SuspendedEVSE")
        paused = bench.words(await browser.get(session))

    words = bench.words(waiting)
    assert "Waiting. No supply yet. It starts by itself" in words
    assert "connection" not in words
    assert "Done at" not in words
    assert f'href="{session}/stop"' in waiting.text
    assert "Charging. Done at about" in supplied
    assert "Paused. No supply at the moment. It goes on by itself" in paused


async def test_a_bill_that_waits_for_a_site_that_is_away_says_so(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.reports("0")
        await bench.site.reports("5", seconds=6, ended="PowerLoss")
        await bench.outlet_is(OutletStatus.OCCUPIED, connected=False)
        words = bench.words(await browser.get(session))

    assert "Ended. The bill is being made. There is no contact with the outlet." in words
    assert "it keeps to the limit" not in words


async def test_every_component_of_a_price_is_named_before_anything_starts_and_while_one_chooses(bench: Bench) -> None:
    night = Band(from_minute=22 * 60, to_minute=6 * 60)
    await reprice(
        bench.services,
        rate("idle", "10", free_s=900),
        rate("session", "50"),
        rate("time", "2.5"),
        rate("energy", "38.555"),
        rate("energy", "20", night),
        max_minor=2500,
    )
    async with bench.driver() as browser:
        pages = [
            bench.words(await browser.get(f"/o/{CODE}{path}"))
            for path in ("", "/choose", "/confirm?kind=energy&amount=6")
        ]
        poor = bench.words(await browser.get(f"/o/{CODE}/confirm?kind=money&amount=40"))

    told = (
        "Energy ¥38.555 / kWh Energy, 22:00–06:00 ¥20 / kWh Time of supply ¥2.50 / min Each charging ¥50"
        " Standing idle ¥10 / min after 15 min A charging costs at most ¥2,500"
    )
    for words in pages:
        assert told in words
    # 6 kWh at the dearest rate, as long as it may take, 15 minutes of it not idle; never more than the most.
    assert "6.00 kWh for about ¥581." in pages[2]
    assert "At most ¥2,500" in pages[2]
    assert "or after 4 h 30 min" in pages[2]
    assert "whole Wh and seconds × unit price" in pages[2]
    assert "This is too little: with its fees, a charging here costs ¥51 at least." in poor


async def test_the_pages_name_the_components_of_a_price_in_japanese(bench: Bench) -> None:
    await reprice(bench.services, rate("energy", "38.5"), rate("time", "2"), rate("session", "50"))
    async with bench.driver() as browser:
        words = bench.words(await browser.get(f"/o/{CODE}", headers={"Accept-Language": "ja"}))

    assert "電力量 38.50円／kWh 通電時間 2円／分 1回ごと 50円" in words


def carried(page: httpx.Response) -> str:
    """Return what a page carries of the price that it shows."""
    found = re.search(r'<input type="hidden" name="price" value="([0-9a-f]{32})">', page.text)
    assert found is not None
    return found[1]


async def test_a_price_that_has_changed_is_shown_again_before_anything_starts(bench: Bench) -> None:
    wish = {"kind": "energy", "amount": "6"}
    async with bench.driver() as browser:
        shown = await browser.get(f"/o/{CODE}/confirm", params=wish)
        await reprice(bench.services, rate("energy", "45.5"))
        refused = await browser.post(f"/o/{CODE}/start", data=wish | {"price": carried(shown)})
        started = await browser.post(f"/o/{CODE}/start", data=wish | {"price": carried(refused)})

    assert refused.status_code == 409
    words = bench.words(refused)
    assert "The price has changed since it was shown to you." in words
    assert "Nothing was started, nothing is charged." in words
    assert "¥45.50 / kWh" in words
    assert started.status_code == 303
    assert len(bench.site.asked) == 1


@pytest.mark.parametrize("settings", [{"fake_payments": True}], indirect=True)
async def test_until_full_names_the_most_that_any_way_to_pay_can_come_to(bench: Bench) -> None:
    await reprice(bench.services, rate("energy", "100"))
    async with bench.driver() as browser:
        words = bench.words(await browser.get(f"/o/{CODE}/confirm?kind=full"))

    # 24 h at 3 kW with the card; the balance ends it at 3,000 yen, which stands beside it.
    assert "Start · ¥7,200 at most" in words
    assert "holds ¥3,000" in words


async def test_the_form_says_what_its_amount_comes_to_without_a_script(bench: Bench) -> None:
    async with bench.driver() as browser:
        first = bench.words(await browser.get(f"/o/{CODE}/choose"))
        asked = bench.words(await browser.get(f"/o/{CODE}/choose?kind=time&amount=30"))
        wrong = await browser.get(f"/o/{CODE}/choose?kind=time&amount=soup")
        session = await bench.start(browser, "1", "kWh")
        await bench.site.reports("100", seconds=120)
        limit = bench.words(await browser.get(f"{session}/limit?kind=energy&amount=2"))

    assert "about 2 h · about ¥231" in first
    assert "See the price: about ¥231" in first
    assert "about 1.50 kWh · about ¥57" in asked
    assert (wrong.status_code, "This is not a number." in bench.words(wrong)) == (200, True)
    assert "In all, from the start: 2.00 kWh, 40 min, ¥77." in limit


async def test_a_limit_of_a_session_that_has_just_ended_leads_back_to_the_session(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.charges("10")
        answer = await browser.post(f"{session}/limit", data={"kind": "energy", "amount": "2"})

    assert answer.status_code == 409
    assert f'href="{session}">Back to the charging' in answer.text


async def test_who_is_signed_out_meanwhile_comes_back_to_the_session(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        browser.cookies.clear()
        answer = await browser.post(f"{session}/mail", data={"wanted": "true"})

    assert answer.headers["location"] == f"/signin?next={session}"


async def test_two_tabs_that_change_the_limit_leave_the_last_word_and_its_hold(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "6", "kWh")
        await bench.site.reports("0")
        answers = [
            await browser.post(f"{session}/limit", data={"kind": "energy", "amount": amount}) for amount in ("9", "8")
        ]
        words = bench.words(await browser.get(session))
        left = await bench.balance(browser)

    assert [answer.status_code for answer in answers] == [303, 303]
    assert "The limit is being changed: 8.00 kWh." in words
    # The dearer one is held until the outlet has said which it keeps to: 9 kWh at 38.50 yen.
    assert left == "¥2,654"
