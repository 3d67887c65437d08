"""What somebody who may not gets from every address: nothing, and nothing changes."""

from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, select

from konsento.models import ChargingSession, Driver
from konsento.web.security import origin_of, safe_next

if TYPE_CHECKING:
    from tests.cloud.web.conftest import Bench

CODE = "K7F29Q"
PASSWORD = "correct horse battery"
WISH = {"kind": "energy", "amount": "10", "unit": "Wh"}
NOBODYS = "01890a5d-ac96-774b-bcce-b302099a8057"

OPEN = {
    "/",
    "/o/{code}",
    "/O/{code}",
    "/o/{code}/qr.svg",
    "/o/{code}/suppliers/{partner}",
    "/signup",
    "/signin",
    "/signout",
    "/healthz",
    "/readyz",
    "/sw.js",
    "/manifest.webmanifest",
    "/offline",
}
OPEN |= {"/hooks/{provider}"}
OPEN |= {"/guest", "/l/{token}", "/signin/link"}
OPEN |= {"/guest", "/l/{token}", "/i/{token}", "/signin/link"}
OPEN |= {"/signin/passkey/options", "/signin/passkey/answer"}
OPEN |= {"/map", "/map/sites", "/sites/{site_id}", "/sites/{site_id}/outlets", "/sites/{site_id}/plan"}
OPEN |= {"/outlook"}
OPEN |= {"/o/{code}/choose", "/o/{code}/estimate", "/o/{code}/confirm", "/o/{code}/power"}
OPEN |= {"/advice/off/{token}", "/advice/calendar/{token}.ics"}
"""For everybody. What is not in here is for the signed-in driver alone."""
PRIVATE = {
    "/o/{code}/start",
    "/o/{code}/presence",
    "/o/{code}/presence/state",
    "/s/{session_id}",
    "/s/{session_id}/progress",
    "/s/{session_id}/events",
    "/s/{session_id}/limit",
    "/s/{session_id}/limit/estimate",
    "/s/{session_id}/stop",
    "/s/{session_id}/mail",
    "/s/{session_id}/push",
    "/s/{session_id}/push/off",
    "/s/{session_id}/recipient",
    "/invoices/{number}.pdf",
    "/account/recipient",
    "/history",
    "/history.csv",
    "/account",
    "/account/export",
    "/account/balance",
    "/account/balance/top-up",
    "/account/cards",
    "/account/cards/new",
    "/account/cards/remove",
    "/pay/{session_id}",
    "/pay/{session_id}/give-up",
    "/s/{session_id}/pay",
    "/account/balance.csv",
    "/account/bills",
    "/account/bills/{number}.pdf",
    "/account/delete",
    "/account/rewards",
    "/planned/{session_id}",
    "/planned/{session_id}/cancel",
}
CHANGES = {
    "/account/email",
    "/account/verify",
    "/account/password",
    "/account/become",
    "/account/browsers/{number}/end",
    "/account/browsers/end-others",
}
PROGRAMS = {
    "/account/tokens",
    "/account/tokens/{number}/end",
    "/account/webhooks",
    "/account/webhooks/{number}",
    "/account/webhooks/{number}/remove",
}
CHANGES |= {"/account/passkeys/options", "/account/passkeys/new"}
PROGRAM_ORDERS = {
    "/account/webhooks/{number}/secret",
    "/account/webhooks/{number}/test",
    "/account/webhooks/{number}/enable",
    "/account/webhooks/{number}/deliveries/{delivery}/send",
}
PRIVATE |= CHANGES | PROGRAMS | PROGRAM_ORDERS
PRIVATE |= {"/account/passkeys", "/account/passkeys/{number}/remove"}
ADVICE_ORDERS = {
    "/account/advice/pause",
    "/account/advice/resume",
    "/account/advice/calendar",
    "/account/advice/calendar/end",
    "/account/advice/push",
    "/account/advice/push/off",
    "/account/advice/push/renew",
    "/account/advice/browsers/end",
    "/account/advice/off",
}
PRIVATE |= {"/account/advice"} | ADVICE_ORDERS
ORDERS = (
    CHANGES
    | ADVICE_ORDERS
    | PROGRAM_ORDERS
    | {"/o/{code}/start", "/s/{session_id}/mail", "/s/{session_id}/push", "/s/{session_id}/push/off"}
    | {"/account/cards/remove", "/pay/{session_id}/give-up", "/s/{session_id}/pay"}
    | {"/planned/{session_id}/cancel"}
)
"""Those of them that are no pages."""
BROWSER = {"endpoint": "https://fcm.googleapis.com/x", "keys": {"p256dh": "AA", "auth": "AA"}}


def addresses(bench: Bench) -> set[str]:
    found: set[str] = set()
    for route in bench.app.routes:
        # FastAPI keeps an included router as one route of its own.
        parts = getattr(getattr(route, "original_router", None), "routes", [route])
        found |= {part.path for part in parts if isinstance(part, APIRoute)}
    return found


async def test_every_address_is_known_to_be_open_or_private(bench: Bench) -> None:
    assert addresses(bench) == OPEN | PRIVATE


@pytest.mark.parametrize("address", sorted(PRIVATE - ORDERS))
async def test_nobody_is_led_to_the_sign_in_or_told_401(bench: Bench, address: str) -> None:
    path = address.format(code=CODE, session_id=NOBODYS, number=NOBODYS)
    async with bench.browser() as browser:
        answer = await browser.get(path, params=WISH)

    if address.endswith(("/progress", "/events", "/estimate", "/state")):
        assert answer.status_code == 401
        assert answer.json()["code"] == "SignInNeeded"
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/signin?next=/")


@pytest.mark.parametrize(
    ("path", "back"),
    [
        (f"/o/{CODE}/start", f"/o/{CODE}"),
        (f"/o/{CODE}/presence", f"/o/{CODE}"),
        (f"/s/{NOBODYS}/stop", f"/s/{NOBODYS}/stop"),
        (f"/s/{NOBODYS}/limit", f"/s/{NOBODYS}/limit"),
        (f"/s/{NOBODYS}/mail", f"/s/{NOBODYS}"),
    ],
)
async def test_nobody_changes_nothing(bench: Bench, path: str, back: str) -> None:
    async with bench.browser() as browser:
        answer = await browser.post(path, data=WISH)

    assert answer.headers["location"] == f"/signin?next={back}"
    assert bench.site.asked == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("part", ["", "/progress", "/events", "/stop", "/limit", "/limit/estimate"])
async def test_somebody_elses_session_does_not_exist(bench: Bench, method: str, part: str) -> None:
    async with bench.driver("ann@example.com") as ann, bench.driver("bob@example.com") as bob:
        session = await bench.start(ann)
        theirs = await bob.request(method, f"{session}{part}")
        nobodys = await bob.request(method, f"/s/{NOBODYS}{part}")

    assert theirs.status_code == nobodys.status_code
    assert theirs.status_code in {404, 405}
    assert bench.words(theirs) == bench.words(nobodys)
    assert len(bench.site.asked) == 1


@pytest.mark.parametrize("path", ["push", "push/off"])
async def test_nobody_and_nobody_else_is_told_about_a_session(bench: Bench, path: str) -> None:
    async with (
        bench.driver("ann@example.com") as ann,
        bench.driver("bob@example.com") as bob,
        bench.browser() as nobody,
    ):
        session = await bench.start(ann)
        theirs = await bob.post(f"{session}/{path}", json=BROWSER)
        nobodys = await nobody.post(f"{session}/{path}", json=BROWSER)

    assert (theirs.status_code, nobodys.status_code) == (404, 401)


@pytest.mark.parametrize("address", sorted(ADVICE_ORDERS | {"/account/advice"}))
async def test_nobody_chooses_how_somebody_is_advised(bench: Bench, address: str) -> None:
    async with bench.browser() as browser:
        answer = (
            await browser.post(address, json=BROWSER | {"old": "x"})
            if "/push" in address
            else await browser.post(address)
        )

    assert answer.status_code == (401 if "/push" in address else 303)
    assert "/push" in address or answer.headers["location"].startswith("/signin?next=/account/advice")


@pytest.mark.parametrize("address", sorted(PROGRAM_ORDERS | PROGRAMS - {"/account/webhooks/{number}"}))
async def test_nobody_makes_or_ends_a_program(bench: Bench, address: str) -> None:
    async with bench.browser() as browser:
        answer = await browser.post(address.format(number=NOBODYS, delivery=NOBODYS))

    assert (answer.status_code, answer.headers["location"][:13]) == (303, "/signin?next=")


async def test_nobody_changes_the_limit_or_the_mails_of_somebody_elses_session(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as ann, bench.driver("bob@example.com") as bob:
        session = await bench.start(ann)
        limit = await bob.post(f"{session}/limit", data={"kind": "energy", "amount": "1"})
        mail = await bob.post(f"{session}/mail", data={"wanted": "true"})
        shown = (await ann.get(f"{session}/progress")).json()

    assert (limit.status_code, mail.status_code) == (404, 404)
    assert (shown["changing"], shown["mail_wanted"]) == (None, False)


async def test_a_receipt_is_its_drivers_alone(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as ann, bench.driver("bob@example.com") as bob:
        session = await bench.start(ann)
        await bench.site.charges("10")
        theirs = await bob.get(session)
        history = await bob.get("/history")
        table = await bob.get("/history.csv")

    assert session.removeprefix("/s/") not in table.text
    assert theirs.status_code == 404
    assert "Measured" not in theirs.text
    assert session not in history.text


@pytest.mark.parametrize("number", ["x", "1", "..%2f..", NOBODYS[:-1], "%00", "null"])
async def test_a_session_address_that_is_none_is_not_found(bench: Bench, number: str) -> None:
    async with bench.driver() as browser:
        answer = await browser.get(f"/s/{number}")

    assert answer.status_code == 404


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "A" * 5000, "' OR 1=1 --"])
async def test_an_invented_cookie_is_nobody(bench: Bench, cookie: str) -> None:
    async with bench.browser(Cookie=f"konsento_driver={cookie}") as browser:
        answer = await browser.get("/history")

    assert answer.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://konsento.test.evil.test"},
        {"Origin": "http://konsento.test:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_cannot_send_our_forms(bench: Bench, headers: dict[str, str]) -> None:
    async with bench.driver() as browser:
        for path in (f"/o/{CODE}/start", "/signin", "/signup", "/signout", f"/s/{NOBODYS}/stop"):
            answer = await browser.post(path, data=WISH, headers=headers)
            assert answer.status_code == 403
            assert "This request came from a page of another site" in bench.words(answer)
        still = await browser.get("/history")

    assert still.status_code == 200
    assert bench.site.asked == []


async def test_a_program_without_an_origin_cannot_send_forms_either(bench: Bench) -> None:
    async with bench.driver() as browser:
        del browser.headers["Origin"]
        answer = await browser.post(f"/o/{CODE}/start", data=WISH)

    assert answer.status_code == 403


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://konsento.test"}])
async def test_our_own_page_may(bench: Bench, headers: dict[str, str]) -> None:
    async with bench.driver() as browser:
        answer = await browser.post(f"/o/{CODE}/start", data=WISH, headers=headers)

    assert answer.status_code == 303


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(bench: Bench) -> None:
    async with bench.browser() as browser:
        answer = await browser.post("/signup", data={"email": "ann@example.com", "password": PASSWORD})

    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


async def test_signing_out_makes_the_cookie_worthless(bench: Bench) -> None:
    async with bench.driver() as browser:
        token = browser.cookies["konsento_driver"]
        await browser.post("/signout")
    async with bench.browser(Cookie=f"konsento_driver={token}") as thief:
        answer = await thief.get("/history")

    assert answer.status_code == 303


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test",
        "https://evil.test/",
        "/\\evil.test",
        "\\\\evil.test",
        "javascript:alert(1)",
        "/\t/evil.test",
        "/ok\r\nSet-Cookie: a=b",
        " //evil.test",
        "evil",
        "",
        "/" + "x" * 600,
    ],
)
async def test_signing_in_leads_to_pages_of_this_site_only(bench: Bench, target: str) -> None:
    data = {"email": "ann@example.com", "password": PASSWORD, "next": target}
    async with bench.browser() as browser:
        forms = [await browser.get(path, params={"next": target}) for path in ("/signin", "/signup")]
        up = await browser.post("/signup", data=data)
        already = [await browser.get(path, params={"next": target}) for path in ("/signin", "/signup")]
        signed_in = await browser.post("/signin", data=data)

    assert {answer.headers["location"] for answer in (up, signed_in, *already)} == {"/"}
    assert all('name="next" value="/"' in form.text for form in forms)


def test_a_way_back_to_a_page_of_this_site_is_kept() -> None:
    assert safe_next("/o/K7F29Q/choose?kind=time&amount=20") == "/o/K7F29Q/choose?kind=time&amount=20"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://charge.example/", "https://charge.example"),
        ("https://charge.example:443", "https://charge.example"),
        ("http://charge.example:8080/o/1", "http://charge.example:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_origins_are_written_as_browsers_write_them(url: str, origin: str) -> None:
    assert origin_of(url) == origin


async def test_what_is_typed_comes_back_as_text_not_as_markup(bench: Bench) -> None:
    nasty = '"><script>alert(1)</script>'
    async with bench.driver() as browser:
        answers = [
            await browser.get(f"/o/{CODE}/choose", params={"kind": "energy", "amount": nasty[:12]}),
            await browser.get(f"/o/{CODE}/confirm", params={"kind": nasty, "amount": nasty, "unit": nasty}),
            await browser.get("/", params={"code": nasty}),
            await browser.get(f"/o/{nasty}"),
            await browser.get("/", params={"lang": nasty, nasty: nasty}),
        ]
    async with bench.browser() as browser:
        data = {"email": nasty, "name": nasty, "next": nasty, "password": nasty}
        answers += [await browser.post("/signup", data=data), await browser.post("/signin", data=data)]

    for answer in answers:
        assert "<script>alert" not in answer.text


async def test_refusals_leave_no_rows_behind(bench: Bench) -> None:
    async with bench.browser() as browser:
        await browser.post("/signup", data={"email": "ann@example.com", "password": "short"})
        await browser.post("/signup", data={"email": "nonsense", "password": PASSWORD})
        await browser.post(f"/o/{CODE}/start", data=WISH)

    async with bench.services.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Driver)) == 0
        assert await session.scalar(select(func.count()).select_from(ChargingSession)) == 0
