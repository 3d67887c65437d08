"""Choosing what to buy: side by side, the last choice first, and nothing longer where there is nothing to choose."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from konsento.charging import metering
from konsento.models import ChargingSession, Metering, MeteringAgreement, PresenceCheck, Tariff

from ..conftest import AT
from ..supply import sell, supply
from .conftest import CODE

if TYPE_CHECKING:
    from .conftest import Bench

WISH = {"kind": "energy", "amount": "10", "unit": "Wh"}


async def sold(bench: Bench, *names: str, basis: Metering = Metering.VERIFIED) -> None:
    async with bench.services.database.transaction() as session:
        if await session.scalar(select(Tariff.id).where(Tariff.name == "wind")) is None:
            await supply(session, AT - timedelta(days=1))
        await sell(session, CODE, names, basis, "n5" if basis is Metering.NOTIFIED else "")


def hidden(text: str) -> dict[str, str]:
    """Return the hidden fields of the form that starts."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))


async def bought(bench: Bench) -> list[str]:
    async with bench.services.database.transaction() as session:
        return list(await session.scalars(select(ChargingSession.offer).order_by(ChargingSession.created_at)))


async def test_several_offers_stand_side_by_side_with_price_carbon_power_and_supplier(bench: Bench) -> None:
    await sold(bench, "demo", "roof", "wind", "by-time")
    async with bench.browser() as browser, bench.browser("ja") as japanese:
        outlet = await browser.get(f"/o/{CODE}")
        page = await browser.get(f"/o/{CODE}/power")
        words = bench.words(page)
        ja = bench.words(await japanese.get(f"/o/{CODE}/power"))

    assert f'href="/o/{CODE}/power"' in outlet.text
    assert "Our own roof Sakura Energy ¥30 / kWh" in bench.words(outlet)
    assert "Solar Sakura Energy ¥38.50 / kWh CO₂ not stated" in words
    assert "Our own roof Sakura Energy ¥30 / kWh CO₂ not stated" in words
    assert "Wind Kaze Power ¥42.50 / kWh 25 g CO₂/kWh" in words
    assert "Gas Sakura Energy ¥2 / min 490 g CO₂/kWh" in words
    assert "1 of 3" in words
    assert "当店の屋根 Sakura Energy 30円／kWh" in ja
    assert page.text.count(" checked") == 1
    assert re.search(r'value="demo" checked', page.text)


async def test_the_choice_goes_on_to_the_start_and_is_chosen_the_next_time(bench: Bench) -> None:
    await sold(bench, "demo", "wind")
    async with bench.driver() as browser:
        to_choose = await browser.get(f"/o/{CODE}/choose")
        choose = await browser.get(f"/o/{CODE}/choose", params={"offer": "wind"})
        estimate = (await browser.get(f"/o/{CODE}/estimate", params=WISH | {"amount": "1000", "offer": "wind"})).json()
        confirm = await browser.get(f"/o/{CODE}/confirm", params=WISH | {"offer": "wind"})
        started = await browser.post(f"/o/{CODE}/start", data=hidden(confirm.text))
        await bench.site.charges()
        receipt = bench.words(await browser.get(started.headers["location"]))
        again = await browser.get(f"/o/{CODE}/power")

    assert to_choose.headers["location"] == f"/o/{CODE}/power"
    assert 'name="offer" value="wind"' in choose.text
    assert "Wind · Kaze Power" in bench.words(choose)
    assert "about ¥42" in estimate["text"]
    assert "25 g CO₂/kWh" in bench.words(confirm)
    assert hidden(confirm.text)["offer"] == "wind"
    assert await bought(bench) == ["wind"]
    assert "Wind · Kaze Power" in receipt
    assert re.search(r'value="wind" checked', again.text)


async def test_with_one_offer_nothing_is_asked_and_nothing_gets_longer(bench: Bench) -> None:
    await sold(bench, "wind")
    async with bench.driver() as browser:
        outlet = await browser.get(f"/o/{CODE}")
        power = await browser.get(f"/o/{CODE}/power")
        choose = await browser.get(f"/o/{CODE}/choose")
        confirm = await browser.get(f"/o/{CODE}/confirm", params=WISH)
        started = await browser.post(f"/o/{CODE}/start", data=hidden(confirm.text))

    assert f'href="/o/{CODE}/choose"' in outlet.text
    assert power.headers["location"] == f"/o/{CODE}/choose"
    assert "1 of 2" in bench.words(choose)
    assert "2 of 2" in bench.words(confirm)
    assert started.headers["location"].startswith("/s/")
    assert await bought(bench) == ["wind"]


@pytest.mark.parametrize("left", [("demo", "roof"), ("demo",)])
@pytest.mark.parametrize("step", ["choose", "confirm", "start"])
async def test_what_is_not_sold_any_more_is_said_and_chosen_anew(
    bench: Bench, step: str, left: tuple[str, ...]
) -> None:
    await sold(bench, "demo", "wind")
    wish = WISH | {"offer": "wind"}
    async with bench.driver() as browser:
        confirm = await browser.get(f"/o/{CODE}/confirm", params=wish)
        await sold(bench, *left)
        if step == "start":
            answer = await browser.post(f"/o/{CODE}/start", data=hidden(confirm.text))
        else:
            answer = await browser.get(f"/o/{CODE}/{step}", params=wish)
        estimate = (await browser.get(f"/o/{CODE}/estimate", params=wish)).json()
        balance = await bench.balance(browser)

    words = bench.words(answer)
    assert answer.status_code == 409
    assert "What you chose is not sold here any more." in words
    assert ("Which power?" in words) is (len(left) > 1)
    assert ("How much?" in words) is (len(left) == 1)
    assert 'value="demo"' in answer.text or 'name="offer" value=""' in answer.text
    assert estimate["ok"] is False
    assert bench.site.asked == []
    assert balance == "¥3,000"


async def test_a_price_that_changes_while_the_page_is_open_is_shown_and_agreed_to(bench: Bench) -> None:
    await sold(bench, "demo", "roof")
    async with bench.driver() as browser:
        confirm = await browser.get(f"/o/{CODE}/confirm", params=WISH | {"offer": "roof"})
        async with bench.services.database.transaction() as session:
            row = (await session.scalars(select(Tariff).where(Tariff.name == "roof"))).one()
            row.rates = [rate | {"price": "31"} for rate in row.rates]
        changed = await browser.post(f"/o/{CODE}/start", data=hidden(confirm.text))
        started = await browser.post(f"/o/{CODE}/start", data=hidden(changed.text))

    assert changed.status_code == 409
    assert "The price has changed since it was shown to you." in bench.words(changed)
    assert "¥31 / kWh" in bench.words(changed)
    assert hidden(changed.text)["offer"] == "roof"
    assert started.headers["location"].startswith("/s/")


async def test_the_choice_outlasts_the_proof_of_presence(bench: Bench) -> None:
    await sold(bench, "demo", "wind", basis=Metering.NOTIFIED)
    await bench.sites_ask_for(PresenceCheck.BUTTON)
    async with bench.driver() as browser:
        confirm = await browser.get(f"/o/{CODE}/confirm", params=WISH | {"offer": "wind"})
        form = hidden(confirm.text) | {"metering": metering.VERSION}
        asked = await browser.post(f"/o/{CODE}/start", data=form)
        page = await browser.get(asked.headers["location"])
        await bench.press()
        started = await browser.post(f"/o/{CODE}/start", data=form | hidden(page.text))

    assert "3 of 4" in bench.words(confirm)
    assert "4 of 4" in bench.words(page)
    assert {"offer": "wind", "metering": metering.VERSION}.items() <= hidden(page.text).items()
    assert started.headers["location"].startswith("/s/")
    assert await bought(bench) == ["wind"]


async def test_a_driver_reads_how_a_notified_meter_measures_and_agrees_once(bench: Bench) -> None:
    await sold(bench, "demo", basis=Metering.NOTIFIED)
    async with bench.driver(language="ja") as browser:
        confirm = await browser.get(f"/o/{CODE}/confirm", params=WISH)
        refused = await browser.post(f"/o/{CODE}/start", data=hidden(confirm.text))
        form = hidden(refused.text) | {"metering": metering.VERSION}
        started = await browser.post(f"/o/{CODE}/start", data=form)
        await bench.site.charges()
        again = await browser.get(f"/o/{CODE}/confirm", params=WISH)

    assert "特定計量制度" in bench.words(confirm)
    assert "階級はn5" in bench.words(confirm)
    assert 'type="checkbox" name="metering"' in confirm.text
    assert refused.status_code == 409
    assert "同意してください" in bench.words(refused)
    assert started.headers["location"].startswith("/s/")
    assert "特定計量制度" not in again.text
    async with bench.services.database.transaction() as session:
        assert len(list(await session.scalars(select(MeteringAgreement)))) == 1


@pytest.mark.parametrize(("language", "kwh"), [("en", "kWh equivalent"), ("ja", "kWh相当")])
async def test_energy_that_is_only_estimated_is_called_an_equivalent_everywhere(
    bench: Bench, language: str, kwh: str
) -> None:
    await sold(bench, "by-time", basis=Metering.ESTIMATED)
    texts: dict[str, Any] = {}
    async with bench.driver(language=language) as browser:
        texts["choose"] = bench.words(await browser.get(f"/o/{CODE}/choose"))
        confirm = await browser.get(f"/o/{CODE}/confirm", params={"kind": "energy", "amount": "3"})
        texts["confirm"] = bench.words(confirm)
        texts["until full"] = bench.words(await browser.get(f"/o/{CODE}/confirm", params={"kind": "full"}))
        started = await browser.post(f"/o/{CODE}/start", data=hidden(confirm.text))
        await bench.site.reports("0")
        await bench.site.reports("1500", seconds=1800)
        texts["live"] = bench.words(await browser.get(started.headers["location"]))
        texts["limit"] = bench.words(await browser.get(f"{started.headers['location']}/limit"))
        await bench.site.reports("3000", watts=0, seconds=3600, ended="TimeLimitReached")
        await bench.services.work.drain()
        texts["receipt"] = bench.words(await browser.get(started.headers["location"]))
        texts["history"] = bench.words(await browser.get("/history"))

    for name, text in texts.items():
        assert kwh in text or name == "until full", (name, text)
        assert not re.search(r"\d k?Wh(?! equivalent|相当)", text), (name, text)
