"""The effect of advice in the back office: numbers by hand, nobody named, no claim out of few, and a file."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from konsento.models import AdviceChannel, AdviceState, Role

from ..effects import charged, driver, region, told, windows
from ..recommended import REGION

if TYPE_CHECKING:
    import httpx

    from tests.cloud.backoffice.conftest import Office

OCTOBER = datetime(2026, 10, 20, 2, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 10, 2, tzinfo=UTC)
TOLD = date(2026, 11, 10)


@pytest.fixture
async def advised(office: Office) -> Office:
    """Twelve drivers who were told of a day; Ann charged before it and since."""
    bench, services = office.bench, office.bench.services
    async with bench.driver("first@example.com") as browser:
        await bench.start(browser)
        await bench.site.charges()
    await region(services, REGION, "Tokyo", "Asia/Tokyo")
    decision = await windows(services, TOLD, (NOVEMBER, NOVEMBER + timedelta(hours=3)))
    every = [await driver(services, f"d{n}", since=NOVEMBER - timedelta(days=1)) for n in range(12)]
    ann = every[0]
    await told(services, decision, TOLD, *every, opened=every[:6], acted=every[:3])
    await told(services, decision, TOLD, ann, channel=AdviceChannel.PUSH, state=AdviceState.DROPPED, reason="gone")
    await charged(services, ann, OCTOBER, 4, 1, times=10)
    await charged(services, ann, NOVEMBER, 5, 3, times=10)
    return office


def cells(answer: httpx.Response) -> list[list[str]]:
    """Return the cells of all rows of the tables of a page."""
    rows = re.findall(r"<tr><td.*?</tr>", answer.text, re.DOTALL)
    return [
        [
            " ".join(re.sub("<[^>]+>", " ", cell).replace("\u00a0", " ").split())
            for cell in re.findall("<td.*?</td>", row)
        ]
        for row in rows
    ]


async def test_whoever_works_here_reads_what_was_told_and_charged(advised: Office) -> None:
    async with advised.member(Role.VIEWER) as browser:
        answer = await browser.get("/office/advice")
        words = advised.bench.words(answer)

    assert cells(answer) == [
        ["November 2026", "1", "1", "0", "12", "6 (50.0%)", "3 (25.0%)", "12", "0", "0", "no browser left 1"],
        ["October 2026", "0", "0", "0", "0", "0", "0", "0", "0", "0", "–"],
        ["November 2026", *["60.0% 30.0 of 50.0 kWh sessions: 10"] * 2, "–", "–"],
        ["October 2026", "25.0% 10.0 of 40.0 kWh sessions: 10", "–", "25.0% 10.0 of 40.0 kWh sessions: 10", "–"],
    ]
    assert "Drivers who charged both before and since 1" in words
    assert "Share differs by +35.0 percentage points" in words
    assert "not what caused it" in words
    assert f'href="/office/regions/{REGION}"' in answer.text
    # The policy of the pages lets no style in; a bar of 60 % is so many of 120 px high.
    assert "style=" not in answer.text
    assert re.search(r'class="bar0" [^>]*height="72.0"><title>November 2026, With advice: 60.0%', answer.text)
    assert "d0@example.com" not in answer.text


async def test_few_sessions_are_said_to_be_few_and_nothing_is_claimed_of_them(advised: Office) -> None:
    services = advised.bench.services
    await region(services, "GB", "Great Britain", "Europe/London")
    ben = await driver(services, "ben", since=NOVEMBER)
    await charged(services, ben, OCTOBER, 4, 1, times=9, code="GB")
    await charged(services, ben, NOVEMBER, 5, 3, times=10, code="GB")
    async with advised.member(Role.OPERATOR) as browser:
        page = await browser.get("/office/advice", params={"region": "GB"})
        words = advised.bench.words(page)
        other = advised.bench.words(await browser.get("/office/advice", params={"region": REGION}))

    assert "Before they had advice 25.0% few 9.0 of 36.0 kWh sessions: 9" in words
    assert "too few to compare" in words
    assert "percentage points" not in words
    assert 'class="bar1 few"' in page.text
    assert "+35.0 percentage points" in other


async def test_all_of_it_is_saved_as_a_table(advised: Office) -> None:
    async with advised.member(Role.VIEWER) as browser:
        answer = await browser.get("/office/advice.csv")
    october, november = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))

    assert answer.headers["content-disposition"] == 'attachment; filename="advice.csv"'
    assert (october["Region"], october["Month"], october["Drivers told"]) == (REGION, "2026-10", "0")
    assert october["The same drivers before: Inside windows (Wh)"] == "10000"
    assert {name: cell for name, cell in november.items() if cell not in {"0", ""}} == {
        "Region": REGION, "Month": "2026-11", "Days with windows": "1", "Days told of": "1", "Drivers told": "12",
        "Opened": "6", "Acted on": "3", "Mails": "12", "Not sent: no browser left": "1",
        "All drivers: Sessions": "10", "All drivers: Energy (Wh)": "50000", "All drivers: Inside windows (Wh)": "30000",
        "With advice: Sessions": "10", "With advice: Energy (Wh)": "50000", "With advice: Inside windows (Wh)": "30000",
    }  # fmt: skip


async def test_a_server_without_regions_says_so_in_both_languages(office: Office) -> None:
    async with office.member(Role.VIEWER, "ja") as browser:
        page = office.bench.words(await browser.get("/office/advice"))
        table = (await browser.get("/office/advice.csv")).text

    assert "電力系統の地域がまだないため、利用者へのお知らせはありません。" in page
    assert table.splitlines()[0].startswith("\ufeff地域,月,おすすめのある日,")
    assert len(table.splitlines()) == 1
