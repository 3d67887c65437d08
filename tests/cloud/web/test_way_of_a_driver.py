"""The driver's way from the code on the wall to the receipt."""

import asyncio
import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from konsento.models import OutletStatus

if TYPE_CHECKING:
    from httpx import AsyncClient

    from tests.cloud.web.conftest import Bench

CODE, OTHER_CODE = "K7F29Q", "M4XR8T"


async def progress(browser: AsyncClient, session: str) -> dict[str, Any]:
    answer = await browser.get(f"{session}/progress")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_the_whole_way(bench: Bench) -> None:
    async with bench.driver() as browser:
        outlet = await browser.get(f"/o/{CODE}")
        assert "This outlet is free." in bench.words(outlet)
        assert f'href="/o/{CODE}/choose"' in outlet.text
        choose = await browser.get(f"/o/{CODE}/choose")
        assert 'name="amount"' in choose.text
        price = await browser.get(f"/o/{CODE}/confirm?kind=energy&amount=1")
        assert "1.00 kWh for about ¥38." in bench.words(price)
        started = await browser.post(f"/o/{CODE}/start", data={"kind": "energy", "amount": "1", "unit": ""})
        session = started.headers["location"]
        await bench.site.reports("0")
        await bench.site.reports("400", seconds=480)
        live = await browser.get(session)
        assert "Charging. Done at about 11:18." in bench.words(live)
        assert "400 Wh of 1.00 kWh" in bench.words(live)
        assert "¥15 · 8 min" in bench.words(live)
        await bench.site.reports("1000.213", watts=0, seconds=1201, ended="EnergyLimitReached")
        assert "Ended. The bill is being made." in bench.words(await browser.get(session))
        await bench.services.work.drain()
        receipt = bench.words(await browser.get(session))

    assert "Thank you. ¥38 for 1.00 kWh." in receipt
    assert "Ended: the chosen amount was reached." in receipt
    assert "1.00 kWh × ¥38.50 / kWh ¥38" in receipt
    assert "Subject to 10%, tax included ¥38 of which consumption tax 10% ¥3" in receipt
    assert "Measured 1.000213 kWh" in receipt
    assert "1,204.318000 → 1,205.318213 kWh" in receipt
    assert "Solar · Sakura Energy" in receipt


async def test_a_price_is_seen_without_an_account_and_only_the_start_needs_one(bench: Bench) -> None:
    async with bench.browser() as browser:
        outlet = await browser.get(f"/o/{CODE}")
        choose = await browser.get(f"/o/{CODE}/choose")
        price = await browser.get(f"/o/{CODE}/confirm?kind=time&amount=20")
        sign_up = await browser.get(unescape(re.findall(r'href="(/signup[^"]*)"', price.text)[0]))

    assert "¥38.50 / kWh" in bench.words(outlet)
    assert "Tax of 10% included, nothing else is added." in bench.words(outlet)
    assert choose.status_code == 200
    assert "20 min for about ¥38." in bench.words(price)
    assert "/start" not in price.text
    assert f'value="/o/{CODE}/confirm?kind=time&amp;amount=20"' in sign_up.text


@pytest.mark.parametrize("typed", ["k7f-29q", " K7F 29Q ", "k7f29q", "Ｋ７Ｆ２９Ｑ"])
async def test_a_code_is_found_however_it_is_typed(bench: Bench, typed: str) -> None:
    async with bench.browser() as browser:
        answer = await browser.get("/", params={"code": typed})

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/o/{CODE}"


@pytest.mark.parametrize(
    ("wish", "sentence", "rest"),
    [
        ({"kind": "energy", "amount": "6"}, "6.00 kWh for about ¥231.", "about 2 h · about ¥231"),
        ({"kind": "energy", "amount": "10", "unit": "Wh"}, "10 Wh for about ¥0.", "about 12 s · about ¥0"),
        ({"kind": "time", "amount": "20"}, "20 min for about ¥38.", "about 1.00 kWh · about ¥38"),
        ({"kind": "time", "amount": "90", "unit": "s"}, "1 min 30 s for about ¥2.", "about 75 Wh · about ¥2"),
        ({"kind": "money", "amount": "50"}, "¥50 of power, about 1.298 kWh.", "about 1.298 kWh · about 25 min 58 s"),
    ],
)
async def test_the_price_page_estimates_the_other_two(
    bench: Bench, wish: dict[str, str], sentence: str, rest: str
) -> None:
    async with bench.driver() as browser:
        price = await browser.get(f"/o/{CODE}/confirm", params=wish)
        estimate = await browser.get(f"/o/{CODE}/estimate", params=wish)

    assert sentence in bench.words(price)
    assert all(part.removeprefix("about ") in bench.words(price) for part in rest.split(" · "))
    assert estimate.json()["ok"] is True
    assert estimate.json()["text"].replace("\u00a0", " ") == rest


async def test_the_price_page_says_what_is_held(bench: Bench) -> None:
    async with bench.driver() as browser:
        price = bench.words(await browser.get(f"/o/{CODE}/confirm?kind=money&amount=50"))
        before = await bench.balance(browser)
        await bench.start(browser, kind="money", amount="50", unit="major")
        during = await bench.balance(browser)

    assert "At most ¥50" in price
    assert (before, during) == ("¥3,000", "¥2,950")


async def test_the_hold_is_given_back_to_the_part_that_was_not_used(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "1", "kWh")
        await bench.site.charges("300", seconds=360, reason="EVDisconnected")
        receipt = bench.words(await browser.get(session))

        assert "Thank you. ¥11 for 300 Wh." in receipt
        assert "the car took no more power" in receipt
        assert await bench.balance(browser) == "¥2,989"


async def test_progress_has_everything_that_a_program_needs(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.reports("0")
        await bench.site.reports("4.2", seconds=5)
        running = await progress(browser, session)
        await bench.site.reports("10.002", watts=0, seconds=12, ended="EnergyLimitReached")
        await bench.services.work.drain()
        settled = await progress(browser, session)

    assert running["state"] == "charging"
    assert (running["delivered_mwh"], running["delivered_wh"], running["seconds"]) == (4200, 4.2, 5)
    assert (running["power_w"], running["amount_minor"], running["billed_wh"]) == (3000, 0, None)
    assert running["requested"] == {"kind": "energy", "amount": 10}
    assert (running["currency"], running["unit_price"], running["energy_limit_wh"]) == ("JPY", "38.5", 10)
    assert running["share"] == pytest.approx(42)
    assert running["texts"]["energy"] == "4.2"
    assert settled["state"] == "settled"
    assert settled["end_reason"] == "EnergyLimitReached"
    assert (settled["delivered_mwh"], settled["billed_wh"], settled["billed_minor"]) == (10002, 10, 0)


async def test_the_ring_is_empty_before_anything_has_flowed(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        before = await browser.get(session)
        await bench.site.reports("0")
        await bench.site.reports("5", seconds=6)
        after = await browser.get(session)

    assert 'class="ring none"' in before.text
    assert 'class="ring "' in after.text


async def test_the_live_stream_sends_each_change_and_ends_with_the_bill(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening, listen = asyncio.Event(), bench.services.live.listening
    monkeypatch.setattr(bench.services.live, "listening", lambda key: listening.set() or listen(key))
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.reports("0")
        stream = asyncio.create_task(browser.get(f"{session}/events"))
        await asyncio.wait_for(listening.wait(), 60)
        await bench.site.reports("5", seconds=6)
        await bench.site.reports("10", watts=0, seconds=12, ended="EnergyLimitReached")
        await bench.services.work.drain()
        answer = await asyncio.wait_for(stream, 60)

    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [event["view"] for event in events][-1] == "receipt"
    assert events[-1]["billed_wh"] == 10
    delivered = [event["delivered_mwh"] for event in events]
    assert delivered == sorted(delivered)


async def test_a_live_stream_ends_with_the_sign_in(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    listening, listen = asyncio.Event(), bench.services.live.listening
    monkeypatch.setattr(bench.services.live, "listening", lambda key: listening.set() or listen(key))
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.reports("0")
        stream = asyncio.create_task(browser.get(f"{session}/events"))
        await asyncio.wait_for(listening.wait(), 60)
        await browser.post("/signout")

        await bench.site.reports("5", seconds=6)
        answer = await asyncio.wait_for(stream, 60)

    assert "5.0" not in answer.text


async def test_stopping_asks_first_and_bills_what_was_measured(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser, "6", "kWh")
        await bench.site.reports("0")
        await bench.site.reports("1500", seconds=1800)
        ask = await browser.get(f"{session}/stop")
        assert "so far ¥57 for 1.50 kWh" in bench.words(ask)
        assert len(bench.site.asked) == 1
        answer = await browser.post(f"{session}/stop")
        assert answer.headers["location"] == session
        assert "Stopping." in bench.words(await browser.get(session))
        await bench.site.reports("1502", watts=0, seconds=1802, ended="Remote")
        await bench.services.work.drain()
        receipt = bench.words(await browser.get(session))

    assert "Thank you. ¥57 for 1.502 kWh." in receipt
    assert "you stopped it" in receipt


async def test_stopping_a_session_that_is_over_changes_nothing(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.charges("10")
        ask = await browser.get(f"{session}/stop")
        again = await browser.post(f"{session}/stop")

    assert ask.headers["location"] == session
    assert again.status_code == 303
    assert len(bench.site.asked) == 1


async def test_the_history_lists_each_session_once_and_leads_to_its_receipt(bench: Bench) -> None:
    async with bench.driver() as browser:
        empty = bench.words(await browser.get("/history"))
        session = await bench.start(browser, "2", "kWh")
        running = bench.words(await browser.get("/history"))
        home = await browser.get("/")
        await bench.site.charges("2000", seconds=2400)
        done = await browser.get("/history")

    assert "Nothing charged yet." in empty
    assert "charging now" in running
    assert f'href="{session}"' in home.text
    assert done.text.count(f'href="{session}"') == 1
    assert "¥77 22 Nov, 10:58 · Sakura Mall car park 2.00 kWh" in bench.words(done)


async def test_the_qr_code_holds_the_public_address_and_nothing_else(bench: Bench) -> None:
    async with bench.browser() as browser:
        answer = await browser.get(f"/o/{CODE}/qr.svg")

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")
    assert "script" not in answer.text


async def test_pressing_start_twice_starts_once(bench: Bench) -> None:
    async with bench.driver() as browser:
        first, second = await asyncio.gather(bench.start(browser), bench.start(browser))

    assert first == second
    assert len(bench.site.asked) == 1


async def test_times_are_those_of_the_outlet(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.charges("10")
        receipt = bench.words(await browser.get(session))

    assert "22 Nov, 10:58 – 10:58" in receipt


async def test_the_form_keeps_what_was_typed_when_going_back(bench: Bench) -> None:
    wish = urlencode({"kind": "time", "amount": "25"})
    async with bench.driver() as browser:
        price = await browser.get(f"/o/{CODE}/confirm?{wish}")
        back = await browser.get(f"/o/{CODE}/choose?{wish}")

    assert f'href="/o/{CODE}/choose?kind=time&amp;amount=25"' in price.text
    assert 'id="kind-time" data-usual="' in back.text
    assert re.search(r'value="time"[^>]* checked', back.text)
    assert 'value="25"' in back.text


async def test_the_first_amount_is_one_that_the_balance_pays(bench: Bench) -> None:
    async with bench.driver() as browser:
        form = await browser.get(f"/o/{CODE}/choose")
        for kind, amount in re.findall(r'id="kind-(\w+)" data-usual="([^"]+)"', form.text):
            estimate = await browser.get(f"/o/{CODE}/estimate", params={"kind": kind, "amount": amount})
            assert estimate.json()["ok"] is True, (kind, amount)


async def test_an_outlet_in_use_by_the_driver_leads_to_the_session(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.outlet_is(OutletStatus.OCCUPIED)
        outlet = await browser.get(f"/o/{CODE}")

    assert "You are charging at this outlet." in bench.words(outlet)
    assert f'href="{session}"' in outlet.text
    assert f'href="/o/{CODE}/choose"' not in outlet.text


async def test_a_lost_contact_is_said_and_is_true(bench: Bench) -> None:
    async with bench.driver() as browser:
        session = await bench.start(browser)
        await bench.site.reports("0")
        await bench.outlet_is(OutletStatus.OCCUPIED, connected=False)
        live = bench.words(await browser.get(session))

    assert "No contact with the outlet. It keeps to your limit by itself." in live
