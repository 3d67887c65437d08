"""Sessions in the back office: found by everything but their driver, with every step, event and message in order."""

import csv
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select
from starlette.responses import StreamingResponse

from konsento.backoffice import session_search
from konsento.models import ChargingSession, Direction, OutgoingMail, Role
from konsento.ocpp import Journal
from konsento.ocpp.messages import GetTransactionStatus, GetTransactionStatusResponse, RequestStopTransaction
from konsento.web.csv import csv_file

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

STATION = "sakura-mall"
NOBODYS = "01890a5d-ac96-774b-bcce-b302099a8057"


async def charged(office: Office, amount: str = "10", *, ended: bool = True) -> str:
    """Have a driver charge; returns the session's id."""
    async with office.bench.driver("ann@example.com") as driver:
        at = await office.bench.start(driver, amount)
    if ended:
        await office.bench.site.charges("10")
    else:
        await office.bench.site.reports("0")
        await office.bench.site.reports("3", seconds=4)
    return at.removeprefix("/s/")


async def row_of(office: Office, session_id: str) -> ChargingSession:
    async with office.bench.services.database.transaction() as session:
        return next(s for s in await session.scalars(select(ChargingSession)) if str(s.id) == session_id)


async def test_a_session_is_found_by_what_identifies_it(office: Office) -> None:
    session_id = await charged(office)
    charging = await row_of(office, session_id)
    async with office.member(Role.VIEWER) as browser:
        for text in (session_id, charging.transaction_id, str(charging.remote_start_id), "k7f-29q"):
            page = await browser.get("/office/sessions", params={"text": text})
            assert f"/office/sessions/{session_id}" in page.text, text
        others = [
            await browser.get("/office/sessions", params=params)
            for params in (
                {"text": "nothing"},
                {"state": "failed"},
                {"until": "2020-01-01"},
                {"site": NOBODYS},
            )
        ]
        lenient = await browser.get("/office/sessions", params={"state": "x", "site": "x", "since": "x", "sort": "x"})

    assert all(session_id not in page.text for page in others)
    assert session_id in lenient.text


async def test_days_of_the_search_are_days_at_the_site(office: Office) -> None:
    session_id = await charged(office)  # 2026-11-22, 10:58 in Tokyo
    async with office.member(Role.VIEWER) as browser:
        that_day = await browser.get("/office/sessions", params={"since": "2026-11-22", "until": "2026-11-22"})
        day_before = await browser.get("/office/sessions", params={"until": "2026-11-21"})

    assert session_id in that_day.text
    assert session_id not in day_before.text


async def test_nothing_about_the_driver_is_shown_or_exported(office: Office) -> None:
    session_id = await charged(office)
    async with office.member(Role.ADMIN) as browser:
        answers = [
            await browser.get("/office/sessions"),
            await browser.get("/office/sessions.csv"),
            await browser.get(f"/office/sessions/{session_id}"),
            await browser.get("/office/"),
        ]

    for answer in answers:
        assert answer.status_code == 200
        assert "ann@example.com" not in answer.text
        assert "Ann Example" not in answer.text


async def test_a_search_by_mail_address_needs_a_reason_and_is_logged(office: Office) -> None:
    session_id = await charged(office)
    async with office.member(Role.SUPPORT) as browser:
        without = await browser.post("/office/sessions", data={"email": "ann@example.com"})
        found = await browser.post("/office/sessions", data={"email": "Ann@example.com ", "reason": "she called us"})
        nobody = await browser.post("/office/sessions", data={"email": "x@example.com", "reason": "she called us"})

    assert without.status_code == 422
    assert session_id in found.text
    assert session_id not in nobody.text
    assert [(e.details["searched"], e.details["reason"]) for e in await office.log("driver.search")] == [
        ("ann@example.com", "she called us"),
        ("x@example.com", "she called us"),
    ]


async def test_the_timeline_has_steps_events_messages_and_money_in_order(office: Office) -> None:
    session_id = await charged(office, "1000", ended=False)
    charging = await row_of(office, session_id)
    journal = Journal(office.bench.services.database, office.bench.clock)
    event = {
        "transactionInfo": {"transactionId": charging.transaction_id},
        "idToken": {"idToken": "ABCDEFGHIJ0123456789", "type": "Central"},
    }
    journal.note(STATION, Direction.IN, json.dumps([2, "m1", "TransactionEvent", event]))
    journal.note(STATION, Direction.OUT, '[3,"m1",{}]')
    journal.note(
        STATION,
        Direction.OUT,
        json.dumps([2, "m0", "RequestStartTransaction", {"remoteStartId": charging.remote_start_id}]),
    )
    journal.note(STATION, Direction.IN, '[3,"m0",{"status":"Accepted"}]')
    journal.note(STATION, Direction.IN, '[2,"m2","TransactionEvent",{"transactionInfo":{"transactionId":"OTHER"}}]')
    journal.note("elsewhere", Direction.IN, json.dumps([2, "m3", "TransactionEvent", event]))
    await journal.flush()
    office.bench.clock.advance(timedelta(seconds=10))
    await office.bench.site.reports("1000", seconds=1300, ended="EnergyLimitReached")
    await office.bench.services.work.drain()
    async with office.member(Role.VIEWER) as browser:
        page = await browser.get(f"/office/sessions/{session_id}")
        only = await browser.get(f"/office/sessions/{session_id}", params={"show": "ocpp"})

    words = office.bench.words(page)
    assert words.count("TransactionEvent") == 2  # the call and its answer, not the other transaction's
    assert words.count("RequestStartTransaction") == 2
    assert "ABCDEFGHIJ" not in page.text
    assert "ABCD…" in page.text
    order = [words.index(text) for text in ("Agreed", "Meter: Started", "Meter: Ended", "Receipt 1: 1.00 kWh")]
    assert order == sorted(order)
    assert "Taken" in words
    assert "Meter: Started" not in office.bench.words(only)
    times = re.findall(r"<time>([\d: -]+)<small>(\.\d+)", page.text)
    assert times == sorted(times)


async def test_support_stops_a_session_with_a_reason(office: Office) -> None:
    session_id = await charged(office, ended=False)
    async with office.member(Role.SUPPORT) as browser:
        without = await browser.post(f"/office/sessions/{session_id}/stop")
        assert not [r for r in office.bench.site.asked if isinstance(r, RequestStopTransaction)]
        stopped = await browser.post(f"/office/sessions/{session_id}/stop", data={"reason": "the cable smokes"})

    assert without.status_code == 422
    assert stopped.status_code == 303
    assert [type(r) for r in office.bench.site.asked][-1] is RequestStopTransaction
    (entry,) = await office.log("session.stop")
    assert (entry.subject, entry.details["reason"]) == (session_id, "the cable smokes")


async def test_checking_asks_the_site_and_its_answer_is_in_the_timeline(office: Office) -> None:
    session_id = await charged(office, ended=False)
    office.bench.site.answers[GetTransactionStatus] = lambda _: GetTransactionStatusResponse(
        ongoing_indicator=True, messages_in_queue=False
    )
    async with office.member(Role.SUPPORT) as browser:
        await browser.post(f"/office/sessions/{session_id}/check")
        office.bench.site.online = False
        await browser.post(f"/office/sessions/{session_id}/check")
        page = await browser.get(f"/office/sessions/{session_id}")

    answers = [entry.details for entry in await office.log("session.check")]
    assert answers[0] == {"ongoing": True, "messages in queue": False}
    assert "not connected" in answers[1]["answer"]
    assert "session.check" in page.text


async def test_a_receipt_is_sent_again_in_the_drivers_language(office: Office, tmp_path: Path) -> None:
    session_id = await charged(office, "1000")
    async with office.member(Role.SUPPORT, "ja") as browser:
        impossible = await browser.post(f"/office/sessions/{session_id}/receipt")
        office.bench.services.settings.mail_folder = tmp_path
        sent = await browser.post(f"/office/sessions/{session_id}/receipt")

    assert (impossible.status_code, sent.status_code) == (404, 303)
    async with office.bench.services.database.transaction() as session:
        (mail,) = await session.scalars(select(OutgoingMail))
    assert mail.recipient == "ann@example.com"
    assert mail.subject.startswith("Your receipt 1: ¥")
    assert f"http://konsento.test/s/{session_id}" in mail.text
    assert len(await office.log("session.send-receipt")) == 1


async def test_the_file_has_every_session_and_no_formulas(office: Office) -> None:
    session_id = await charged(office)
    async with office.member(Role.VIEWER) as browser:
        answer = await browser.get("/office/sessions.csv")

    assert answer.text.startswith("\ufeffSession,Created,Started,Ended,Time zone,Site")
    (line,) = csv.DictReader(answer.text.lstrip("\ufeff").splitlines())
    assert (line["Session"], line["Created"], line["Time zone"]) == (session_id, "2026-11-22 10:58:00", "Asia/Tokyo")
    assert (line["State"], line["End"], line["Energy (Wh)"]) == ("billed", "the chosen amount was reached", "10")
    assert (line["Code"], line["Billed"], line["Currency"], line["Receipt"]) == ("K7F-29Q", "0", "JPY", "1")


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_the_overview_counts_what_is_going_on(office: Office, language: str) -> None:
    await charged(office)
    async with office.bench.driver("bob@example.com") as driver:
        await office.bench.start(driver)
        await office.bench.site.reports("0")
    async with office.member(Role.VIEWER, language) as browser:
        page = office.bench.words(await browser.get("/office/"))
        part = await browser.get("/office/live")

    assert "10 Wh" in page
    assert "3.00 kW" in page
    assert ("Sessions running 1" if language == "en" else "実行中の充電 1") in page
    assert "<html" not in part.text


async def test_what_support_types_finds_the_session(office: Office) -> None:
    office.bench.services.settings.evse_id_prefix = "JP*KNS"
    session_id = await charged(office, "1000")
    async with office.member(Role.VIEWER) as browser:
        for params in (
            {"text": " Ｋ７Ｆ－２９Ｑ "},
            {"text": "JP*KNS*EK7F29Q"},
            {"text": STATION},
            {"text": "1"},  # the receipt's number
            {"amount": "¥0"},
            {"end": "EnergyLimitReached"},
            {"state": "settled", "since": "2026-11-22"},
        ):
            page = await browser.get("/office/sessions", params=params)
            assert session_id in page.text, params
        others = ({"text": "M4X-R8T"}, {"amount": "5"}, {"end": "Remote"}, {"state": "running"}, {"text": "9" * 30})
        for params in others:
            page = await browser.get("/office/sessions", params=params)
            assert (page.status_code, session_id in page.text) == (200, False), params


async def test_a_part_of_a_mail_address_is_for_who_may_see_drivers(office: Office) -> None:
    session_id = await charged(office)
    data = {"email": "ANN@ex", "reason": "she called us"}
    async with office.member(Role.VIEWER) as viewer, office.member(Role.SUPPORT) as support:
        page = await viewer.get("/office/sessions")
        refused = await viewer.post("/office/sessions", data=data)
        found = await support.post("/office/sessions", data=data)
        wide = await support.post("/office/sessions", data=data | {"email": "an"})
        wild = await support.post("/office/sessions", data=data | {"email": "%%%"})

    assert 'name="email"' not in page.text
    assert (refused.status_code, wide.status_code) == (403, 422)
    assert session_id in found.text
    assert session_id not in refused.text + wide.text + wild.text
    assert [e.details["searched"] for e in await office.log("driver.search")] == ["ann@ex", "%%%"]


@pytest.mark.parametrize("sort", ["created", "outlet", "site", "state", "end", "energy", "seconds", "amount", "x"])
async def test_the_table_is_sorted_both_ways(office: Office, sort: str) -> None:
    first = await charged(office, "1000")
    office.bench.clock.advance(timedelta(minutes=1))
    async with office.bench.driver("bob@example.com") as driver:
        second = (await office.bench.start(driver)).removeprefix("/s/")
    async with office.member(Role.VIEWER) as browser:
        orders = [
            re.findall(r'<td class="nowrap"><a href="/office/sessions/([0-9a-f-]+)"', page.text)
            for down in ("true", "false")
            if (page := await browser.get("/office/sessions", params={"sort": sort, "down": down}))
        ]

    assert [sorted(order) for order in orders] == [sorted([first, second])] * 2
    # What is not billed comes last either way; otherwise up is the reverse of down.
    assert (orders[0] == orders[1]) == (sort == "amount")


async def test_a_file_is_whole_however_many_parts_it_is_read_in(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_search, "EXPORTED_AT_ONCE", 2)
    made = []
    async with office.bench.driver() as driver:
        for _ in range(5):
            made.append((await office.bench.start(driver)).removeprefix("/s/"))
            await office.bench.site.charges("10")
    async with office.member(Role.VIEWER, "ja") as browser:
        answer = await browser.get("/office/sessions.csv")

    rows = list(csv.DictReader(answer.text.lstrip("\ufeff").splitlines()))
    assert [row["充電"] for row in rows] == made[::-1]
    assert {row["状態"] for row in rows} == {"精算済み"}


async def test_cells_that_a_spreadsheet_would_change_are_told_to_be_text() -> None:
    async def parts() -> AsyncIterator[list[tuple[object, ...]]]:
        yield [("=1+1", "@x", "-5", "12345678901234567890", "2E3456", "K7F-29Q", 5, Decimal("38.5"), None)]

    file = csv_file("x", ["a"], parts())
    assert isinstance(file, StreamingResponse)
    text = "".join([str(part) async for part in file.body_iterator])
    assert text.splitlines()[1] == "'=1+1,'@x,'-5,'12345678901234567890,'2E3456,K7F-29Q,5,38.5,"


async def test_the_payment_says_what_is_held_while_nothing_is_taken(office: Office) -> None:
    session_id = await charged(office, "1000", ended=False)
    async with office.member(Role.VIEWER) as browser:
        page = office.bench.words(await browser.get(f"/office/sessions/{session_id}"))

    assert "Payment prepaid balance: held, ¥38" in page


async def test_a_stop_without_a_reason_says_so_beside_the_form(office: Office) -> None:
    session_id = await charged(office, ended=False)
    async with office.member(Role.SUPPORT) as browser:
        page = await browser.post(f"/office/sessions/{session_id}/stop", data={"reason": "x"})

    assert page.status_code == 422
    assert 'aria-describedby="problem"' in page.text
    assert f'action="/office/sessions/{session_id}/stop"' in page.text


async def test_a_stop_by_the_staff_is_not_said_to_be_ones_own(office: Office) -> None:
    session_id = await charged(office, ended=False)
    async with office.member(Role.SUPPORT) as browser:
        await browser.post(f"/office/sessions/{session_id}/stop", data={"reason": "the cable smokes"})
        await office.bench.site.reports("5", seconds=8, ended="Remote")
        page = office.bench.words(await browser.get(f"/office/sessions/{session_id}"))

    assert "Supply ended: stopped by its driver or the staff (Remote)." in page


async def test_a_page_asks_as_often_for_many_rows_as_for_few(office: Office) -> None:
    statements: list[str] = []
    event.listen(
        office.bench.services.database.engine.sync_engine,
        "before_cursor_execute",
        lambda *args: statements.append(str(args[2])),
    )
    asked = []
    async with office.bench.driver() as driver, office.member(Role.ADMIN) as browser:
        for _ in range(3):
            await office.bench.start(driver)
            await office.bench.site.charges("10")
            counts = []
            for at in ("/", "/sessions", "/alarms", "/log", "/health", "/staff"):
                statements.clear()
                assert (await browser.get(f"/office{at}")).status_code == 200
                counts.append(len(statements))
            asked.append(counts)

    assert asked[0] == asked[1] == asked[2]


async def test_overviews_that_are_open_share_what_was_read(office: Office) -> None:
    async with office.member(Role.VIEWER) as browser:
        async with office.bench.driver() as driver:
            await browser.get("/office/")
            await office.bench.start(driver)
        shared = office.bench.words(await browser.get("/office/live"))
        office.bench.clock.advance(timedelta(seconds=5))
        newer = office.bench.words(await browser.get("/office/live"))

    assert "Sessions running 1" in newer
    assert "Sessions running 0" in shared
