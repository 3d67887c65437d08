"""When something cannot be done: what happened, what it means for the money, what to do; in the reader's language."""

import logging
from typing import TYPE_CHECKING

import pytest

from konsento.charging import service as charging
from konsento.models import OutletStatus

if TYPE_CHECKING:
    from tests.cloud.web.conftest import Bench

CODE = "K7F29Q"
PASSWORD = "correct horse battery"
WISH = {"kind": "energy", "amount": "10", "unit": "Wh"}


def is_japanese(text: str) -> bool:
    return any("ぁ" <= c <= "ヿ" for c in text)


@pytest.mark.parametrize("path", ["/o/ZZZZZZ", "/o/x", "/o/" + "A" * 300, "/o/%E3%81%82", "/?code=ZZZZZZ"])
async def test_an_unknown_outlet_code_says_so(bench: Bench, path: str) -> None:
    async with bench.browser() as english, bench.browser("ja") as japanese:
        answer, again = await english.get(path), await japanese.get(path)

    assert answer.status_code == 404
    assert "There is no outlet with this code. Check the code on the label beside the outlet." in bench.words(answer)
    assert "このコードのコンセントはありません。" in bench.words(again)


OBSTACLES = [
    (OutletStatus.OCCUPIED, "", True, 409, "This outlet is in use.", "このコンセントは使用中です"),
    (OutletStatus.RESERVED, "", True, 409, "This outlet is in use.", "このコンセントは使用中です"),
    (OutletStatus.FAULTED, "", True, 409, "This outlet is out of order.", "このコンセントは故障しています"),
    (OutletStatus.UNAVAILABLE, "disabled", True, 409, "This outlet is switched off by its owner.", "休止中です"),
    (OutletStatus.UNAVAILABLE, "offline", True, 503, "This outlet cannot be reached.", "通信できません"),
    (OutletStatus.AVAILABLE, "", False, 503, "This outlet cannot be reached.", "通信できません"),
]


@pytest.mark.parametrize("obstacle", OBSTACLES)
async def test_an_outlet_that_cannot_be_used_says_why_and_takes_no_money(
    bench: Bench, obstacle: tuple[OutletStatus, str, bool, int, str, str]
) -> None:
    status, reason, connected, code, english, japanese = obstacle
    async with bench.driver() as browser:
        await bench.outlet_is(status, reason, connected=connected)
        outlet = await browser.get(f"/o/{CODE}")
        choose = await browser.get(f"/o/{CODE}/choose")
        price = await browser.get(f"/o/{CODE}/confirm", params=WISH)
        start = await browser.post(f"/o/{CODE}/start", data=WISH)
        balance = await bench.balance(browser)
        in_japanese = await browser.get(f"/o/{CODE}?lang=ja")

    assert english in bench.words(outlet)
    assert "nothing is charged" in bench.words(outlet)
    assert f'href="/o/{CODE}/choose"' not in outlet.text
    assert choose.headers["location"] == f"/o/{CODE}"
    for answer in (price, start):
        assert answer.status_code == code
        assert english in bench.words(answer)
        assert "Nothing was started, nothing is charged." in bench.words(answer)
    assert japanese in bench.words(in_japanese)
    assert balance == "¥3,000"
    assert bench.site.asked == []


@pytest.mark.parametrize(
    ("wish", "english", "japanese"),
    [
        (("energy", "0", "kWh"), "The amount must be more than zero.", "0より大きい"),
        (("energy", "-1", "kWh"), "The amount must be more than zero.", "0より大きい"),
        (("energy", "1e99", "kWh"), "This is more than one charging can be. The most is 100 kWh.", "上限は100 kWhです"),
        (("time", "99999", "min"), "This is more than one charging can be. The most is 24 h.", "上限は24 hです"),
        (("energy", "ten", "kWh"), "This is not a number.", "数値ではありません"),
        (("energy", "", "kWh"), "This is not a number.", "数値ではありません"),
        (("energy", "NaN", "kWh"), "This is not a number.", "数値ではありません"),
        (("money", "Infinity", "major"), "This is not a number.", "数値ではありません"),
        (("energy", "0.5", "Wh"), "This is finer than can be delivered. The smallest step is 1 Wh.", "細かすぎます"),
        (("money", "0.01", "major"), "This is finer than can be delivered.", "細かすぎます"),
        (("soup", "1", ""), "Choose whether to limit the charging by energy, time or money.", "選んでください"),
        (("", "", ""), "Choose whether to limit the charging by energy, time or money.", "選んでください"),
        (("energy", "1", "barrel"), "This unit does not fit", "単位が合っていません"),
    ],
)
async def test_an_amount_that_cannot_be_is_explained_at_the_form(
    bench: Bench, wish: tuple[str, str, str], english: str, japanese: str
) -> None:
    form = dict(zip(("kind", "amount", "unit"), wish, strict=True))
    async with bench.driver() as browser, bench.driver("ja@example.com", "ja") as japanese_browser:
        price = await browser.get(f"/o/{CODE}/confirm", params=form)
        started = await browser.post(f"/o/{CODE}/start", data=form)
        in_japanese = await japanese_browser.get(f"/o/{CODE}/confirm", params=form)
        estimate = await browser.get(f"/o/{CODE}/estimate", params=form)

    assert price.status_code == 422
    assert started.status_code == 422
    assert english in bench.words(price)
    assert english in bench.words(started)
    assert "Nothing was started, nothing is charged." in bench.words(price)
    assert japanese in bench.words(in_japanese)
    assert estimate.json()["ok"] is False
    assert bench.site.asked == []


async def test_a_balance_that_is_too_low_is_said_before_anything_is_asked_of_the_site(bench: Bench) -> None:
    wish = {"kind": "money", "amount": "3500", "unit": "major"}
    async with bench.driver() as browser, bench.driver("ja@example.com", "ja") as japanese:
        price = await browser.get(f"/o/{CODE}/confirm", params=wish)
        start = await browser.post(f"/o/{CODE}/start", data=wish)
        in_japanese = await japanese.get(f"/o/{CODE}/confirm", params=wish)

    for answer in (price, start):
        assert answer.status_code == 402
        assert "Your balance is too low for this." in bench.words(answer)
        assert "¥3,000" in bench.words(answer)
    assert "残高が足りません。" in bench.words(in_japanese)
    assert bench.site.asked == []


@pytest.mark.parametrize(
    ("refusal", "status", "sentence"),
    [
        ("OutletBusy", 409, "This outlet is in use."),
        ("OutletOffline", 503, "This outlet cannot be reached"),
        ("OutletFaulted", 409, "This outlet has reported a fault"),
        ("DeviceRefused", 502, "The outlet did not start."),
        ("SomethingNew", 502, "The outlet did not start."),
    ],
)
async def test_a_site_that_refuses_costs_nothing_and_the_balance_is_whole_when_it_is_told(
    bench: Bench, refusal: str, status: int, sentence: str
) -> None:
    bench.site.refuses = refusal
    async with bench.driver() as browser:
        answer = await browser.post(f"/o/{CODE}/start", data=WISH)
        balance = await bench.balance(browser)
        history = await browser.get("/history")
        number = history.text.split('href="/s/')[1].split('"')[0]
        session = await browser.get(f"/s/{number}")

    assert answer.status_code == status
    assert sentence in bench.words(answer)
    assert "Nothing was started, nothing is charged." in bench.words(answer)
    assert balance == "¥3,000"
    assert "not started" in bench.words(history)
    assert "The charging did not start." in bench.words(session)
    assert "Nothing is charged. What was held is free again." in bench.words(session)


async def test_a_site_that_has_just_gone_costs_nothing(bench: Bench) -> None:
    bench.site.online = False
    async with bench.driver() as browser:
        answer = await browser.post(f"/o/{CODE}/start", data=WISH)

        assert answer.status_code == 503
        assert await bench.balance(browser) == "¥3,000"


async def test_another_driver_at_the_same_outlet_is_told_that_it_is_in_use(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as ann, bench.driver("bob@example.com") as bob:
        await bench.start(ann)
        answer = await bob.post(f"/o/{CODE}/start", data=WISH)

    assert answer.status_code == 409
    assert "This outlet is in use." in bench.words(answer)


async def test_another_start_of_the_same_driver_names_the_first(bench: Bench) -> None:
    async with bench.driver() as browser:
        await bench.start(browser)
        answer = await browser.post(f"/o/{CODE}/start", data={"kind": "time", "amount": "5"})

    assert answer.status_code == 409
    assert "You are already charging at this outlet." in bench.words(answer)
    # It is not true while the first one runs.
    assert "nothing is charged" not in bench.words(answer)


async def test_a_wrong_password_and_too_many_of_them(bench: Bench) -> None:
    wrong = {"email": "ann@example.com", "password": "wrong password"}
    async with bench.driver("ann@example.com"), bench.browser() as browser, bench.browser("ja") as japanese:
        first = await browser.post("/signin", data=wrong)
        in_japanese = await japanese.post("/signin", data=wrong)
        for _ in range(3):
            await browser.post("/signin", data=wrong)
        too_many = await browser.post("/signin", data=wrong)

    assert first.status_code == 403
    assert "E-mail address and password do not match." in bench.words(first)
    assert 'value="ann@example.com"' in first.text
    assert "wrong password" not in first.text
    assert "メールアドレスかパスワードが違います。" in bench.words(in_japanese)
    assert too_many.status_code == 429
    assert "Wait 2 s" in bench.words(too_many)


@pytest.mark.parametrize(
    ("data", "status", "english"),
    [
        ({"email": "ann", "password": PASSWORD}, 422, "This is not a complete e-mail address."),
        ({"email": "ann@example.com", "password": "short"}, 422, "Use at least 10 characters"),
        ({"email": "taken@example.com", "password": PASSWORD}, 409, "There is already an account"),
        ({}, 422, "This is not a complete e-mail address."),
    ],
)
async def test_a_sign_up_that_cannot_be_is_explained_at_the_form(
    bench: Bench, data: dict[str, str], status: int, english: str
) -> None:
    async with bench.driver("taken@example.com"), bench.browser() as browser, bench.browser("ja") as japanese:
        answer = await browser.post("/signup", data=data)
        in_japanese = await japanese.post("/signup", data=data)

    assert answer.status_code == in_japanese.status_code == status
    assert english in bench.words(answer)
    assert english not in bench.words(in_japanese)


@pytest.mark.parametrize(
    ("request_line", "status", "english", "japanese"),
    [
        ("GET /nowhere", 404, "This page does not exist.", "このページはありません。"),
        ("GET /static/nothing.css", 404, "This page does not exist.", "このページはありません。"),
        ("PUT /history", 405, "This address cannot be opened like that.", "この方法では開けません。"),
        (f"GET /o/{CODE}/start", 405, "This address cannot be opened like that.", "この方法では開けません。"),
    ],
)
async def test_pages_that_do_not_exist_are_pages_in_both_languages(
    bench: Bench, request_line: str, status: int, english: str, japanese: str
) -> None:
    method, path = request_line.split()
    async with bench.driver() as browser, bench.browser("ja") as other:
        answer, again = await browser.request(method, path), await other.request(method, path)

    assert answer.status_code == again.status_code == status
    assert english in bench.words(answer)
    assert japanese in bench.words(again)
    assert '<html lang="ja">' in again.text


async def test_a_body_that_cannot_be_read_is_a_page_too(bench: Bench) -> None:
    async with bench.driver() as browser:
        answer = await browser.post(
            f"/o/{CODE}/start", content=b"\xff\xfe{", headers={"Content-Type": "multipart/form-data; boundary=x"}
        )

    assert answer.status_code in {400, 422}
    assert "Nothing was" in bench.words(answer)


@pytest.mark.parametrize(("language", "words"), [("en", "Something broke"), ("ja", "問題が起き")])
async def test_a_mistake_of_ours_is_a_page_without_insides(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    async with bench.driver(language=language) as browser:

        async def broken(*_: object) -> None:
            raise RuntimeError("secret inside of the program")

        monkeypatch.setattr(charging, "start", broken)
        answer = await browser.post(f"/o/{CODE}/start", data=WISH)

    assert answer.status_code == 500
    assert words in bench.words(answer)
    assert "secret inside" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_refusal_is_a_log_line_with_its_code_and_without_the_person(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="konsento")
    async with bench.driver("ann@example.com") as browser:
        await browser.get("/o/ZZZZZZ")
        await browser.get(f"/o/{CODE}/confirm?kind=energy&amount=0")
        await browser.post("/signin", data={"email": "ann@example.com", "password": "wrong password"})
        session = await bench.start(browser)
        await bench.site.charges("10")
        await browser.get(session)

    assert "refused: UnknownOutlet at GET /o/{code}" in caplog.text
    assert "refused: LimitNotPositive at GET /o/{code}/confirm" in caplog.text
    assert "refused: WrongPassword at POST /signin" in caplog.text
    for secret in ("ann@", "Ann Example", PASSWORD, "wrong password", browser.cookies["konsento_driver"]):
        assert secret not in caplog.text


async def test_nothing_english_is_left_on_a_japanese_way(bench: Bench) -> None:
    async with bench.driver(language="ja") as browser:
        pages = [await browser.get(f"/o/{CODE}"), await browser.get(f"/o/{CODE}/choose")]
        pages.append(await browser.get(f"/o/{CODE}/confirm", params=WISH))
        session = await bench.start(browser)
        await bench.site.reports("0")
        pages += [await browser.get(session), await browser.get(f"{session}/stop")]
        await bench.site.reports("10", watts=0, seconds=12, ended="EnergyLimitReached")
        await bench.services.work.drain()
        pages += [await browser.get(session), await browser.get("/history"), await browser.get("/")]

    names = ("konsento", "English", "Outlet 1, north wall", "Sakura Mall car park", "Setagaya, Tokyo", "Sakura Energy")
    for page in pages:
        text = bench.words(page)
        for name in (
            *names,
            "ann@example.com",
            "K-2026-000001",
            "PDF",
            "CO₂",
            "kWh",
            "Wh",
            "kW",
            "QR",
            CODE,
            "K7F-29Q",
            "V ",
            "W ",
        ):
            text = text.replace(name, "")
        assert not any(c.isascii() and c.isalpha() for c in text), text
        assert is_japanese(text)
