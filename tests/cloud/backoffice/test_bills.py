"""Bills as driver and back office live them: asked for once, paid once, and the books agree all the time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2
import pytest
from pydantic import ValidationError
from stdnum import iso11649

from konsento.kit.i18n import LANGUAGES
from konsento.kit.ids import new_id
from konsento.ledger import service as ledger
from konsento.models import AccountKind, OutletStatus, Role
from konsento.payments.bills import layout
from konsento.payments.bills import service as bills
from konsento.settings import BillEvery, Settings
from konsento.settlement import checking

from ..payments.scripted import ScriptedProvider
from ..web.conftest import CODE, PASSWORD, wired
from ..web.mails import mails
from .bills import WISH, by_bill, charged, confirmed, run, the_bill, the_bills
from .conftest import Office

if TYPE_CHECKING:
    import httpx

    from ..web.conftest import Bench


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return by_bill(settings, mail_folder=tmp_path / "mails")


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    async for office in opened(settings):
        yield office


@pytest.fixture
async def monthly(settings: Settings) -> AsyncIterator[Office]:
    async for office in opened(by_bill(settings, BillEvery.MONTH)):
        yield office


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[Office]:
    """An operator with whom drivers may pay by card, at the end and by bill."""
    async for office in opened(settings.model_copy(update={"pay_later_minor": 100})):
        yield office


async def opened(settings: Settings) -> AsyncIterator[Office]:
    provider = ScriptedProvider(minimum_minor=1)
    async with wired(settings, [provider]) as bench:
        provider.now = bench.clock.now
        yield Office(bench)
        assert await checking.check(bench.services.database) == []


async def letters(bench: Bench) -> list[EmailMessage]:
    """Return the mails with a bill."""
    return [mail for mail in await mails(bench) if name(mail).startswith("B-")]


def name(mail: EmailMessage) -> str:
    return next((part.get_filename() or "" for part in mail.iter_attachments()), "")


def file_of(mail: EmailMessage) -> str:
    (part,) = mail.iter_attachments()
    return read(part.get_content())


def read(file: bytes) -> str:
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(file)).split())


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().replace("\u00a0", " ").split())


def bank(amount: str, day: str = "2026-11-22") -> dict[str, str]:
    return {"amount": amount, "paid_on": day, "reference": "TR 1", "once": str(new_id())}


async def funds(bench: Bench) -> int:
    async with bench.services.database.transaction() as session:
        account = await ledger.find_account(session, AccountKind.FUNDS, "JPY")
    return account.debits_posted - account.credits_posted if account is not None else 0


async def still(bench: Bench, browser: httpx.AsyncClient, receipt: str) -> bool:
    """Tell whether a receipt still asks for money."""
    return "Still to be paid" in bench.words(await browser.get(receipt))


async def sign_in_again(browser: httpx.AsyncClient) -> None:
    await browser.post("/signin", data={"email": "ann@example.com", "password": PASSWORD})


async def test_a_session_by_bill_holds_nothing_and_its_bill_comes_at_once(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver:
        await confirmed(bench)
        price = bench.words(await driver.get(f"/o/{CODE}/confirm?kind=energy&amount=1&unit=kWh"))
        receipt = await charged(bench, driver)
        (mail,) = await letters(bench)
        shown = bench.words(await driver.get(receipt))
        listed = bench.words(await driver.get("/account/bills"))
        own = await driver.get(f"/account/bills/{await the_bill(bench)}.pdf")
    async with bench.driver("eve@example.com") as eve:
        await confirmed(bench)
        others = await eve.get(f"/account/bills/{await the_bill(bench)}.pdf")

    text = file_of(mail)
    assert "By bill holds nothing" in price
    assert mail["Subject"] == "Your bill B-2026-000001: ¥38"
    assert "please pay ¥38 by 6 Dec 2026" in body(mail)
    for said in (
        "B-2026-000001",
        "K-2026-000001",
        "Sakura Bank, Ginza branch",
        "Ordinary 1234567",
        "¥38",
        "6 Dec 2026",
    ):
        assert said in text, said
    number = text.partition("Payment reference ")[2][:16].replace(" ", "")
    assert iso11649.is_valid(number)
    assert number.endswith("000000001")
    assert "Still to be paid ¥38 A bill asks for it B-2026-000001 (PDF) From 6 Dec 2026 on" in shown
    assert "B-2026-000001 ¥38 to be paid by 6 Dec 2026" in listed
    assert (own.headers["content-type"], others.status_code) == ("application/pdf", 404)


async def test_who_has_not_confirmed_the_address_and_a_guest_have_no_bill(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, bench.browser() as guest:
        await guest.post("/guest", data={"email": "guest@example.com", "phone": ""})
        for browser in (driver, guest):
            assert (await browser.post(f"/o/{CODE}/start", data=WISH | {"provider": "bill"})).status_code == 422
            assert (await browser.get("/account/bills")).status_code == 404


async def test_more_than_the_limit_cannot_be_owed_by_bill(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver:
        await confirmed(bench)
        await charged(bench, driver)
        await charged(bench, driver)
        third = await driver.post(f"/o/{CODE}/start", data=WISH | {"provider": "bill"})

    assert (third.status_code, len(await the_bills(bench))) == (402, 2)


async def test_a_month_is_billed_on_the_first_day_after_it_once_and_without_what_is_paid(monthly: Office) -> None:
    bench = monthly.bench
    async with bench.driver() as driver:
        await confirmed(bench)
        first, second = await charged(bench, driver), await charged(bench, driver)
        await run(bench.services)
        none_yet = await the_bills(bench)
        waits = bench.words(await driver.get(second))
        asked = await driver.post(f"{first}/pay", data={"provider": "scripted:card"})
        provider = bench.services.desk.external["scripted"]
        assert isinstance(provider, ScriptedProvider)
        provider.confirm(provider.references[-1])
        await driver.get(str(asked.headers["location"]))
        # 0:30 in Tokyo on 1 December, which is still November in Europe.
        bench.clock.advance(datetime(2026, 11, 30, 15, 30, tzinfo=UTC) - bench.clock.now())
        for _ in range(2):
            await run(bench.services)
        (mail,) = await letters(bench)
        bench.clock.advance(timedelta(days=31))
        await run(bench.services)

    (bill,) = await the_bills(bench)
    assert none_yet == []
    assert "It will be on your next bill. You can also pay it now." in waits
    assert bill.amount_minor == 38
    assert "K-2026-000002" in file_of(mail)
    assert "K-2026-000001" not in file_of(mail)


async def test_an_agreed_month_is_not_overdue_before_its_bill(monthly: Office) -> None:
    bench = monthly.bench
    async with bench.driver() as driver:
        await confirmed(bench)
        bench.clock.advance(datetime(2026, 12, 1, tzinfo=UTC) - bench.clock.now())
        await bench.outlet_is(OutletStatus.AVAILABLE)
        await sign_in_again(driver)
        await charged(bench, driver)
        bench.clock.advance(timedelta(days=25))
        await bench.outlet_is(OutletStatus.AVAILABLE)
        await sign_in_again(driver)
        again = await driver.post(f"/o/{CODE}/start", data=WISH | {"provider": "bill"})

    assert again.status_code == 303


async def test_an_unpaid_bill_is_reminded_of_blocks_its_driver_and_frees_when_paid(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        await confirmed(bench)
        await charged(bench, driver)
        bench.clock.advance(timedelta(days=13))
        await run(bench.services)
        before = len(await letters(bench))
        for _ in range(6):
            bench.clock.advance(timedelta(days=7, minutes=1))
            await run(bench.services)
        sent = await letters(bench)
        await bench.outlet_is(OutletStatus.AVAILABLE)
        await sign_in_again(driver)
        blocked = await driver.post(f"/o/{CODE}/start", data=WISH | {"provider": "scripted:card"})
        _, token = await office.enrolled(Role.OPERATOR, "two@staff.example.com")
        browser.cookies.set("konsento_staff", token, path="/office")
        overdue = bench.words(await browser.get("/office/bills", params={"show": "overdue"}))
        paid = await browser.post(f"/office/bills/{await the_bill(bench)}/paid", data=bank("38"))
        free = await driver.post(f"/o/{CODE}/start", data=WISH | {"provider": "bill"})

    assert (before, len(sent)) == (1, 4)
    assert sent[-1]["Subject"] == "Please pay: bill B-2026-000001, ¥38"
    assert "Until it is paid you cannot charge." in body(sent[-1])
    assert "Reminder of a bill" in file_of(sent[-1])
    assert blocked.status_code == 402
    assert "An earlier charging is not paid yet, so nothing was started." in bench.words(blocked)
    assert "B-2026-000001" in overdue
    assert (paid.status_code, free.status_code) == (303, 303)


async def test_what_comes_in_is_noted_once_in_parts_and_taken_back(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        await confirmed(bench)
        receipt = await charged(bench, driver)
        at = f"/office/bills/{await the_bill(bench)}"
        first = bank("30")
        for _ in range(2):
            await browser.post(f"{at}/paid", data=first)
        part = bench.words(await browser.get(at))
        owed = bench.words(await driver.get(receipt))
        await browser.post(f"{at}/paid", data=bank("8"))
        done, all_in = not await still(bench, driver, receipt), await funds(bench)
        for _ in range(2):
            await browser.post(f"/office/bills/payments/{first['once']}/take-back")
        back = bench.words(await driver.get(receipt))
        refused = await browser.post(f"{at}/paid", data=bank("5", day="2027-01-01"))
        nonsense = await browser.post(f"{at}/paid", data=bank("-5"))

    assert "left to pay: ¥8" in part
    assert "Still to be paid ¥8" in owed
    assert (done, all_in) == (True, 38)
    assert "Still to be paid ¥30" in back
    assert (await funds(bench), refused.status_code, nonsense.status_code) == (8, 422, 422)
    assert [entry.action for entry in await office.log("bill.")] == ["bill.paid", "bill.paid", "bill.take-back"]


async def test_what_is_paid_too_much_is_to_be_given_back_and_no_more(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        await confirmed(bench)
        await charged(bench, driver)
        at = f"/office/bills/{await the_bill(bench)}"
        await browser.post(f"{at}/paid", data=bank("100"))
        page = bench.words(await browser.get(at))
        more = await browser.post(f"{at}/returned", data=bank("63"))
        given = await browser.post(f"{at}/returned", data=bank("62"))
        nothing = await browser.post(f"{at}/returned", data=bank("1"))

    assert "¥62 were paid too much." in page
    assert "Only ¥62 were paid too much." in bench.words(more)
    assert (more.status_code, given.status_code, nothing.status_code) == (409, 303, 409)
    assert await funds(bench) == 38


async def test_a_lowered_bill_that_was_paid_is_given_back(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.ADMIN) as browser:
        await confirmed(bench)
        receipt = await charged(bench, driver)
        at = f"/office/bills/{await the_bill(bench)}"
        await browser.post(f"{at}/paid", data=bank("38"))
        less = {"amount": "10", "once": str(new_id()), "reason": "asked for by phone"}
        await browser.post(f"/office/sessions/{receipt.removeprefix('/s/')}/correct", data=less)
        page = bench.words(await browser.get(at))
        given = await browser.post(f"{at}/returned", data=bank("10"))

    assert "¥10 were paid too much." in page
    assert (given.status_code, await funds(bench)) == (303, 28)


async def test_a_bill_paid_by_card_meanwhile_is_paid(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        await confirmed(bench)
        receipt = await charged(bench, driver)
        asked = await driver.post(f"{receipt}/pay", data={"provider": "scripted:card"})
        provider = bench.services.desk.external["scripted"]
        assert isinstance(provider, ScriptedProvider)
        provider.confirm(provider.references[-1])
        await driver.get(str(asked.headers["location"]))
        listed = bench.words(await driver.get("/account/bills"))
        unpaid = bench.words(await browser.get("/office/bills"))
        bench.clock.advance(timedelta(days=15))
        await run(bench.services)

    assert "B-2026-000001 ¥38 paid" in listed
    assert "B-2026-000001" not in unpaid
    assert len(await letters(bench)) == 1


async def test_a_withdrawn_bill_is_asked_for_no_more_and_its_session_stays_owed(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        await confirmed(bench)
        receipt = await charged(bench, driver)
        at = f"/office/bills/{await the_bill(bench)}"
        await browser.post(f"{at}/withdraw")
        paid = await browser.post(f"{at}/paid", data=bank("38"))
        await run(bench.services)
        owed = bench.words(await driver.get(receipt))
        bench.clock.advance(timedelta(days=15))
        await run(bench.services)

    assert (paid.status_code, len(await the_bills(bench)), len(await letters(bench))) == (409, 1, 1)
    assert "Still to be paid ¥38 From 6 Dec 2026" in owed
    assert "A bill asks for it" not in owed


async def test_what_is_owed_after_a_charging_can_be_billed_once(both: Office) -> None:
    bench = both.bench
    async with bench.driver() as driver:
        await confirmed(bench)
        receipt = await charged(bench, driver, "later")
        offered = bench.words(await driver.get(receipt))
        answers = [await driver.post(f"{receipt}/pay", data={"provider": "bill"}) for _ in range(2)]
        shown = bench.words(await driver.get(receipt))

    assert "Send me a bill for it" in offered
    assert answers[0].headers["location"] == receipt
    assert answers[1].status_code == 422
    assert len(await the_bills(bench)) == 1
    assert "A bill asks for it B-2026-000001" in shown
    assert "Send me a bill for it" not in shown


async def test_a_bill_by_post_is_printed_by_the_back_office(office: Office) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        await confirmed(bench)
        half = await driver.post("/account/bills", data={"name": "Ann Example", "address": ""})
        await driver.post("/account/bills", data={"name": "Ann Example", "address": "2 Road, Nagoya"})
        await charged(bench, driver)
        at = f"/office/bills/{await the_bill(bench)}"
        waiting = bench.words(await browser.get("/office/bills", params={"show": "post"}))
        text = read((await browser.get(f"{at}/pdf")).content)
        await browser.post(f"{at}/send")
        posted = bench.words(await browser.get("/office/bills", params={"show": "post"}))
        await driver.post("/account/delete", data={"present": PASSWORD})
        gone = read((await browser.get(f"{at}/pdf")).content)

    assert half.status_code == 422
    assert "B-2026-000001 Ann Example by post" in waiting
    assert "To Ann Example 2 Road, Nagoya" in text
    assert await letters(bench) == []
    assert "B-2026-000001" not in posted
    assert "Ann" not in gone
    assert "Nagoya" not in gone


def test_bills_need_an_account_and_its_iban_has_to_be_one() -> None:
    with pytest.raises(ValidationError, match="KONSENTO_BILL needs an account"):
        Settings(bill=BillEvery.MONTH)
    with pytest.raises(ValidationError, match="no IBAN"):
        Settings(bill_iban="DE89370400440532013001")

    assert Settings(bill_bank="Sakura Bank | Ordinary 1234567").bill_bank == "Sakura Bank\nOrdinary 1234567"
    assert Settings(bill_iban="DE89 3704 0044 0532 0130 00").bill_iban == "DE89370400440532013000"


async def test_in_euro_a_bill_has_the_code_for_banks_apps(settings: Settings) -> None:
    iban = "DE89370400440532013000"
    async for office in opened(settings.model_copy(update={"bill_iban": iban})):
        bench = office.bench
        async with bench.driver() as driver:
            await confirmed(bench)
            await charged(bench, driver)
            number = await the_bill(bench)
            async with bench.services.database.transaction() as session:
                view = await bills.bill_view(session, number, bench.clock.now())
        in_yen = layout.epc_code(view)
        view.bill.currency = "EUR"
        code = layout.epc_code(view)
        text = read(layout.pdf(LANGUAGES.default, view))

    assert in_yen is None
    assert code is not None
    assert "IBAN DE89 3704 0044 0532 0130 00" in text
    assert "€0.38" in text


async def test_a_bill_is_in_the_drivers_language(office: Office) -> None:
    bench = office.bench
    async with bench.driver(language="ja") as driver:
        await confirmed(bench)
        await charged(bench, driver)
        (mail,) = await letters(bench)

    assert mail["Subject"] == "ご請求書 B-2026-000001：38円"
    text = file_of(mail)
    for said in ("請求書", "お振込先", "お支払期限", "振込依頼人名", "000000001"):
        assert said in text, said


@pytest.mark.parametrize("text", ["B-2026-000001", "RF74 0000 0000 1", "000000001 アン", "１", "rf74000000001"])
async def test_a_bill_is_found_by_what_the_bank_says(office: Office, text: str) -> None:
    bench = office.bench
    async with bench.driver() as driver, office.member(Role.OPERATOR) as browser:
        await confirmed(bench)
        await charged(bench, driver)
        found = bench.words(await browser.get("/office/bills", params={"text": text}))
        others = bench.words(await browser.get("/office/bills", params={"text": "B-2026-000002"}))

    assert "B-2026-000001" in found
    assert "B-2026-000001" not in others
