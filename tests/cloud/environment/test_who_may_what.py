"""Each address of the platform says who may call it, and nobody else can."""

from typing import Any

from fastapi.routing import APIRoute

from konsento.environment import access
from konsento.environment.access import Role
from konsento.environment.platform.models import Token

from .conftest import Platform

ANYBODY = {("GET", "/healthz"), ("GET", "/openapi.json")}
WHO: dict[tuple[str, str], set[Role]] = {
    ("POST", "/v1/measurements"): {Role.SITE},
    ("GET", "/v1/wanted"): {Role.SITE},
    ("GET", "/v1/sums"): {Role.READER, Role.OPERATOR},
    ("POST", "/v1/forwardings"): {Role.OPERATOR},
    ("POST", "/v1/wanted"): {Role.OPERATOR},
    ("GET", "/v1/overview"): {Role.OPERATOR},
    ("GET", "/v1/egress"): {Role.OPERATOR},
}


def routes(opened: Platform) -> set[tuple[str, str]]:
    transport: Any = opened.http._transport
    found = set()
    stack = list(transport.app.routes)
    while stack:
        route = stack.pop()
        stack.extend(getattr(getattr(route, "original_router", None), "routes", []))
        if isinstance(route, APIRoute):
            found |= {(method, route.path) for method in route.methods}
    return found


async def test_every_address_is_listed_here(opened: Platform) -> None:
    assert routes(opened) == ANYBODY | WHO.keys()


async def test_each_address_answers_only_whom_it_is_for(opened: Platform) -> None:
    tokens = {role: await opened.token(role.value, role) for role in Role}
    for (method, path), roles in WHO.items():
        assert (await opened.http.request(method, path)).status_code == 401
        for headers in ({"Authorization": "Bearer ken_nonsense"}, {"Authorization": "Basic a2VuOg=="}):
            assert (await opened.http.request(method, path, headers=headers)).status_code == 401
        for role, headers in tokens.items():
            answer = await opened.http.request(method, path, headers=headers)
            assert (answer.status_code == 403) is (role not in roles), (path, role, answer.text)
            assert answer.status_code != 401


async def test_an_ended_token_lets_nobody_in_and_its_name_is_free(opened: Platform) -> None:
    old = await opened.token()
    async with opened.office.database.transaction() as session:
        await access.end(session, Token, "tama", opened.clock.now())
    new = await opened.token()
    assert (await opened.http.get("/v1/wanted", headers=old)).status_code == 401
    assert (await opened.http.get("/v1/wanted", headers=new)).status_code == 200


async def test_a_copy_of_the_database_holds_no_token(opened: Platform) -> None:
    token = (await opened.token())["Authorization"].removeprefix("Bearer ")
    async with opened.office.database.transaction() as session:
        (row,) = await access.listed(session, Token)
    assert token not in str(vars(row))
    assert token.encode() not in row.token_hash


async def test_errors_are_problems_in_the_readers_language(opened: Platform) -> None:
    answer = await opened.http.get("/v1/overview", headers={"Accept-Language": "ja"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-language"] == "ja"
    assert "トークン" in answer.json()["detail"]
    assert (await opened.http.get("/nowhere")).json()["code"] == "NothingHere"
    assert (await opened.http.delete("/v1/wanted")).json()["code"] == "MethodNotOffered"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_document_is_openapi_3_1_and_describes_the_items(opened: Platform) -> None:
    document = (await opened.http.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    items = document["components"]["schemas"]["Measurements"]["properties"]["measurements"]["items"]
    assert items == {"$ref": "#/components/schemas/Measurement"}
    assert {"Slice", "PowerType", "Use"} <= document["components"]["schemas"].keys()
    refused = document["paths"]["/v1/measurements"]["post"]["responses"]["401"]
    assert list(refused["content"]) == ["application/problem+json"]
