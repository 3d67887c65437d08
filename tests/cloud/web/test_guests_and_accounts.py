"""Guests charge with a mail address; accounts are changed, opened by links, taken along and forgotten."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from konsento.models import Driver, DriverKind
from konsento.settings import Settings

from .conftest import CODE, PASSWORD, wired
from .mails import follow_newest, link_in, mails

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

    from tests.cloud.web.conftest import Bench

PRICE = f"/o/{CODE}/confirm?kind=energy&amount=1"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The usual settings, with mails in a folder and the test card for guests."""
    return settings.model_copy(update={"mail_folder": tmp_path / "mails", "fake_payments": True})


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    async with wired(settings) as bench:
        yield bench


async def as_guest(browser: AsyncClient, address: str = "guest@example.com", phone: str = "") -> Response:
    return await browser.post("/guest", data={"email": address, "phone": phone, "next": PRICE})


async def drivers(bench: Bench) -> list[Driver]:
    async with bench.services.database.transaction() as session:
        return list(await session.scalars(select(Driver).order_by(Driver.created_at, Driver.id)))


async def test_a_guest_charges_with_a_mail_address_and_gets_the_receipt_there(bench: Bench) -> None:
    async with bench.browser() as browser:
        price = await browser.get(PRICE)
        assert f"/guest?next=/o/{CODE}/confirm" in price.text
        onward = await as_guest(browser, phone="090-1234-5678")
        assert onward.headers["location"] == PRICE
        wish = {"kind": "energy", "amount": "1", "provider": "fake"}
        started = await browser.post(f"/o/{CODE}/start", data=wish)
        assert started.status_code == 303
        await bench.site.charges("1000", seconds=1200)
    [mail] = await mails(bench)
    async with bench.browser() as another_phone:
        shown = await another_phone.get(link_in(mail))
        opened = await another_phone.post(link_in(mail))
        receipt = bench.words(await another_phone.get(opened.headers["location"]))

    assert mail["To"] == "guest@example.com"
    assert "Go to your charging" in bench.words(shown)
    assert "Thank you. ¥38 for 1.00 kWh." in receipt


async def test_a_guest_with_the_address_of_an_account_sees_nothing_of_it(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as ann, bench.browser() as stranger:
        await follow_newest(bench, ann)
        session = await bench.start(ann)
        await as_guest(stranger, "ann@example.com")
        history = bench.words(await stranger.get("/history"))
        foreign = await stranger.get(session)

    assert "Nothing charged yet." in history
    assert foreign.status_code == 404
    assert [driver.kind for driver in await drivers(bench)] == [DriverKind.ACCOUNT, DriverKind.GUEST]


@pytest.mark.parametrize(
    ("address", "phone", "says"),
    [("nobody", "", "not a complete e-mail address"), ("a@example.com", "call me", "not a phone number")],
)
async def test_a_guest_is_told_what_is_wrong(bench: Bench, address: str, phone: str, says: str) -> None:
    async with bench.browser() as browser:
        answer = await as_guest(browser, address, phone)

    assert answer.status_code == 422
    assert says in bench.words(answer)
    assert await drivers(bench) == []


async def test_without_a_way_to_pay_there_are_no_guests(bench: Bench) -> None:
    bench.services.settings.fake_payments = False
    async with bench.browser() as browser:
        answer = await browser.get("/guest")

    assert answer.headers["location"].startswith("/signin")


async def test_a_guest_becomes_an_account_and_keeps_the_history(bench: Bench) -> None:
    async with bench.browser() as browser:
        await as_guest(browser)
        await browser.post(f"/o/{CODE}/start", data={"kind": "energy", "amount": "1", "provider": "fake"})
        await bench.site.charges("1000", seconds=1200)
        made = await browser.post("/account/become", data={"name": "Gus", "new": PASSWORD})
        assert made.status_code == 303, bench.words(made)
        await follow_newest(bench, browser)
    async with bench.browser() as later:
        signed_in = await later.post("/signin", data={"email": "guest@example.com", "password": PASSWORD})
        history = bench.words(await later.get("/history"))

    assert signed_in.status_code == 303
    assert "¥38" in history


async def test_one_network_cannot_make_guests_without_end(bench: Bench) -> None:
    async with bench.browser() as browser:
        answers = [await as_guest(browser, f"g{n}@example.com") for n in range(21)]

    assert [answer.status_code for answer in answers[:20]] == [303] * 20
    assert answers[20].status_code == 429


async def test_a_new_account_confirms_its_address_by_a_link_that_works_once(bench: Bench) -> None:
    async with bench.driver() as browser:
        before = bench.words(await browser.get("/account"))
        [mail] = await mails(bench)
        looked = [await browser.get(link_in(mail)) for _ in range(2)]
        used = await browser.post(link_in(mail))
        again = await browser.post(link_in(mail))
        after = bench.words(await browser.get("/account"))

    assert "not confirmed yet" in before
    assert [answer.status_code for answer in looked] == [200, 200]
    assert used.status_code == 303
    assert again.status_code == 410
    assert "not confirmed yet" not in after


async def test_a_forgotten_password_is_replaced_after_signing_in_by_a_link(bench: Bench) -> None:
    async with bench.driver("ann@example.com"):
        pass
    async with bench.browser() as browser:
        known = await browser.post("/signin/link", data={"email": "Ann@example.com"})
        unknown = await browser.post("/signin/link", data={"email": "bob@example.com"})
        mail = (await mails(bench))[-1]
        await browser.post(link_in(mail))
        account = await browser.get("/account")

    assert bench.words(known) == bench.words(unknown)
    assert len(await mails(bench)) == 2
    assert "ann@example.com" in account.text


async def test_a_mailbox_is_not_filled_by_strangers(bench: Bench) -> None:
    async with bench.driver("ann@example.com"), bench.browser() as stranger:
        answers = [await stranger.post("/signin/link", data={"email": "ann@example.com"}) for _ in range(8)]

    assert {answer.status_code for answer in answers} == {200}
    assert len(await mails(bench)) == 5


async def test_another_address_counts_when_it_is_confirmed_and_the_old_one_is_told(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        await browser.post("/account/email", data={"email": "ann@new.example.com"})
        sent = await mails(bench)
        before = (await drivers(bench))[0].email
        to_new = next(mail for mail in sent if mail["To"] == "ann@new.example.com")
        await browser.post(link_in(to_new))

    assert before == "ann@example.com"
    assert [driver.email for driver in await drivers(bench)] == ["ann@new.example.com"]
    assert [mail["Subject"] for mail in sent if mail["To"] == "ann@example.com"][-1] == "Your account was changed"


async def test_a_new_password_needs_the_present_one_and_signs_all_others_out(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as here, bench.browser() as there:
        await follow_newest(bench, here)
        await there.post("/signin", data={"email": "ann@example.com", "password": PASSWORD})
        refused = await here.post("/account/password", data={"present": "wrong", "new": "quiet lamp mountain"})
        changed = await here.post("/account/password", data={"present": PASSWORD, "new": "quiet lamp mountain"})
        still_here = await here.get("/account")
        gone = await there.get("/account")

    assert refused.status_code == 403
    assert changed.status_code == 303
    assert still_here.status_code == 200
    assert gone.status_code == 303


@pytest.mark.parametrize("password", ["password12", "1234567890", "qwertyuiop", "ann@example.com", "konsento12"])
async def test_a_password_that_is_guessed_first_is_refused(bench: Bench, password: str) -> None:
    async with bench.browser() as browser:
        answer = await browser.post("/signup", data={"email": "ann@example.com", "password": password})

    assert answer.status_code == 422
    assert "guessed first" in bench.words(answer)


async def test_a_browser_is_signed_out_from_another_one(bench: Bench) -> None:
    phone = {"user-agent": "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}
    async with bench.driver("ann@example.com") as here, bench.browser(**phone) as lost:
        await follow_newest(bench, here)
        await lost.post("/signin", data={"email": "ann@example.com", "password": PASSWORD})
        page = await here.get("/account")
        [number] = re.findall(r"/account/browsers/([0-9a-f-]{36})/end", page.text)
        await here.post(f"/account/browsers/{number}/end")
        gone = await lost.get("/account")

    assert "Firefox · Android" in page.text
    assert gone.status_code == 303


async def test_nobody_ends_the_sign_in_of_another_driver(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as ann, bench.driver("bob@example.com") as bob:
        await follow_newest(bench, ann, "ann@")
        async with bench.browser() as elsewhere:
            await elsewhere.post("/signin", data={"email": "ann@example.com", "password": PASSWORD})
        page = await ann.get("/account")
        [number] = re.findall(r"/account/browsers/([0-9a-f-]{36})/end", page.text)
        await bob.post(f"/account/browsers/{number}/end")
        still = await ann.get("/account")

    assert number in still.text


async def test_what_a_driver_types_is_kept_and_comes_back_in_the_export(bench: Bench) -> None:
    about = {"name": "Ann", "phone": "+81 90 1234 5678", "address": "1-2-3 Sakura\n Tokyo", "locale": "ja"}
    async with bench.driver("ann@example.com") as browser:
        await bench.start(browser)
        await browser.post("/account", data={**about, "mail_wanted": "true"})
        kept = json.loads((await browser.get("/account/export")).text)

    assert kept["about"]["name"] == "Ann"
    assert kept["about"]["phone"] == "+819012345678"
    assert kept["about"]["address"] == "1-2-3 Sakura\nTokyo"
    assert kept["about"]["language"] == "ja"
    assert kept["about"]["mail_wanted"] is True
    assert [one["outlet_code"] for one in kept["charging"]] == [CODE]
    assert "argon2" not in json.dumps(kept)


async def test_a_deleted_account_is_forgotten_and_its_receipts_stay_without_a_name(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        session = await bench.start(browser)
        while_charging = await browser.post("/account/delete", data={"present": PASSWORD})
        await bench.site.charges("1000", seconds=1200)
        wrong = await browser.post("/account/delete", data={"present": "wrong"})
        deleted = await browser.post("/account/delete", data={"present": PASSWORD})
        after = await browser.get(session)
    async with bench.browser() as again:
        refused = await again.post("/signin", data={"email": "ann@example.com", "password": PASSWORD})
        anew = await again.post("/signup", data={"email": "ann@example.com", "password": PASSWORD})

    assert (while_charging.status_code, wrong.status_code, deleted.status_code) == (409, 403, 200)
    assert after.status_code == 303
    assert refused.status_code == 403
    assert anew.status_code == 303
    gone = (await drivers(bench))[0]
    assert (gone.kind, gone.email, gone.name, gone.password_hash) == (DriverKind.DELETED, "", "", None)


async def test_the_log_knows_no_guest_and_no_link(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="konsento")
    async with bench.driver("ann@example.com") as browser:
        [mail] = await mails(bench)
        await browser.post(link_in(mail))
    async with bench.browser() as browser:
        await as_guest(browser, "guest@example.com", "090-1234-5678")

    for secret in ("ann@", "guest@", "1234", link_in(mail).removeprefix("/l/")):
        assert secret not in caplog.text
