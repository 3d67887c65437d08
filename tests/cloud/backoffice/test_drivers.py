"""Drivers: seen for a reason only, every look in the log, credit once."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from konsento.kit.ids import new_id
from konsento.models import Driver, Role, Transfer

if TYPE_CHECKING:
    from uuid import UUID

    import httpx

    from tests.cloud.backoffice.conftest import Office

REASON = {"reason": "asked for help by phone"}


async def driver_id(office: Office, email: str = "ann@example.com") -> UUID:
    async with office.bench.services.database.transaction() as session:
        return (await session.scalars(select(Driver.id).where(Driver.email == email))).one()


async def test_a_search_shows_masked_drivers_and_is_logged(office: Office) -> None:
    async with office.bench.driver(), office.member(Role.SUPPORT) as browser:
        without = await browser.post("/office/drivers", data={"text": "ann@"})
        found = await browser.post("/office/drivers", data={"text": "ANN@exa"} | REASON)
        by_name = await browser.post("/office/drivers", data={"text": "ann ex"} | REASON)
        wild = await browser.post("/office/drivers", data={"text": "%%%"} | REASON)
        short = await browser.post("/office/drivers", data={"text": "an"} | REASON)

    number = str(await driver_id(office))
    assert without.status_code == 422
    assert number in found.text
    assert number in by_name.text
    assert number not in wild.text + short.text
    assert "ann@example.com" not in found.text.replace("ANN@exa", "").lower()
    assert [entry.details["searched"] for entry in await office.log("driver.search")] == [
        "ANN@exa",
        "ann ex",
        "%%%",
        "an",
    ]


async def test_a_driver_is_masked_until_a_reason_is_given_and_each_look_is_logged(office: Office) -> None:
    async with office.bench.driver() as driver, office.member(Role.SUPPORT) as browser:
        await office.bench.start(driver)
        await office.bench.site.charges("10")
        number = await driver_id(office)
        masked = await browser.get(f"/office/drivers/{number}")
        refused = await browser.post(f"/office/drivers/{number}", data={"reason": " x "})
        assert await office.log("driver.look") == []
        shown = await browser.post(f"/office/drivers/{number}", data=REASON)

    assert "a…@e…" in masked.text
    assert "ann@example.com" not in masked.text + refused.text
    assert refused.status_code == 422
    assert "ann@example.com" in shown.text
    assert "Outlet 1, north wall" in shown.text
    (entry,) = await office.log("driver.look")
    assert (entry.subject, entry.details) == (str(number), REASON)


async def test_support_ends_a_drivers_sign_ins(office: Office) -> None:
    async with office.bench.driver() as driver, office.member(Role.SUPPORT) as browser:
        number = await driver_id(office)
        before = await driver.get("/history")
        await browser.post(f"/office/drivers/{number}/sign-out", data=REASON)
        after = await driver.get("/history")

    assert (before.status_code, after.status_code) == (200, 303)


async def test_goodwill_is_given_once_from_what_the_operator_gives_away(office: Office) -> None:
    once = str(new_id())
    async with office.bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        number = await driver_id(office)
        before = await office.bench.balance(driver)
        for _ in range(2):
            data = {"amount": "５００", "once": once} | REASON
            answer = await browser.post(f"/office/drivers/{number}/credit", data=data)
        after = await office.bench.balance(driver)

    assert answer.status_code == 200
    assert (before, after) == ("¥3,000", "¥3,500")
    async with office.bench.services.database.transaction() as session:
        assert len(list(await session.scalars(select(Transfer).where(Transfer.reason == "goodwill")))) == 1
    (entry,) = await office.log("driver.credit")
    assert (entry.details["minor"], entry.details["currency"]) == (500, "JPY")


@pytest.mark.parametrize("amount", ["", "0", "-5", "0.5", "1e9", "1000001", "NaN", "Infinity", "5 yen"])
async def test_an_amount_that_cannot_be_is_not_given(office: Office, amount: str) -> None:
    async with office.bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        number = await driver_id(office)
        answer = await browser.post(
            f"/office/drivers/{number}/credit", data={"amount": amount, "once": str(new_id())} | REASON
        )
        assert answer.status_code == 422
        assert await office.bench.balance(driver) == "¥3,000"

    assert await office.log("driver.credit") == []


async def test_a_member_gives_no_more_than_a_day_allows(office: Office) -> None:
    office.bench.services.settings.goodwill_day_minor = 1000
    async with (
        office.bench.driver() as driver,
        office.member(Role.OPERATOR) as browser,
        office.member(Role.ADMIN) as other,
    ):
        number = await driver_id(office)
        at = f"/office/drivers/{number}/credit"

        async def give(member: httpx.AsyncClient, amount: str) -> tuple[int, str]:
            answer = await member.post(at, data={"amount": amount, "once": str(new_id())} | REASON)
            return answer.status_code, office.bench.words(answer)

        first = await give(browser, "700")
        too_much = await give(browser, "301")
        rest = await give(browser, "300")
        spent = await give(browser, "1")
        colleague = await give(other, "1000")
        balance = await office.bench.balance(driver)

    assert (first[0], too_much[0], rest[0], spent[0], colleague[0]) == (200, 409, 200, 409, 200)
    assert "¥700 were given." in first[1]
    assert "In 24 hours you may give ¥1,000; ¥300 of it is left." in too_much[1]
    assert balance == "¥5,000"
    assert len(await office.log("driver.credit")) == 3


async def test_two_clicks_at_once_give_once_and_say_so(office: Office) -> None:
    data = {"amount": "500", "once": str(new_id())} | REASON
    async with office.bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        at = f"/office/drivers/{await driver_id(office)}/credit"
        answers = await asyncio.gather(browser.post(at, data=data), browser.post(at, data=data))
        balance = await office.bench.balance(driver)

    assert balance == "¥3,500"
    said = sorted("It was given once." in office.bench.words(answer) for answer in answers)
    assert said == [False, True]
