"""Getting in: an invitation, a password and a code; and no other way."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import select

from konsento.models import Alarm, AlarmKind, Role
from konsento.staff import service as staff
from konsento.staff import throttle

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

EMAIL = "kei@staff.example.com"
PASSWORD = "mauve anchor tiny river"


async def invited(office: Office, role: Role = Role.OPERATOR) -> str:
    """Return the address of a new member's invitation."""
    services = office.bench.services
    async with services.database.transaction() as session:
        _, token = await staff.add(session, email=EMAIL, name="Kei", role=role, now=services.clock.now())
    return f"/office/invitation/{token}"


def key_in(page: httpx.Response) -> str:
    found = re.search(r'class="key">([^<]+)<', page.text)
    assert found is not None
    return found[1].replace(" ", "")


async def enrol(office: Office, browser: httpx.AsyncClient, link: str) -> tuple[str, list[str]]:
    """Take an invitation; returns the authenticator's secret and the recovery codes."""
    secret = key_in(await browser.get(link))
    answer = await browser.post(link, data={"password": PASSWORD, "code": await office.code(secret)})
    assert answer.status_code == 200, office.bench.words(answer)
    return secret, re.findall(r"<li>([A-Z0-9-]{19})</li>", answer.text)


async def sign_in(
    browser: httpx.AsyncClient, code: str, password: str = PASSWORD, email: str = EMAIL
) -> httpx.Response:
    return await browser.post("/office/signin", data={"email": email, "password": password, "code": code})


async def test_an_invitation_sets_up_access_and_signs_in(office: Office) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        _, codes = await enrol(office, browser, link)
        overview = await browser.get("/office/")
        again = await browser.get(link)

    assert len(set(codes)) == 8
    assert overview.status_code == 200
    assert again.status_code == 404


async def test_an_invitation_ends_after_a_day(office: Office) -> None:
    link = await invited(office)
    office.bench.clock.advance(timedelta(hours=24))
    async with office.bench.browser() as browser:
        answer = await browser.get(link)

    assert answer.status_code == 404


@pytest.mark.parametrize("password", ["short", "password1234", "aaaaaaaaaaaaaa", "kei@staff.example.com"])
async def test_a_password_that_can_be_guessed_is_refused(office: Office, password: str) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        secret = key_in(await browser.get(link))
        answer = await browser.post(link, data={"password": password, "code": await office.code(secret)})
        still = await browser.get(link)

    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers
    assert key_in(still) == secret


async def test_password_and_code_let_in_and_a_code_counts_once(office: Office) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        secret, _ = await enrol(office, browser, link)
    async with office.bench.browser() as browser:
        used = await sign_in(browser, await office.code(secret))
        office.bench.clock.advance(timedelta(seconds=30))
        code = await office.code(secret)
        first = await sign_in(browser, code)
        second = await sign_in(browser, code)

    assert used.status_code == 403  # the invitation took this code
    assert first.headers["location"] == "/office/"
    assert "Path=/office" in first.headers["set-cookie"]
    assert "HttpOnly" in first.headers["set-cookie"]
    assert second.status_code == 403


async def test_a_recovery_code_lets_in_once(office: Office) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        _, codes = await enrol(office, browser, link)
    async with office.bench.browser() as browser:
        first = await sign_in(browser, codes[0].lower().replace("-", " "))
        second = await sign_in(browser, codes[0])

    assert first.status_code == 303
    assert second.status_code == 403


async def test_what_was_wrong_is_not_told(office: Office) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        secret, _ = await enrol(office, browser, link)
    office.bench.clock.advance(timedelta(minutes=1))
    code = await office.code(secret)
    async with office.bench.browser() as browser:
        answers = [
            await sign_in(browser, code, password="another long password"),
            await sign_in(browser, "000000"),
            await sign_in(browser, code, email="nobody@staff.example.com"),
        ]

    assert {answer.status_code for answer in answers} == {403}
    said = {office.bench.words(answer).replace("nobody", "kei") for answer in answers}
    assert len(said) == 1


async def test_guessing_is_slowed_down(office: Office) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        secret, _ = await enrol(office, browser, link)
    async with office.bench.browser() as browser:
        statuses = [(await sign_in(browser, f"{number:06}")).status_code for number in range(6)]
        office.bench.clock.advance(timedelta(minutes=6))
        right = await sign_in(browser, await office.code(secret))

    assert statuses == [403] * 5 + [429]
    assert right.status_code == 303


@pytest.mark.parametrize(("used_every", "times", "still"), [(31, 1, False), (20, 23, True), (20, 24, False)])
async def test_a_sign_in_ends_unused_after_half_an_hour_and_always_after_eight(
    office: Office, used_every: int, times: int, still: bool
) -> None:
    async with office.member(Role.VIEWER) as browser:
        for _ in range(times):
            office.bench.clock.advance(timedelta(minutes=used_every))
            answer = await browser.get("/office/")

    assert (answer.status_code == 200) == still


async def test_an_overview_that_was_left_open_keeps_nobody_signed_in(office: Office) -> None:
    statuses = []
    async with office.member(Role.VIEWER) as browser:
        for _ in range(4):
            office.bench.clock.advance(timedelta(minutes=9))
            statuses.append((await browser.get("/office/live")).status_code)

    assert statuses == [200, 200, 200, 401]


async def test_signing_out_makes_the_cookie_worthless(office: Office) -> None:
    _, token = await office.enrolled(Role.ADMIN)
    async with office.bench.browser() as browser:
        browser.cookies.set("konsento_staff", token, path="/office")
        await browser.post("/office/signout")
    async with office.bench.browser(Cookie=f"konsento_staff={token}") as thief:
        answer = await thief.get("/office/")

    assert answer.status_code == 303


async def test_disabling_and_resetting_end_the_access_at_once(office: Office) -> None:
    for change in ("disable", "reset"):
        member_id, token = await office.enrolled(Role.SUPPORT, f"{change}@staff.example.com")
        async with office.bench.browser() as browser, office.bench.browser(Cookie=f"konsento_staff={token}") as theirs:
            _, admin = await office.enrolled(Role.ADMIN, f"admin-{change}@staff.example.com")
            browser.cookies.set("konsento_staff", admin, path="/office")
            before = await theirs.get("/office/")
            changed = await browser.post(f"/office/staff/{member_id}/{change}")
            after = await theirs.get("/office/")

        assert (before.status_code, after.status_code) == (200, 303)
        assert changed.status_code in {200, 303}


async def test_the_last_administrator_stays(office: Office) -> None:
    member_id, token = await office.enrolled(Role.ADMIN)
    async with office.bench.browser() as browser:
        browser.cookies.set("konsento_staff", token, path="/office")
        answers = [
            await browser.post(f"/office/staff/{member_id}/disable"),
            await browser.post(f"/office/staff/{member_id}/role", data={"role": "viewer"}),
        ]
        staff_page = await browser.get("/office/staff")

    assert {answer.status_code for answer in answers} == {409}
    assert staff_page.status_code == 200


async def test_an_administrator_invites_and_the_link_works(office: Office) -> None:
    async with office.member(Role.ADMIN) as admin:
        answer = await admin.post("/office/staff", data={"email": EMAIL, "name": "Kei", "role": "support"})
        twice = await admin.post("/office/staff", data={"email": EMAIL.upper(), "role": "admin"})
        found = re.search(r"http://konsento\.test(/office/invitation/\w+)", answer.text)
        later = await admin.get("/office/staff")
    assert found is not None
    async with office.bench.browser() as browser:
        await enrol(office, browser, found[1])
        drivers = await browser.get("/office/drivers")
        members = await browser.get("/office/staff")

    assert twice.status_code == 409
    assert found[1] not in later.text
    assert (drivers.status_code, members.status_code) == (200, 403)
    assert [entry.details for entry in await office.log("staff.invite")] == [{"role": "support"}]


@pytest.mark.parametrize(
    "target", ["//evil.test", "https://evil.test/office/", "/history", "/office/signin?next=/", ""]
)
async def test_signing_in_leads_into_the_back_office_only(office: Office, target: str) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        secret, _ = await enrol(office, browser, link)
    office.bench.clock.advance(timedelta(minutes=1))
    async with office.bench.browser() as browser:
        data = {"email": EMAIL, "password": PASSWORD, "code": await office.code(secret), "next": target}
        answer = await browser.post("/office/signin", data=data)

    assert answer.headers["location"] == "/office/"


@pytest.mark.parametrize("database_kind", ["sqlite"], scope="session")
async def test_nothing_of_a_sign_in_is_kept_in_the_clear(office: Office) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        _, codes = await enrol(office, browser, link)
        token = browser.cookies["konsento_staff"]
    path = office.bench.services.settings.database_url.rpartition("///")[2]
    with open(f"/{path.lstrip('/')}", "rb") as file:  # noqa: ASYNC230, PTH123  # a test may block
        content = file.read()

    assert token.encode() not in content
    assert codes[0].replace("-", "").encode() not in content
    assert link.rpartition("/")[2].encode() not in content


async def test_a_token_that_was_planted_is_worth_nothing_after_signing_in(office: Office) -> None:
    link = await invited(office)
    async with office.bench.browser() as browser:
        secret, _ = await enrol(office, browser, link)
        planted = browser.cookies["konsento_staff"]
        office.bench.clock.advance(timedelta(minutes=1))
        await sign_in(browser, await office.code(secret))
        own = browser.cookies["konsento_staff"]
        signed_in = await browser.get("/office/")
    async with office.bench.browser(Cookie=f"konsento_staff={planted}") as attacker:
        planted_one = await attacker.get("/office/")
    async with office.bench.browser(Cookie="konsento_staff=MADEUP") as attacker:
        made_up = await attacker.get("/office/")

    assert own != planted
    assert (signed_in.status_code, planted_one.status_code, made_up.status_code) == (200, 303, 303)


async def test_guessing_that_goes_on_is_an_alarm(office: Office) -> None:
    await invited(office)
    async with office.bench.browser() as browser:
        for number in range(8):
            await sign_in(browser, f"{number:06}")
    async with office.bench.services.database.transaction() as session:
        (alarm,) = await session.scalars(select(Alarm))

    assert (alarm.kind, alarm.count) == (AlarmKind.SIGN_INS_FAIL, 3)
    assert EMAIL not in str(alarm.details) + alarm.subject


def test_a_network_that_changes_its_address_within_itself_is_one_guesser() -> None:
    one, two, other = (throttle.origin_of("a@example.com", f"2001:db8:{n}::{m}") for n, m in ((1, 1), (1, 2), (2, 1)))

    assert one == two != other
