"""What a program may do with an account, and what it never may."""

from typing import TYPE_CHECKING, Any

import pytest

from konsento.accounts.tokens import Scope
from konsento.api.install import openapi
from konsento.settings import Settings

from .conftest import start

if TYPE_CHECKING:
    from .conftest import Api


async def test_a_program_changes_what_it_names_and_nothing_else(api: Api) -> None:
    async with api.ann() as program:
        first = await program.patch(
            "/account", json={"phone": "+81 90-1234-5678", "address": " 1-2-3 Sakura \n\nTokyo"}
        )
        second = await program.patch("/account", json={"name": "Ann", "locale": "ja", "mail_wanted": True})
        shown = (await program.get("/account")).json()
        nothing = await program.patch("/account", json={})

    assert (first.status_code, second.status_code, nothing.status_code) == (200, 200, 200)
    assert second.json() == shown == nothing.json()
    assert {name: shown[name] for name in ("email", "name", "phone", "address", "locale", "mail_wanted")} == {
        "email": "ann@example.com",
        "name": "Ann",
        "phone": "+819012345678",
        "address": "1-2-3 Sakura\nTokyo",
        "locale": "ja",
        "mail_wanted": True,
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "n" * 101}, "NameTooLong"),
        ({"phone": "call me"}, "BadPhone"),
        ({"address": "a" * 301}, "AddressTooLong"),
        ({"locale": "xx"}, "InvalidRequest"),
        ({"email": "thief@example.com"}, "InvalidRequest"),
        ({"password": "quiet lamp mountain"}, "InvalidRequest"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_changed(api: Api, change: dict[str, Any], code: str) -> None:
    async with api.ann() as program:
        before = (await program.get("/account")).json()
        refused = await program.patch("/account", json=change)
        after = (await program.get("/account")).json()

    assert refused.status_code == 422
    assert before == after
    if code != "InvalidRequest":
        assert refused.json()["code"] == code


async def test_a_program_takes_along_what_the_page_gives(api: Api) -> None:
    async with api.ann() as program:
        session = await start(program)
        kept = (await program.get("/account/export")).json()

    assert kept["about"]["email"] == "ann@example.com"
    assert [one["session_id"] for one in kept["charging"]] == [session["id"]]
    assert kept["tokens"][0]["name"] == "test"
    assert "kon_" not in str(kept)


async def test_reading_the_profile_is_not_taking_everything_along(api: Api) -> None:
    reads = await api.token(scopes=set(Scope) - {Scope.ACCOUNT_EXPORT})
    async with api.program(reads) as program:
        assert (await program.get("/account/export")).status_code == 403


def test_no_operation_changes_what_lets_somebody_in_or_deletes_the_account() -> None:
    paths = openapi(Settings())["paths"]

    assert not any(word in path for path in paths for word in ("password", "passkey", "email", "signin", "browsers"))
    assert set(paths["/account"]) == {"get", "patch"}
    assert set(paths["/account/export"]) == {"get"}
