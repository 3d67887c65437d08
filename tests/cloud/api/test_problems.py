"""Errors as problem+json."""

from typing import TYPE_CHECKING

import pytest

from konsento.charging import service as charging

from .conftest import CODE, NOBODYS, WISH

if TYPE_CHECKING:
    from .conftest import Api


async def test_a_problem_says_in_the_language_asked_for_what_happened(api: Api) -> None:
    async with api.ann() as program:
        english = await program.get("/outlets/ZZZZZZ")
        japanese = await program.get("/outlets/ZZZZZZ", headers={"Accept-Language": "ja,en;q=0.5"})

    assert english.headers["content-type"] == "application/problem+json"
    assert english.json() == {
        "type": "http://konsento.test/api/v1/problems/UnknownOutlet",
        "title": "We cannot find this outlet.",
        "status": 404,
        "detail": "There is no outlet with this code. Check the code on the label beside the outlet.",
        "code": "UnknownOutlet",
        "instance": "/api/v1/outlets/ZZZZZZ",
    }
    assert japanese.json()["code"] == "UnknownOutlet"
    assert japanese.json()["detail"] != english.json()["detail"]
    assert japanese.headers["content-language"] == "ja"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"outlet": CODE}, "/limit"),
        (WISH | {"limt": 1}, "/limt"),
        (WISH | {"limit": {"kind": "energy", "amount": 1.5}}, "/limit/amount"),
        (WISH | {"limit": {"kind": "energy", "amount": "10"}}, "/limit/amount"),
        (WISH | {"limit": {"kind": "energy", "amount": True}}, "/limit/amount"),
        (WISH | {"limit": {"kind": "energy", "amount": -1}}, "/limit/amount"),
        (WISH | {"limit": {"kind": "light", "amount": 1}}, "/limit/kind"),
        (WISH | {"limit": {"kind": "energy", "amount": 10**400}}, "/limit/amount"),
        ([], ""),
    ],
)
async def test_what_is_wrong_with_a_request_is_pointed_at(api: Api, body: object, pointer: str) -> None:
    async with api.ann() as program:
        answer = await program.post("/sessions", json=body, headers={"Idempotency-Key": "1"})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "InvalidRequest")
    assert [one["pointer"] for one in problem["errors"]] == [pointer]
    assert api.bench.site.asked == []


async def test_what_is_no_json_is_not_repeated(api: Api) -> None:
    async with api.ann() as program:
        answer = await program.post("/quotes", content="{'secret': ", headers={"Content-Type": "application/json"})

    assert answer.json()["errors"] == [{"pointer": "", "detail": "Not JSON"}]
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "cursor=x",
        "cursor=WyJ4Il0=",
        "state=x",
        "near=1,2",
        "since=now",
        "since=0.5",
        "until=1767225600",
        "since=2026-11-22T01:58:00",
        "cursor=W1td",
    ],
)
async def test_a_question_of_the_wrong_form_is_refused(api: Api, query: str) -> None:
    async with api.ann() as program:
        answer = await program.get(f"/sessions?{query}")

    assert answer.status_code == 422


async def test_what_does_not_exist_is_a_problem_too(api: Api) -> None:
    async with api.ann() as program:
        nothing = await program.get("/nothing")
        method = await program.patch("/balance")
        outlet = await program.post("/outlets")

    assert (nothing.status_code, nothing.json()["code"]) == (404, "NoSuchResource")
    assert (method.status_code, method.json()["code"], method.headers["allow"]) == (405, "MethodNotOffered", "GET")
    assert outlet.status_code == 405


@pytest.mark.parametrize("address", ["/outlets/%0A", "/outlets/a%0Ab", "/sessions/%0A/curve", "/%0A", "/", "//"])
async def test_every_address_below_the_prefix_is_the_apis(api: Api, address: str) -> None:
    async with api.ann() as program:
        answer = await program.get(address)

    assert answer.is_redirect or answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("address", "methods"),
    [("/sessions", "GET, POST"), ("/tokens", "GET, POST"), (f"/webhooks/{NOBODYS}", "DELETE, GET"), ("/docs", "GET")],
)
async def test_an_address_names_all_methods_that_it_takes(api: Api, address: str, methods: str) -> None:
    async with api.ann() as program:
        answer = await program.patch(address)

    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


@pytest.mark.parametrize("told", [True, False])
async def test_a_body_that_is_too_large_is_not_read(api: Api, *, told: bool) -> None:
    body = b" " * 70_000

    async def parts() -> object:
        yield body  # type: ignore[misc]  # an async generator without a declared length

    async with api.ann() as program:
        content = body if told else parts()
        answer = await program.post("/quotes", content=content, headers={"Content-Type": "application/json"})  # type: ignore[arg-type]  # httpx takes async iterables

    assert (answer.status_code, answer.json()["code"]) == (413, "BodyTooLarge")


async def test_a_mistake_of_ours_tells_nothing_of_itself(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr(charging, "listed", broken)
    async with api.ann() as program:
        answer = await program.get("/sessions")

    assert (answer.status_code, answer.json()["code"]) == (500, "OurFault")
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"]
