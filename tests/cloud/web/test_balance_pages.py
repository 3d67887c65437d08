"""What a driver reads of the balance: what there is and until when, and what came in and went out."""

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from konsento.models import Driver
from konsento.payments import balance
from konsento.settings import Settings

from ..conftest import AT
from .conftest import PASSWORD, wired

if TYPE_CHECKING:
    from .conftest import Bench

PAID_IN = AT + timedelta(days=3)


async def _pay_in(bench: Bench, amount: int) -> None:
    async with bench.services.database.transaction() as session:
        driver = (await session.scalars(select(Driver))).one()
        await balance.top_up(session, bench.services.settings, driver.id, amount, PAID_IN)


async def test_the_statement_says_what_there_is_until_when_and_how_it_came_about(bench: Bench) -> None:
    async with bench.driver() as browser:
        await _pay_in(bench, 500)
        await bench.start(browser, "1000")
        await bench.site.charges("1000", seconds=1200)
        read = bench.words(await browser.get("/account/balance"))
        table = (await browser.get("/account/balance.csv")).text

    assert "¥3,462 to charge with" in read
    assert "Given by the operator ¥2,962 until 21 May 2027 Paid in ¥500 until 24 May 2027" in read
    assert "Charging −¥38" in read
    assert "Topped up +¥500" in read
    assert "Welcome credit +¥3,000" in read
    rows = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
    assert {(row["What for"], row["Currency"]) for row in rows} == {
        ("Topped up", "JPY"),
        ("Welcome credit", "JPY"),
        ("Charging", "JPY"),
    }
    assert [row["Amount"] for row in rows if row["What for"] == "Topped up"] == ["500"]


async def test_a_part_that_ends_soon_is_told_on_the_account_page(settings: Settings) -> None:
    short = settings.model_copy(update={"balance_months": 2})
    async with wired(short) as bench, bench.driver() as browser:
        before = bench.words(await browser.get("/account"))
        bench.clock.advance(timedelta(days=31))
        await browser.post("/signin", data={"email": "ann@example.com", "password": PASSWORD})
        after = bench.words(await browser.get("/account"))
        in_japanese = bench.words(await browser.get("/account?lang=ja"))

    assert "can be used until" not in before
    assert "¥3,000 of your balance can be used until 21 Jan 2027 only." in after
    assert "残高のうち 3,000円 は 2027/01/21 までご利用いただけます。" in in_japanese


async def test_without_balances_nobody_reads_of_one(settings: Settings) -> None:
    async with wired(settings.model_copy(update={"welcome_credit_minor": 0})) as bench, bench.driver() as browser:
        pages = [bench.words(await browser.get(address)) for address in ("/", "/account", "/history")]
        answer = await browser.get("/account/balance")

    assert not [words for words in pages if "balance" in words.lower()]
    assert answer.status_code == 404
