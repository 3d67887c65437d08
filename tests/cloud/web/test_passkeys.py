"""Passkeys: made, used, listed, removed; and whatever is not exactly right is refused and changes nothing."""

import asyncio
import copy
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from konsento.accounts import passkeys
from konsento.accounts.passkeys import site_at
from konsento.models import Passkey, PasskeyChallenge
from konsento.settings import Settings

from .authenticator import PRESENT, Authenticator
from .conftest import PASSWORD, wired
from .mails import follow_newest, mails

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

    from .conftest import Bench

SECURE = "https://charge.example"
HOST = "charge.example"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """A server under a name with TLS: elsewhere there are no passkeys."""
    return settings.model_copy(update={"public_url": SECURE, "mail_folder": tmp_path / "mails"})


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    async with wired(settings) as bench:
        yield bench


@asynccontextmanager
async def browsing(bench: Bench) -> AsyncIterator[AsyncClient]:
    """Open a browser at the secure address."""
    async with bench.browser(Origin=SECURE) as browser:
        browser.base_url = SECURE
        yield browser


@asynccontextmanager
async def signed_up(
    bench: Bench, email: str = "ann@example.com", password: str = PASSWORD
) -> AsyncIterator[AsyncClient]:
    """Open a browser in which a new driver is signed in, whose address is confirmed."""
    async with browsing(bench) as browser:
        answer = await browser.post("/signup", data={"email": email, "password": password})
        assert answer.status_code == 303, bench.words(answer)
        await follow_newest(bench, browser)
        yield browser


def device() -> Authenticator:
    return Authenticator(origin=SECURE, rp_id=HOST)


async def options_to_make(browser: AsyncClient) -> dict[str, Any]:
    answer = await browser.post("/account/passkeys/options", json={})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def options_to_sign_in(browser: AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await browser.post("/signin/passkey/options", json={})).json()
    return found


async def register(browser: AsyncClient, authenticator: Authenticator, name: str = "Phone") -> Response:
    credential = authenticator.make(await options_to_make(browser))
    return await browser.post("/account/passkeys/new", json={"credential": credential, "name": name})


async def enter(browser: AsyncClient, credential: dict[str, Any]) -> Response:
    return await browser.post("/signin/passkey/answer", json={"credential": credential, "next": "/history"})


async def rows(bench: Bench) -> list[Passkey]:
    async with bench.services.database.transaction() as session:
        return list(await session.scalars(select(Passkey).order_by(Passkey.id)))


async def test_a_driver_makes_a_passkey_and_signs_in_with_it_without_typing_anything(bench: Bench) -> None:
    authenticator = device()
    async with signed_up(bench) as browser:
        options = await options_to_make(browser)
        credential = authenticator.make(options)
        made = await browser.post("/account/passkeys/new", json={"credential": credential, "name": "My phone"})
        listed = bench.words(await browser.get("/account/passkeys"))
    async with browsing(bench) as elsewhere:
        asked = await options_to_sign_in(elsewhere)
        entered = await enter(elsewhere, authenticator.sign(asked))
        account = await elsewhere.get("/account")
        used = bench.words(await elsewhere.get("/account/passkeys"))

    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    assert options["rp"]["id"] == HOST
    assert made.json() == {"next": "/account/passkeys"}
    assert "My phone" in listed
    assert "Not used yet" in listed
    assert asked["allowCredentials"] == []
    assert entered.json() == {"next": "/history"}
    assert "ann@example.com" in account.text
    assert "Last used on" in used
    [row] = await rows(bench)
    assert (row.sign_count, row.transports) == (1, "hybrid internal")


async def test_the_owner_is_told_by_mail_of_every_passkey(bench: Bench) -> None:
    async with signed_up(bench) as browser:
        await register(browser, device())
        number = (await rows(bench))[0].id
        await browser.post(f"/account/passkeys/{number}/remove")
    told = [str(mail) for mail in await mails(bench) if mail["Subject"] == "Your account was changed"]

    assert len(told) == 2
    assert "A passkey was added." in told[0]
    assert "A passkey was removed." in told[1]


async def test_several_devices_each_have_one_and_none_twice(bench: Bench) -> None:
    first, second = device(), device()
    async with signed_up(bench) as browser:
        await register(browser, first, "Phone")
        await register(browser, second, "Laptop")
        options = await options_to_make(browser)
        again = await browser.post(
            "/account/passkeys/new", json={"credential": first.make(options), "name": "Phone again"}
        )

    assert {one["id"] for one in options["excludeCredentials"]} == {
        one["id"] for one in (first._credential({}), second._credential({}))
    }
    assert (again.status_code, again.json()["code"]) == (409, "PasskeyKnown")
    assert [row.name for row in await rows(bench)] == ["Phone", "Laptop"]


async def test_a_removed_passkey_opens_nothing(bench: Bench) -> None:
    authenticator = device()
    async with signed_up(bench) as browser:
        await register(browser, authenticator)
        [row] = await rows(bench)
        question = bench.words(await browser.get(f"/account/passkeys/{row.id}/remove"))
        await browser.post(f"/account/passkeys/{row.id}/remove")
    async with browsing(bench) as elsewhere:
        refused = await enter(elsewhere, authenticator.sign(await options_to_sign_in(elsewhere)))
        still_out = await elsewhere.get("/account")

    assert "Remove the passkey “Phone”?" in question
    assert (refused.status_code, refused.json()["code"]) == (404, "UnknownPasskey")
    assert still_out.status_code == 303


WRONG_DEVICES = [
    {"origin": "https://evil.example"},
    {"origin": "https://charge.example.evil.example"},
    {"origin": "http://charge.example"},
    {"origin": f"{SECURE}:8443"},
    {"rp_id": "example"},
    {"rp_id": "evil.example"},
    {"flags": PRESENT},
    {"flags": 0},
]


@pytest.mark.parametrize("wrong", WRONG_DEVICES, ids=str)
async def test_what_was_not_made_for_this_site_or_without_its_owner_is_refused(
    bench: Bench, wrong: dict[str, Any]
) -> None:
    authenticator = device()
    async with signed_up(bench) as browser:
        refused_new = await register(browser, replace(device(), **wrong))
        await register(browser, authenticator)
    hostile = replace(authenticator, **wrong)
    async with browsing(bench) as elsewhere:
        refused = await enter(elsewhere, hostile.sign(await options_to_sign_in(elsewhere)))
        out = await elsewhere.get("/account")

    assert (refused_new.status_code, refused_new.json()["code"]) == (403, "PasskeyRefused")
    assert (refused.status_code, refused.json()["code"]) == (403, "PasskeyRefused")
    assert out.status_code == 303
    assert [row.sign_count for row in await rows(bench)] == [0]


async def test_a_signature_counts_once_and_for_five_minutes(bench: Bench) -> None:
    authenticator = replace(device(), counts=False)
    async with signed_up(bench) as browser:
        await register(browser, authenticator)
    async with browsing(bench) as elsewhere:
        signed = authenticator.sign(await options_to_sign_in(elsewhere))
        first, replayed = await enter(elsewhere, signed), await enter(elsewhere, signed)
        late = authenticator.sign(await options_to_sign_in(elsewhere))
        bench.clock.advance(passkeys.ANSWER_WITHIN)
        too_late = await enter(elsewhere, late)
        invented = await enter(elsewhere, authenticator.sign({"challenge": "AAAA"}))

    assert first.status_code == 200
    for refused in (replayed, too_late, invented):
        assert (refused.status_code, refused.json()["code"]) == (410, "PasskeyChallengeOver")


async def test_of_one_signature_sent_twice_at_once_one_counts(bench: Bench) -> None:
    authenticator = replace(device(), counts=False)
    async with signed_up(bench) as browser:
        await register(browser, authenticator)
    async with browsing(bench) as one, browsing(bench) as two:
        signed = authenticator.sign(await options_to_sign_in(one))
        answers = await asyncio.gather(enter(one, signed), enter(two, signed))

    assert sorted(answer.status_code for answer in answers) == [200, 410]


async def test_a_challenge_for_one_purpose_is_none_for_the_other(bench: Bench) -> None:
    authenticator = device()
    async with signed_up(bench) as browser, browsing(bench) as elsewhere:
        to_make, to_sign = await options_to_make(browser), await options_to_sign_in(elsewhere)
        made = await browser.post(
            "/account/passkeys/new",
            json={"credential": authenticator.make(to_make | {"challenge": to_sign["challenge"]})},
        )
        await register(browser, authenticator)
        signed = await enter(elsewhere, authenticator.sign(to_make))

    assert made.json()["code"] == "PasskeyChallengeOver"
    assert signed.json()["code"] == "PasskeyChallengeOver"


async def test_nobody_adds_a_passkey_to_somebody_else(bench: Bench) -> None:
    async with signed_up(bench) as ann, signed_up(bench, "bob@example.com") as bob:
        options = await options_to_make(ann)
        foreign = await bob.post("/account/passkeys/new", json={"credential": device().make(options), "name": "x"})

    assert foreign.json()["code"] == "PasskeyChallengeOver"
    assert await rows(bench) == []


async def test_nobody_sees_or_removes_the_passkey_of_somebody_else(bench: Bench) -> None:
    async with signed_up(bench) as ann, signed_up(bench, "bob@example.com") as bob:
        await register(ann, device())
        [row] = await rows(bench)
        answers = [
            await bob.get(f"/account/passkeys/{row.id}/remove"),
            await bob.post(f"/account/passkeys/{row.id}/remove"),
        ]
        listed = bench.words(await bob.get("/account/passkeys"))

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "Phone" not in listed
    assert len(await rows(bench)) == 1


async def test_a_passkey_cannot_claim_to_be_another_drivers(bench: Bench) -> None:
    his, hers = device(), device()
    async with signed_up(bench) as ann, signed_up(bench, "bob@example.com") as bob:
        await register(ann, hers)
        await register(bob, his)
    async with browsing(bench) as elsewhere:
        other_handle = replace(his, handle=hers.handle)
        refused = await enter(elsewhere, other_handle.sign(await options_to_sign_in(elsewhere)))
        other_name = replace(his, credential_id=hers.credential_id)
        forged = await enter(elsewhere, other_name.sign(await options_to_sign_in(elsewhere)))
        nameless = await enter(elsewhere, replace(his, handle=b"").sign(await options_to_sign_in(elsewhere)))

    assert [one.json()["code"] for one in (refused, forged, nameless)] == ["PasskeyRefused"] * 3


async def test_a_counter_that_runs_backwards_is_refused_and_the_operator_reads_of_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    authenticator = replace(device(), counter=7)
    async with signed_up(bench) as browser:
        await register(browser, authenticator)
    clone = replace(authenticator, counter=6)
    async with browsing(bench) as elsewhere:
        good = await enter(elsewhere, authenticator.sign(await options_to_sign_in(elsewhere)))
    async with browsing(bench) as thief:
        refused = await enter(thief, clone.sign(await options_to_sign_in(thief)))
        out = await thief.get("/account")

    assert good.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (403, "PasskeyCopied")
    assert out.status_code == 303
    assert "its counter ran backwards" in caplog.text


async def test_a_synchronised_passkey_that_does_not_count_works_again_and_again(bench: Bench) -> None:
    authenticator = replace(device(), counts=False)
    async with signed_up(bench) as browser:
        await register(browser, authenticator)
    async with browsing(bench) as elsewhere:
        answers = [await enter(elsewhere, authenticator.sign(await options_to_sign_in(elsewhere))) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3


def _ruined(credential: dict[str, Any]) -> list[Any]:
    """Return a credential in every way that a stranger could send it broken."""
    found: list[Any] = [{}, {"response": None}, {"response": {}}, {"response": {"clientDataJSON": 5}}]
    for part in credential["response"]:
        for value in ("", "!", "AAAA", "e30", None, 5, ["x"], {"a": 1}, "A" * 5000):
            broken = copy.deepcopy(credential)
            broken["response"][part] = value
            found.append(broken)
    for part in ("id", "rawId", "type"):
        found += [credential | {part: value} for value in ("", "AAAA", None, 5)]
    return found


async def test_whatever_is_sent_is_answered_with_a_reason_and_never_with_a_fault_of_ours(bench: Bench) -> None:
    authenticator = device()
    async with signed_up(bench) as browser, browsing(bench) as elsewhere:
        await register(browser, authenticator)
        new = device().make(await options_to_make(browser))
        for broken in _ruined(new):
            made = await browser.post("/account/passkeys/new", json={"credential": broken, "name": "x"})
            if made.status_code == 200:  # transports alone may be nonsense
                assert "transports" in broken["response"]
                new = device().make(await options_to_make(browser))
                continue
            assert made.json()["code"] in {"PasskeyRefused", "PasskeyChallengeOver", "UnreadableRequest"}, broken
        for broken in _ruined(authenticator.sign(await options_to_sign_in(elsewhere))):
            entered = await enter(elsewhere, broken)
            assert entered.status_code in {403, 404, 410, 422}, broken
        nothing = [await elsewhere.post("/signin/passkey/answer", content=text) for text in ("", "[]", "{}", "\x00")]

    assert {answer.status_code for answer in nothing} == {422}


async def test_a_driver_without_a_password_has_only_the_passkey_and_links(bench: Bench) -> None:
    authenticator = device()
    async with signed_up(bench, password="") as browser:
        assert (await register(browser, authenticator)).status_code == 200
        [row] = await rows(bench)
        question = bench.words(await browser.get(f"/account/passkeys/{row.id}/remove"))
    async with browsing(bench) as elsewhere:
        for guess in ("", "-", PASSWORD):
            assert (
                await elsewhere.post("/signin", data={"email": "ann@example.com", "password": guess})
            ).status_code == 403
        entered = await enter(elsewhere, authenticator.sign(await options_to_sign_in(elsewhere)))

    assert "It is your last one: after that you sign in by links that we send to ann@example.com." in question
    assert entered.status_code == 200


async def test_the_last_way_in_is_not_removed_where_no_links_can_be_sent(bench: Bench) -> None:
    async with signed_up(bench, password="") as browser:
        await register(browser, device())
        [row] = await rows(bench)
        bench.services.settings.mail_folder = None
        refused = await browser.post(f"/account/passkeys/{row.id}/remove")

    assert refused.status_code == 409
    assert "This is your only way to sign in." in bench.words(refused)
    assert len(await rows(bench)) == 1


async def test_who_finds_a_phone_open_adds_no_passkey(bench: Bench) -> None:
    async with signed_up(bench) as browser:
        bench.clock.advance(timedelta(minutes=11))
        page = await browser.get("/account/passkeys")
        without = await browser.post("/account/passkeys/options", json={})
        wrong = await browser.post("/account/passkeys/options", json={"present": "wrong"})
        right = await browser.post("/account/passkeys/options", json={"present": PASSWORD})
    async with signed_up(bench, "bob@example.com", password="") as browser:
        bench.clock.advance(timedelta(minutes=11))
        told = bench.words(await browser.get("/account/passkeys"))
        again = await browser.post("/account/passkeys/options", json={})

    assert 'name="present"' in page.text
    assert [answer.status_code for answer in (without, wrong, right)] == [403, 403, 200]
    assert "sign out and in again first" in told
    assert (again.status_code, again.json()["code"]) == (403, "SignInAgain")


async def test_twenty_passkeys_are_enough(bench: Bench) -> None:
    async with signed_up(bench) as browser:
        for _ in range(passkeys.MOST):
            assert (await register(browser, device())).status_code == 200
        one_more = await browser.post("/account/passkeys/options", json={})

    assert (one_more.status_code, one_more.json()["code"]) == (409, "TooManyPasskeys")


async def test_guests_have_no_passkeys_and_may_become_accounts_that_have(bench: Bench) -> None:
    bench.services.settings.fake_payments = True
    async with browsing(bench) as browser:
        await browser.post("/guest", data={"email": "guest@example.com"})
        as_guest = await browser.post("/account/passkeys/options", json={})
        await browser.post("/account/become", data={"name": "Gus", "new": PASSWORD})
        as_account = await register(browser, device())

    assert as_guest.status_code == 404
    assert as_account.status_code == 200


async def test_signing_in_with_a_passkey_replaces_the_sign_in_that_the_browser_had(bench: Bench) -> None:
    authenticator = device()
    async with signed_up(bench) as browser:
        await register(browser, authenticator)
        before = browser.cookies["__Host-konsento_driver"]
        await enter(browser, authenticator.sign(await options_to_sign_in(browser)))
        after = browser.cookies["__Host-konsento_driver"]
        browsers = re.findall(r"/account/browsers/[0-9a-f-]{36}/end", (await browser.get("/account")).text)
    async with browsing(bench) as thief:
        thief.cookies.set("__Host-konsento_driver", before)
        out = await thief.get("/account")

    assert before != after
    assert browsers == []
    assert out.status_code == 303


async def test_challenges_that_nobody_answers_do_not_pile_up(bench: Bench) -> None:
    async with browsing(bench) as browser:
        for _ in range(5):
            await options_to_sign_in(browser)
        bench.clock.advance(passkeys.ANSWER_WITHIN)
        await options_to_sign_in(browser)

    async with bench.services.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(PasskeyChallenge)) == 1


@pytest.mark.parametrize(
    ("url", "rp_id"),
    [
        ("https://charge.example", HOST),
        ("https://charge.example:8443/", HOST),
        ("http://localhost:8080", "localhost"),
        ("http://charge.example", None),
        ("http://127.0.0.1:8080", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_passkeys_need_a_name_and_tls(url: str, rp_id: str | None) -> None:
    site = site_at(url, "origin", "Sakura Energy")

    assert (site.rp_id if site else None) == rp_id


async def test_where_there_can_be_no_passkeys_none_are_offered(bench: Bench) -> None:
    bench.services.settings.public_url = "http://konsento.test"
    async with bench.driver() as browser:
        pages = [(await browser.get(path)).text for path in ("/", "/account")]
        refused = await browser.post("/signin/passkey/options", json={})
        await browser.post("/signout")
        pages.append((await browser.get("/signin")).text)

    assert not any("passkey" in page for page in pages)
    assert refused.status_code == 404


async def test_who_does_not_want_one_is_not_asked_again(bench: Bench) -> None:
    async with signed_up(bench) as browser:
        offered = (await browser.get("/")).text
        browser.cookies.set("konsento_no_passkey", "1")
        again = (await browser.get("/")).text

    assert "data-passkey-offer" in offered
    assert "data-passkey-offer" not in again


async def test_errors_are_told_in_the_language_of_the_page(bench: Bench) -> None:
    async with bench.browser("ja", Origin=SECURE) as browser:
        refused = await browser.post("/signin/passkey/answer", json={"credential": {}})

    assert json.loads(refused.text)["message"].startswith("このパスキーでは")
