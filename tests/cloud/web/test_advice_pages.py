"""The driver's settings of advice, the end of its mails in one click, and the calendar's address."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import select, update

from konsento.advice import choices, tokens
from konsento.advice.tokens import Purpose
from konsento.models import AdviceBrowser, AdviceChoice, Driver, Site
from konsento.settings import Settings

from ..notifications.test_push import Phone
from ..recommended import REGION, recommend
from .conftest import AT, ORIGIN, wired
from .mails import follow_newest

if TYPE_CHECKING:
    from httpx import AsyncClient

    from .conftest import Bench

SERVICE = "http://127.0.0.1:9"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
"""What a mail program sends (RFC 8058, 3.1)."""


@pytest.fixture
async def bench(settings: Settings, tmp_path: Path) -> AsyncIterator[Bench]:
    more = {"mail_folder": tmp_path / "mails", "push_services": SERVICE}
    async with wired(settings.model_copy(update=more)) as bench:
        await recommend(bench.services, (AT + timedelta(hours=5), AT + timedelta(hours=9)))
        yield bench


async def confirmed(bench: Bench, browser: AsyncClient) -> Driver:
    """Have the driver of a browser confirm the address; returns the newest driver."""
    await follow_newest(bench, browser)
    async with bench.services.database.transaction() as session:
        driver = await session.scalar(select(Driver).order_by(Driver.id.desc()))
    assert driver is not None
    return driver


async def choice(bench: Bench, driver_id: UUID) -> AdviceChoice | None:
    async with bench.services.database.transaction() as session:
        return await session.get(AdviceChoice, driver_id)


async def endpoints(bench: Bench) -> list[str]:
    async with bench.services.database.transaction() as session:
        return list(await session.scalars(select(AdviceBrowser.endpoint)))


async def link_to_end(bench: Bench, driver_id: UUID) -> str:
    async with bench.services.database.transaction() as session:
        return f"/advice/off/{await tokens.make(session, Purpose.NO_MAIL, driver_id)}"


async def turn_on(browser: AsyncClient, **more: str) -> None:
    form = {"mail": "true", "quiet_from": "21:00", "quiet_until": "07:00"} | more
    answer = await browser.post("/account/advice", data=form)
    assert answer.headers["location"] == "/account/advice?done=saved"


async def test_a_driver_turns_it_on_pauses_it_and_turns_it_off(bench: Bench) -> None:
    async with bench.driver() as browser:
        ann = await confirmed(bench, browser)
        before = bench.words(await browser.get("/account/advice"))
        assert "/account/advice" in (await browser.get("/account")).text
        await turn_on(browser, quiet_from="22:30")
        on = await browser.get("/account/advice")
        chosen = await choice(bench, ann.id)
        await browser.post("/account/advice/pause", data={"weeks": "4"})
        paused = bench.words(await browser.get("/account/advice"))
        await browser.post("/account/advice/resume")
        resumed = bench.words(await browser.get("/account/advice"))
        await browser.post("/account/advice/off")

    assert "In the last 90 days you have not charged in a region where we advise." in before
    assert "A good time to charge tomorrow: 08:30–15:00" in before
    assert "Turn all of it off" not in before
    assert 'value="22:30"' in on.text
    assert chosen is not None
    assert (chosen.mail, chosen.quiet_from, chosen.quiet_until) == (True, 22 * 60 + 30, 7 * 60)
    assert "Paused until 20 Dec 2026." in paused
    assert "Paused" not in resumed
    assert await choice(bench, ann.id) is None


async def test_the_page_speaks_japanese_and_says_where_one_charges(bench: Bench) -> None:
    async with bench.driver(language="ja") as browser:
        await confirmed(bench, browser)
        await bench.start(browser)
        await bench.site.charges("1000", seconds=1200)
        page = bench.words(await browser.get("/account/advice"))

    assert "充電されている地域：東京" in page
    assert "明日の充電におすすめ：8:30～15:00" in page


async def test_without_a_confirmed_address_nobody_is_advised(bench: Bench) -> None:
    async with bench.driver() as browser:
        page = bench.words(await browser.get("/account/advice"))
        saved = await browser.post(
            "/account/advice", data={"mail": "true", "quiet_from": "1:00", "quiet_until": "2:00"}
        )
        told = await browser.post("/account/advice/push", json=Phone(SERVICE).subscription.model_dump())

    assert "Advice needs an account with a confirmed e-mail address." in page
    assert (saved.status_code, told.status_code) == (403, 403)


@pytest.mark.parametrize("typed", ["", "x", "24:00", "7", "07:60", "-1:00"])
async def test_times_that_are_none_are_refused_and_stay_typed(bench: Bench, typed: str) -> None:
    async with bench.driver() as browser:
        ann = await confirmed(bench, browser)
        answer = await browser.post("/account/advice", data={"quiet_from": typed, "quiet_until": "07:00"})

    assert answer.status_code == 422
    assert "Quiet hours are two times" in bench.words(answer)
    assert await choice(bench, ann.id) is None


async def test_a_browser_is_told_until_it_or_all_are_turned_off(bench: Bench) -> None:
    phone, other = Phone(SERVICE).subscription, Phone(SERVICE).subscription
    other = other.model_copy(update={"endpoint": f"{SERVICE}/send/2"})
    async with bench.driver() as browser:
        await confirmed(bench, browser)
        for one in (phone, other):
            assert (await browser.post("/account/advice/push", json=one.model_dump())).json() == {"told": True}
        two = bench.words(await browser.get("/account/advice"))
        await browser.post("/account/advice/push/off", json={"endpoint": phone.endpoint})
        one_left = bench.words(await browser.get("/account/advice"))
        async with bench.driver("bob@example.com") as bob:
            await bob.post("/account/advice/push/off", json={"endpoint": other.endpoint})
        still = bench.words(await browser.get("/account/advice"))
        await browser.post("/account/advice/browsers/end")
        stranger = await browser.post("/account/advice/push", json=Phone("https://evil.test").subscription.model_dump())

    assert "Browsers that are told: 2" in two
    assert "Browsers that are told: 1" in one_left
    assert "Browsers that are told: 1" in still
    assert stranger.status_code == 422
    assert await endpoints(bench) == []


async def test_a_browser_that_gets_another_address_is_followed_and_nobody_elses_is_moved(bench: Bench) -> None:
    before, now = Phone(SERVICE).subscription, Phone(SERVICE).subscription
    now = now.model_copy(update={"endpoint": f"{SERVICE}/send/2"})
    renewed = now.model_dump() | {"old": before.endpoint}
    async with bench.driver() as browser:
        await confirmed(bench, browser)
        await browser.post("/account/advice/push", json=before.model_dump())
        async with bench.driver("bob@example.com") as bob:
            theirs = await bob.post("/account/advice/push/renew", json=renewed)
        assert await endpoints(bench) == [before.endpoint]
        await browser.post("/account/advice/push/renew", json=renewed)
        assert await endpoints(bench) == [now.endpoint]
        again = await browser.post("/account/advice/push/renew", json=renewed)

    assert (theirs.status_code, again.status_code) == (200, 200)
    assert await endpoints(bench) == [now.endpoint]


async def test_one_click_of_a_mail_program_ends_the_mails_without_cookies_or_origin(bench: Bench) -> None:
    async with bench.driver() as browser:
        ann = await confirmed(bench, browser)
        await turn_on(browser)
    link = await link_to_end(bench, ann.id)
    async with bench.browser() as program:
        del program.headers["Origin"]
        twice = [(await program.post(link, data=ONE_CLICK)).status_code for _ in range(2)]

    assert twice == [200, 200]
    ended = await choice(bench, ann.id)
    assert ended is not None
    assert not ended.mail


async def test_looking_at_the_link_ends_nothing_and_confirming_ends_it_without_signing_in(bench: Bench) -> None:
    async with bench.driver() as browser:
        ann = await confirmed(bench, browser)
        await turn_on(browser)
    link = await link_to_end(bench, ann.id)
    async with bench.browser() as somebody:
        asks = await somebody.get(link)
        looked = await choice(bench, ann.id)
        done = await somebody.post(link)

    assert "No more mails about good times to charge?" in bench.words(asks)
    assert "ann@" not in asks.text
    assert looked is not None
    assert looked.mail
    assert "You get no more of these mails." in bench.words(done)


async def test_nobody_ends_the_mails_of_another_with_a_link_of_their_own_making(bench: Bench) -> None:
    async with bench.driver() as browser:
        ann = await confirmed(bench, browser)
        await turn_on(browser)
    good = (await link_to_end(bench, ann.id)).removeprefix("/advice/off/")
    async with bench.services.database.transaction() as session:
        of_message = await tokens.make(session, Purpose.MESSAGE, ann.id)
    flipped = good[:20] + ("A" if good[20] != "A" else "B") + good[21:]
    async with bench.browser() as bob:
        answers = [
            await bob.post(f"/advice/off/{bad}") for bad in (flipped, of_message, good[:-4], "x", "é", str(ann.id))
        ]

    assert {answer.status_code for answer in answers} == {404}
    still = await choice(bench, ann.id)
    assert still is not None
    assert still.mail


async def test_the_link_of_a_deleted_account_ends_nothing_and_says_so(bench: Bench) -> None:
    async with bench.driver() as browser:
        ann = await confirmed(bench, browser)
        await turn_on(browser)
        link = await link_to_end(bench, ann.id)
        await browser.post("/account/delete", data={"present": "correct horse battery"})
        answer = await browser.post(link)

    assert answer.status_code == 404
    assert await choice(bench, ann.id) is None


async def test_a_calendar_fetches_the_windows_until_its_address_is_ended(bench: Bench) -> None:
    async with bench.driver() as browser, bench.browser() as calendar:
        await confirmed(bench, browser)
        await bench.start(browser)
        await bench.site.charges("1000", seconds=1200)
        shown = await browser.post("/account/advice/calendar")
        [address] = re.findall(rf"{ORIGIN}(/advice/calendar/\w+\.ics)", shown.text)
        first = await calendar.get(address)
        again = await calendar.get(address, headers={"If-None-Match": f'"x", {first.headers["etag"]}'})
        weak = await calendar.get(address, headers={"If-None-Match": f"W/{first.headers['etag']}"})
        hidden = await browser.get("/account/advice")
        [renewed] = re.findall(r"/advice/calendar/\w+\.ics", (await browser.post("/account/advice/calendar")).text)[:1]
        old, new = await calendar.get(address), await calendar.get(renewed)
        await browser.post("/account/advice/calendar/end")
        ended = await calendar.get(renewed)
        invented = await calendar.get(f"/advice/calendar/{'A' * 43}.ics")

    assert first.headers["content-type"].startswith("text/calendar; charset=utf-8")
    assert first.text.startswith("BEGIN:VCALENDAR\r\n")
    assert "ann@" not in first.text
    assert (again.status_code, again.content, weak.status_code) == (304, b"", 304)
    assert address not in hidden.text
    assert [one.status_code for one in (old, new, ended, invented)] == [404, 200, 404, 404]


async def test_the_account_says_nothing_of_advice_where_the_operator_offers_none(bench: Bench) -> None:
    async with bench.services.database.transaction() as session:
        region = await session.get_one(choices.GridRegion, REGION)
        region.advises = False
        await session.execute(update(Site).values(region=None))
    async with bench.driver() as browser:
        account = await browser.get("/account")

    assert "/account/advice" not in account.text
