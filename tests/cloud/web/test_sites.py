"""What drivers are told when the operator has said something: opening hours, out of use, nothing sold yet."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from konsento.models import ChargingSession, Outlet, OutletOffer, SessionState, Site

from .conftest import CODE

if TYPE_CHECKING:
    from tests.cloud.web.conftest import Bench

WISH = {"kind": "energy", "amount": "6", "unit": "kWh"}
# It is 10:58 on Sunday, 22 November 2026, in Tokyo; Monday is a holiday.
SUNDAY_MORNING = "Mo-Su 08:00-12:00; PH off"


async def say(bench: Bench, *, hours: str = "", **outlet: Any) -> None:
    async with bench.services.database.transaction() as session:
        await session.execute(update(Site).values(opening_hours=hours))
        if outlet.pop("unsold", False):
            await session.execute(delete(OutletOffer))
        if outlet:
            await session.execute(update(Outlet).values(**outlet))


@pytest.mark.parametrize(
    ("language", "said", "sentences"),
    [
        ("en", {"hours": "Mo-Fr 08:00-20:00; PH off"}, ["This site is closed now.", "It opens 24 Nov, 08:00."]),
        ("ja", {"hours": "Mo-Fr 08:00-20:00; PH off"}, ["この拠点は営業時間外です", "11月24日 8:00"]),
        ("en", {"hours": "off"}, ["This site is closed now.", "It is not known yet when it opens again."]),
        ("en", {"closed_note": "Back at 3"}, ["This outlet is out of use.", "The operator says: Back at 3"]),
        ("en", {"closed_note": ""}, ["This outlet is out of use.", "Use another outlet."]),
        ("en", {"unsold": True}, ["Nothing is sold here yet.", "Nothing was started, nothing is charged."]),
        ("ja", {"unsold": True}, ["まだ販売を開始していません"]),
    ],
)
async def test_a_driver_reads_why_nothing_can_be_started_and_starts_nothing(
    bench: Bench, language: str, said: dict[str, Any], sentences: list[str]
) -> None:
    await say(bench, **said)
    async with bench.driver(language=language) as browser:
        page = bench.words(await browser.get(f"/o/{CODE}"))
        price = await browser.get(f"/o/{CODE}/confirm", params=WISH)
        choose = await browser.get(f"/o/{CODE}/choose")
        start = await browser.post(f"/o/{CODE}/start", data=WISH)

    for sentence in sentences:
        assert sentence in page
    assert price.status_code == start.status_code == 409
    assert sentences[0] in price.text
    assert sentences[0] in start.text
    assert choose.status_code in {303, 409}
    assert bench.site.asked == []


async def test_a_site_that_is_open_says_until_when(bench: Bench) -> None:
    await say(bench, hours=SUNDAY_MORNING)
    async with bench.browser() as browser:
        page = bench.words(await browser.get(f"/o/{CODE}"))
        short = bench.words(await browser.get(f"/o/{CODE}/confirm", params={**WISH, "amount": "3"}))
        long = bench.words(await browser.get(f"/o/{CODE}/confirm", params=WISH))

    assert "This outlet is free." in page
    assert "Open until 22 Nov, 12:00" in page
    assert "The site closes" not in short
    assert "The site closes 22 Nov, 12:00, and this is expected to take longer." in long


async def test_a_session_goes_on_to_its_limit_when_the_site_closes_or_the_outlet_is_put_out_of_use(
    bench: Bench,
) -> None:
    await say(bench, hours=SUNDAY_MORNING)
    async with bench.driver() as browser:
        address = await bench.start(browser, "6", "kWh")
        await say(bench, hours=SUNDAY_MORNING, closed_note="being painted")
        bench.clock.advance(timedelta(hours=1, minutes=30))
        await bench.site.reports("3000", seconds=3600)
        page = bench.words(await browser.get(address))
        outlet = bench.words(await browser.get(f"/o/{CODE}"))
    async with bench.services.database.transaction() as session:
        row = await session.get(ChargingSession, UUID(address.rpartition("/")[2]))

    assert row is not None
    assert row.state is SessionState.CHARGING
    assert "Charging" in page
    assert "You are charging at this outlet." in outlet
