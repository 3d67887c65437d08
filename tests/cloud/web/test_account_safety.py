"""What an attacker tries with accounts: learn who has one, take one over, keep one, lock its owner out."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from konsento.accounts import guests, profile, service, throttle
from konsento.kit import guessing, hashing
from konsento.models import Driver, DriverKind, Link, SignIn
from konsento.settings import Settings

from .conftest import CODE, PASSWORD, wired
from .mails import follow_newest, link_in, mails

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

    from .conftest import Bench

NEW = "quiet lamp mountain"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"mail_folder": tmp_path / "mails", "fake_payments": True})


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    async with wired(settings) as bench:
        yield bench


async def sign_up(browser: AsyncClient, email: str, password: str = PASSWORD, **more: str) -> Response:
    return await browser.post("/signup", data={"email": email, "password": password, **more})


async def sign_in(browser: AsyncClient, email: str = "ann@example.com", password: str = PASSWORD) -> int:
    return (await browser.post("/signin", data={"email": email, "password": password})).status_code


async def account(bench: Bench, email: str = "ann@example.com") -> None:
    """Make an account whose address is confirmed."""
    async with bench.driver(email) as browser:
        await follow_newest(bench, browser, email)


async def count(bench: Bench, kind: DriverKind) -> int:
    async with bench.services.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Driver).where(Driver.kind == kind)) or 0


# Who has an account?


async def test_signing_up_looks_the_same_whether_or_not_the_address_has_an_account(bench: Bench) -> None:
    await account(bench)
    seen = []
    for email in ("ann@example.com", "new@example.com"):
        async with bench.browser() as stranger:
            answer = await sign_up(stranger, email, NEW)
            pages = [await stranger.get(path) for path in ("/", "/account", "/history")]
            kind = re.sub(r"[0-9a-f-]{36}", "", "".join(bench.words(page) for page in pages)).replace(email, "MAIL")
            await stranger.post("/signout")
            seen.append((answer.status_code, answer.headers["location"], kind, await sign_in(stranger, email, NEW)))

    assert seen[0] == seen[1]
    assert seen[0][0] == 303
    assert seen[0][-1] == 403


async def test_the_owner_of_the_address_is_told_and_let_in_by_a_link(bench: Bench) -> None:
    await account(bench)
    async with bench.browser() as stranger:
        await sign_up(stranger, "ann@example.com", "another good password")
    mail = (await mails(bench))[-1]
    async with bench.browser() as ann:
        await ann.post(link_in(mail))
        history = await ann.get("/account")
        assert await sign_in(ann) == 303

    assert mail["Subject"] == "You have an account already"
    assert "not confirmed yet" not in bench.words(history)
    assert await count(bench, DriverKind.ACCOUNT) == 1


async def test_asking_for_another_address_tells_nothing_of_it(bench: Bench) -> None:
    await account(bench, "bob@example.com")
    async with bench.driver("ann@example.com") as ann:
        answers = [
            await ann.post("/account/email", data={"email": email}) for email in ("bob@example.com", "free@example.com")
        ]
    sent = [mail for mail in await mails(bench) if mail["To"] == "bob@example.com"]

    assert {answer.headers["location"] for answer in answers} == {"/account?done=mail"}
    assert sent[-1]["Subject"] == "You have an account already"


async def test_a_link_is_made_after_the_answer_so_that_time_tells_nothing(bench: Bench) -> None:
    await account(bench)
    made_at_answer: list[int] = []

    async def links() -> int:
        async with bench.services.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(Link)) or 0

    before = await links()

    app = bench.app

    async def watched(scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # ASGI
        async def watch(message: dict[str, object]) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                made_at_answer.append(await links())
            await send(message)

        await app(scope, receive, watch)

    bench.app = watched  # type: ignore[assignment]  # an application like any other
    async with bench.browser() as stranger:
        await stranger.post("/signin/link", data={"email": "ann@example.com"})

    assert made_at_answer == [before]
    assert await links() == before + 1


async def test_refused_sign_ups_are_counted_where_they_would_tell_something(bench: Bench) -> None:
    bench.services.settings.mail_folder = None
    async with bench.browser() as stranger:
        await sign_up(stranger, "ann@example.com")
        await stranger.post("/signout")
        answers = [(await sign_up(stranger, "ann@example.com")).status_code for _ in range(20)]

    assert answers[0] == 409
    assert answers[-1] == 429


# Taking over.


async def test_who_signs_up_with_somebody_elses_address_is_out_when_the_owner_comes(bench: Bench) -> None:
    async with bench.browser() as thief, bench.browser() as ann:
        await sign_up(thief, "ann@example.com")
        assert (await thief.get("/account")).status_code == 200
        await ann.post("/signin/link", data={"email": "ann@example.com"})
        await follow_newest(bench, ann)
        owner = await ann.get("/account")
        gone = await thief.get("/account")
        with_password = await sign_in(thief)

    assert "not confirmed yet" not in bench.words(owner)
    assert gone.status_code == 303
    assert with_password == 403


async def test_an_address_that_was_typed_by_a_stranger_stays_free(bench: Bench) -> None:
    async with bench.browser() as thief, bench.browser() as ann:
        await sign_up(thief, "ann@example.com")
        await sign_up(ann, "ann@example.com", NEW)
        await follow_newest(bench, ann)
        assert await sign_in(ann, password=NEW) == 303
        strangers_link = next(mail for mail in await mails(bench) if "confirm" in mail["Subject"])
        late = await thief.post(link_in(strangers_link))
        with_password = await sign_in(thief)

    assert (late.status_code, with_password) == (409, 403)


async def test_a_guest_cannot_make_an_account_of_somebody_elses_address(bench: Bench) -> None:
    await account(bench)
    async with bench.browser() as thief:
        await thief.post("/guest", data={"email": "ann@example.com"})
        made = await thief.post("/account/become", data={"name": "Thief", "new": NEW})
        assert await sign_in(thief, password=NEW) == 403

    assert made.status_code == 303
    assert (await mails(bench))[-1]["Subject"] == "You have an account already"
    async with bench.browser() as ann:
        assert await sign_in(ann) == 303


async def test_who_never_confirms_is_forgotten(bench: Bench) -> None:
    async with bench.driver("ann@example.com"):
        pass
    bench.clock.advance(service.STAYS_SIGNED_IN + timedelta(days=1))
    async with bench.driver("bob@example.com"):  # expired sign-ins go when somebody signs in
        pass
    async with bench.driver("cem@example.com"):
        pass

    async with bench.services.database.transaction() as session:
        left = list(await session.scalars(select(Driver.email).where(Driver.email != "")))
    assert sorted(left) == ["bob@example.com", "cem@example.com"]


async def test_links_in_the_old_mailbox_open_nothing_after_a_change_of_address(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as ann:
        await follow_newest(bench, ann)
        await ann.post("/signin/link", data={"email": "ann@example.com"})
        old = link_in((await mails(bench))[-1])
        await ann.post("/account/email", data={"email": "ann@new.example.com"})
        await follow_newest(bench, ann, "ann@new.example.com")
    async with bench.browser() as thief:
        answer = await thief.post(old)

    assert answer.status_code == 410


async def test_looking_at_a_link_any_number_of_times_uses_nothing(bench: Bench) -> None:
    async with bench.driver("ann@example.com"), bench.browser() as scanner, bench.browser() as ann:
        link = link_in((await mails(bench))[-1])
        for method in ("GET", "HEAD", "GET"):
            await scanner.request(method, link)
        assert scanner.cookies.get("konsento_driver") is None
        assert (await ann.post(link)).status_code == 303
        assert (await ann.post(link)).status_code == 410


async def test_a_link_to_sign_in_runs_out(bench: Bench) -> None:
    await account(bench)
    async with bench.browser() as ann:
        await ann.post("/signin/link", data={"email": "ann@example.com"})
        link = link_in((await mails(bench))[-1])
        bench.clock.advance(timedelta(minutes=30))
        assert (await ann.post(link)).status_code == 410


# Keeping.


async def test_a_borrowed_phone_changes_neither_address_nor_password_and_deletes_nothing(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        await follow_newest(bench, browser)
        bench.clock.advance(profile.FRESH + timedelta(seconds=1))
        answers = [
            await browser.post("/account/email", data={"email": "thief@example.com"}),
            await browser.post("/account/password", data={"new": NEW}),
            await browser.post("/account/delete"),
        ]
        page = (await browser.get("/account")).text

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert page.count('name="present"') == 2
    assert await count(bench, DriverKind.ACCOUNT) == 1
    assert not [mail for mail in await mails(bench) if mail["To"] == "thief@example.com"]


async def test_a_guest_has_everything_deleted_without_a_proof(bench: Bench) -> None:
    async with bench.browser() as browser:
        await browser.post("/guest", data={"email": "guest@example.com"})
        bench.clock.advance(timedelta(hours=1))
        page = bench.words(await browser.get("/account/delete"))
        deleted = await browser.post("/account/delete")

    assert "Sign out and in again" not in page
    assert deleted.status_code == 200
    assert await count(bench, DriverKind.GUEST) == 0


async def test_the_present_password_cannot_be_guessed_from_a_stolen_cookie(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        guesses = [
            (await browser.post("/account/delete", data={"present": f"guess {number}"})).status_code
            for number in range(guessing.FREE_FAILURES + 2)
        ]

    assert guesses == [403] * guessing.FREE_FAILURES + [429] * 2


async def test_a_forgotten_password_is_replaced_after_signing_in_by_a_link(bench: Bench) -> None:
    await account(bench)
    async with bench.browser() as ann:
        await ann.post("/signin/link", data={"email": "ann@example.com"})
        await follow_newest(bench, ann)
        changed = await ann.post("/account/password", data={"new": NEW})
        assert changed.status_code == 303, bench.words(changed)
    async with bench.browser() as later:
        assert await sign_in(later) == 403
        assert await sign_in(later, password=NEW) == 303


async def test_signing_in_and_a_new_password_give_the_browser_another_token(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        tokens = [browser.cookies["konsento_driver"]]
        await follow_newest(bench, browser)
        tokens.append(browser.cookies["konsento_driver"])
        await browser.post("/account/password", data={"present": PASSWORD, "new": NEW})
        tokens.append(browser.cookies["konsento_driver"])
        await sign_in(browser, password=NEW)
        tokens.append(browser.cookies["konsento_driver"])
        async with bench.services.database.transaction() as session:
            left = await session.scalar(select(func.count()).select_from(SignIn))
    async with bench.browser() as thief:
        for token in tokens[:-1]:
            thief.cookies.set("konsento_driver", token)
            assert (await thief.get("/account")).status_code == 303

    assert len(set(tokens)) == 4
    assert left == 1


async def test_a_token_that_somebody_planted_in_the_browser_is_not_taken_over(bench: Bench) -> None:
    await account(bench)
    async with bench.browser() as browser:
        browser.headers["Cookie"] = f"konsento_driver={'A' * 43}"
        answer = await browser.post("/signin", data={"email": "ann@example.com", "password": PASSWORD})

    assert "konsento_driver=" in answer.headers["set-cookie"]
    assert "AAAA" not in answer.headers["set-cookie"]


async def test_a_browser_that_is_used_every_day_signs_in_again_after_half_a_year(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        for _ in range(service.ENDS_AFTER.days // 20):
            bench.clock.advance(timedelta(days=19))
            assert (await browser.get("/account")).status_code == 200
        bench.clock.advance(timedelta(days=10))
        assert (await browser.get("/account")).status_code == 303


async def test_the_cookie_lives_as_long_as_a_sign_in_can(bench: Bench) -> None:
    async with bench.browser() as browser:
        answer = await sign_up(browser, "ann@example.com")

    assert f"Max-Age={int(service.ENDS_AFTER.total_seconds())}" in answer.headers["set-cookie"]


async def test_over_tls_the_cookie_is_this_hosts_alone(bench: Bench) -> None:
    bench.services.settings.public_url = "https://charge.example"
    async with bench.browser() as browser:
        answer = await sign_up(browser, "ann@example.com")

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-konsento_driver=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_a_guest_stays_a_week(bench: Bench) -> None:
    async with bench.browser() as browser:
        await browser.post("/guest", data={"email": "guest@example.com"})
        bench.clock.advance(guests.STAYS)
        assert (await browser.get("/account")).status_code == 303


# Locking out.


async def test_strangers_who_ask_for_links_keep_no_owner_from_getting_one(bench: Bench) -> None:
    await account(bench)
    service_of_stranger = {"email": "ann@example.com"}
    async with bench.browser() as stranger:
        first = await _asks_from(bench, "203.0.113.5", service_of_stranger)
        for _ in range(10):
            await _asks_from(bench, "203.0.113.5", service_of_stranger)
        before = len(await mails(bench))
        await stranger.post("/signin/link", data=service_of_stranger)
    sent = await mails(bench)
    async with bench.browser() as ann:
        still = await ann.post(link_in(sent[1]))

    assert first == 200
    assert before == 1 + throttle.MAILS_AN_HOUR
    assert len(sent) == before + 1
    assert still.status_code == 303


async def test_who_guesses_on_the_same_network_does_not_make_the_owners_browser_wait(bench: Bench) -> None:
    await account(bench)
    async with bench.browser() as ann, bench.browser() as thief:
        assert await sign_in(ann) == 303
        await ann.post("/signout")
        guesses = [await sign_in(thief, password="wrong password") for _ in range(guessing.FREE_FAILURES + 1)]
        thief.cookies.set("konsento_known", "0" * 32 + "." + "0" * 64)
        guesses.append(await sign_in(thief, password="wrong password"))
        owner = await sign_in(ann)
        await ann.post("/signout")
        own_guesses = [await sign_in(ann, password="wrong password") for _ in range(guessing.FREE_FAILURES + 1)]

    assert guesses[-2:] == [429, 429]
    assert owner == 303
    assert own_guesses[-1] == 429


async def test_the_mark_of_one_driver_is_none_of_another(bench: Bench) -> None:
    await account(bench, "ann@example.com")
    await account(bench, "bob@example.com")
    async with bench.browser() as bob:
        assert await sign_in(bob, "bob@example.com") == 303
        guesses = [await sign_in(bob, password="wrong password") for _ in range(guessing.FREE_FAILURES)]
    async with bench.browser() as another:
        guesses.append(await sign_in(another, password="wrong password"))

    assert guesses[-1] == 429


async def _asks_from(bench: Bench, address: str, form: dict[str, str]) -> int:
    transport = httpx.ASGITransport(bench.app, client=(address, 1))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://konsento.test", headers={"Origin": "http://konsento.test"}
    ) as client:
        return (await client.post("/signin/link", data=form)).status_code


# Passwords.


async def test_a_hash_of_older_parameters_is_renewed_at_the_next_sign_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await account(bench)
    monkeypatch.setattr(hashing, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    async with bench.browser() as browser:
        assert await sign_in(browser) == 303
        assert await sign_in(browser) == 303
    async with bench.services.database.transaction() as session:
        stored = await session.scalar(select(Driver.password_hash))

    assert stored is not None
    assert "m=16,t=2,p=1" in stored


def test_new_hashes_are_as_slow_as_the_rfc_asks() -> None:
    standard = PasswordHasher()

    # RFC 9106, section 4, second recommendation: 64 MiB, three passes, four lanes.
    assert (standard.memory_cost, standard.time_cost, standard.parallelism) == (65536, 3, 4)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("ｐａｓｓｗｏｒｄ１２", "guessed first"),
        ("ﾊﾟｽﾜｰﾄﾞﾊﾟｽ", "too short"),
        ("ﷺ" * 20, "too long"),
        ("x" * 201, "too long"),
        ("ann.verylong", "guessed first"),
    ],
)
async def test_a_password_is_measured_as_it_is_hashed(bench: Bench, password: str, says: str) -> None:
    async with bench.browser() as browser:
        answer = await sign_up(browser, "ann.verylong@example.com", password)

    assert answer.status_code == 422
    assert says in bench.words(answer)


async def test_all_but_the_mail_address_may_stay_empty_and_all_of_it_is_kept(bench: Bench) -> None:
    async with bench.browser() as one, bench.browser() as two:
        await sign_up(one, "ann@example.com", "")
        await sign_up(two, "bob@example.com", name="Bob", phone="+81 90 1234 5678", address="1-2-3 Sakura\nTokyo")
    async with bench.services.database.transaction() as session:
        ann, bob = await session.scalars(select(Driver).order_by(Driver.email))

    assert (ann.name, ann.phone, ann.address, ann.password_hash) == ("", "", "", None)
    assert (bob.name, bob.phone, bob.address) == ("Bob", "+819012345678", "1-2-3 Sakura\nTokyo")


async def test_without_mails_a_password_is_needed(bench: Bench) -> None:
    bench.services.settings.mail_folder = None
    async with bench.browser() as browser:
        answer = await sign_up(browser, "ann@example.com", "")

    assert answer.status_code == 422


async def test_who_has_signed_up_charges_at_once(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        assert (await browser.get(f"/o/{CODE}")).status_code == 200
        assert (await bench.start(browser)).startswith("/s/")
