"""What drivers rely on when they make an account and sign in."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from konsento.accounts import service
from konsento.accounts.contact import normal_email, normal_name
from konsento.accounts.errors import (
    BadEmail,
    EmailTaken,
    NameTooLong,
    PasswordTooLong,
    PasswordTooShort,
    TooManyAttempts,
    WrongPassword,
)
from konsento.kit import guessing, hashing
from konsento.kit.clock import ManualClock
from konsento.kit.db import Base, Database
from konsento.kit.errors import KonsentoError
from konsento.models import Driver, SignIn

PASSWORD = "correct horse battery"
MAIL = "driver@example.com"
HERE = "192.0.2.7"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'accounts.sqlite3'}")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


async def join(database: Database, clock: ManualClock, email: str = MAIL) -> str:
    application = await service.apply(email=email, password=PASSWORD, name="Ann", locale="en")
    async with database.transaction() as session:
        driver = await service.sign_up(session, application, clock.now())
        return await service.remember(session, driver, clock.now())


async def try_in(
    database: Database, clock: ManualClock, password: str, *, email: str = MAIL, address: str = HERE
) -> str:
    _, token = await service.sign_in(database, clock, email=email, password=password, address=address)
    return token


async def who(database: Database, clock: ManualClock, token: str) -> Driver | None:
    async with database.transaction() as session:
        return await service.driver_for_token(session, token, clock.now())


async def test_a_new_driver_is_signed_in_and_can_sign_in_elsewhere(database: Database, clock: ManualClock) -> None:
    here = await join(database, clock)
    elsewhere = await try_in(database, clock, PASSWORD)

    first, second = await who(database, clock, here), await who(database, clock, elsewhere)

    assert first is not None
    assert second is not None
    assert (first.id, first.email, first.name) == (second.id, MAIL, "Ann")


async def test_signing_out_ends_this_browser_only(database: Database, clock: ManualClock) -> None:
    here = await join(database, clock)
    elsewhere = await try_in(database, clock, PASSWORD)

    async with database.transaction() as session:
        await service.sign_out(session, here)

    assert await who(database, clock, here) is None
    assert await who(database, clock, elsewhere) is not None


async def test_capitals_and_spaces_in_the_mail_address_do_not_matter(database: Database, clock: ManualClock) -> None:
    await join(database, clock, " Driver@Example.COM ")

    assert await try_in(database, clock, PASSWORD, email="DRIVER@example.com")
    with pytest.raises(EmailTaken):
        await join(database, clock, "dRiver@example.com")


async def test_the_same_password_typed_on_another_keyboard_is_the_same(database: Database, clock: ManualClock) -> None:
    application = await service.apply(email=MAIL, password="ﾊﾟｽﾜｰﾄﾞ12345", name="", locale="ja")
    async with database.transaction() as session:
        await service.sign_up(session, application, clock.now())

    assert await try_in(database, clock, "パスワード12345")


async def test_neither_password_nor_token_is_in_the_database(database: Database, clock: ManualClock) -> None:
    token = await join(database, clock)

    async with database.transaction() as session:
        driver = (await session.scalars(select(Driver))).one()
        row = (await session.scalars(select(SignIn))).one()

    assert driver.password_hash.startswith("$argon2id$")
    assert PASSWORD not in driver.password_hash
    assert token.encode() not in row.token_hash


async def test_wrong_password_and_unknown_mail_are_told_alike(database: Database, clock: ManualClock) -> None:
    await join(database, clock)

    answers: list[str] = []
    for email in (MAIL, "nobody@example.com", "no mail address at all"):
        with pytest.raises(WrongPassword) as refusal:
            await try_in(database, clock, "wrong password", email=email)
        answers.append(str(refusal.value))

    assert len(set(answers)) == 1


async def test_an_unknown_mail_address_takes_the_same_work(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    real = hashing._matches
    monkeypatch.setattr(hashing, "_matches", lambda word, stored: hashed.append(word) or real(word, stored))

    with pytest.raises(WrongPassword):
        await try_in(database, clock, "wrong password", email="nobody@example.com")

    assert hashed == ["wrong password"]


async def test_guessing_has_to_wait_longer_and_longer(database: Database, clock: ManualClock) -> None:
    await join(database, clock)
    for _ in range(guessing.FREE_FAILURES):
        with pytest.raises(WrongPassword):
            await try_in(database, clock, "wrong password")

    with pytest.raises(TooManyAttempts) as first:
        await try_in(database, clock, PASSWORD)
    clock.advance(timedelta(seconds=guessing.FIRST_WAIT_S))
    with pytest.raises(WrongPassword):
        await try_in(database, clock, "wrong password")
    with pytest.raises(TooManyAttempts) as second:
        await try_in(database, clock, PASSWORD)

    assert first.value.values["seconds"] == guessing.FIRST_WAIT_S
    assert second.value.values["seconds"] == 2 * guessing.FIRST_WAIT_S


async def test_the_wait_never_exceeds_five_minutes_and_the_right_password_ends_it(
    database: Database, clock: ManualClock
) -> None:
    await join(database, clock)
    for _ in range(20):
        with pytest.raises(WrongPassword):
            await try_in(database, clock, "wrong password")
        clock.advance(timedelta(seconds=guessing.LONGEST_WAIT_S))

    assert await try_in(database, clock, PASSWORD)
    with pytest.raises(WrongPassword):
        await try_in(database, clock, "wrong password")
    assert await try_in(database, clock, PASSWORD)


async def test_a_stranger_who_guesses_does_not_lock_the_driver_out(database: Database, clock: ManualClock) -> None:
    await join(database, clock)
    for _ in range(guessing.FREE_FAILURES):
        with pytest.raises(WrongPassword):
            await try_in(database, clock, "wrong password", address="203.0.113.5")
    with pytest.raises(TooManyAttempts):
        await try_in(database, clock, "wrong password", address="203.0.113.5")

    assert await try_in(database, clock, PASSWORD)


async def test_guesses_side_by_side_are_counted_too(database: Database, clock: ManualClock) -> None:
    await join(database, clock)

    guesses = [try_in(database, clock, f"wrong password {n}") for n in range(12)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)

    assert sum(isinstance(outcome, WrongPassword) for outcome in outcomes) == guessing.FREE_FAILURES
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 12 - guessing.FREE_FAILURES


async def test_two_sign_ups_at_once_make_one_account(database: Database, clock: ManualClock) -> None:
    outcomes = await asyncio.gather(*(join(database, clock) for _ in range(3)), return_exceptions=True)

    assert sum(isinstance(outcome, EmailTaken) for outcome in outcomes) == 2
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Driver)) == 1


async def test_an_unused_browser_is_signed_out_after_a_month_and_a_used_one_is_not(
    database: Database, clock: ManualClock
) -> None:
    used = await join(database, clock)
    unused = await try_in(database, clock, PASSWORD)

    clock.advance(timedelta(days=29))
    assert await who(database, clock, used) is not None
    clock.advance(timedelta(days=2))

    assert await who(database, clock, used) is not None
    assert await who(database, clock, unused) is None


@pytest.mark.parametrize("token", ["", "A", "A" * 43, "é" * 43, "\x00"])
async def test_an_invented_token_is_nobody(database: Database, clock: ManualClock, token: str) -> None:
    await join(database, clock)

    assert await who(database, clock, token) is None


@pytest.mark.parametrize(
    ("email", "password", "name", "reason"),
    [
        ("", PASSWORD, "", BadEmail),
        ("driver", PASSWORD, "", BadEmail),
        ("a@b", PASSWORD, "", BadEmail),
        ("a@example.com\nBcc: b@example.com", PASSWORD, "", BadEmail),
        ("x" * 250 + "@example.com", PASSWORD, "", BadEmail),
        (MAIL, "", "", PasswordTooShort),
        (MAIL, "x" * 9, "", PasswordTooShort),
        (MAIL, "x" * 201, "", PasswordTooLong),
        (MAIL, PASSWORD, "n" * 101, NameTooLong),
    ],
)
async def test_what_cannot_be_right_is_refused_with_its_reason(
    email: str, password: str, name: str, reason: type[KonsentoError]
) -> None:
    with pytest.raises(reason):
        await service.apply(email=email, password=password, name=name, locale="en")


async def test_passwords_of_the_shortest_and_the_longest_length_work(database: Database, clock: ManualClock) -> None:
    for password in ("xk4v-tupq9", "xk4v-tupq9" * 20):
        email = f"{len(password)}@example.com"
        application = await service.apply(email=email, password=password, name="", locale="en")
        async with database.transaction() as session:
            await service.sign_up(session, application, clock.now())
        assert await try_in(database, clock, password, email=email)
        with pytest.raises(WrongPassword):
            await try_in(database, clock, password + "x", email=email)


async def test_the_log_has_no_personal_data(
    database: Database, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="konsento")
    await join(database, clock)
    with pytest.raises(WrongPassword):
        await try_in(database, clock, "wrong password")

    for word in (MAIL, "driver@", "Ann", PASSWORD, "wrong password", HERE):
        assert word not in caplog.text


@given(st.emails())
def test_a_normal_mail_address_stays_as_it_is(email: str) -> None:
    try:
        once = normal_email(email)
    except BadEmail:
        return
    assert normal_email(once) == once
    assert normal_email(email.upper()) == once or "ß" in email


@given(st.text(max_size=120))
def test_a_name_has_no_control_characters_and_fits(text: str) -> None:
    try:
        name = normal_name(text)
    except NameTooLong:
        return
    assert len(name) <= 100
    assert not any(ord(c) < 32 or ord(c) == 127 for c in name)
