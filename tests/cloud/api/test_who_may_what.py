"""Every operation, as somebody who may not: nothing happens, and the answer tells nothing."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from konsento.accounts import tokens
from konsento.accounts.tokens import Scope
from konsento.api.install import openapi
from konsento.models import ApiToken, ChargingSession, Role, WebhookEndpoint
from konsento.settings import Settings
from konsento.staff import repository as staff_repository
from konsento.staff import service as staff_service

from ..web.conftest import PASSWORD
from .conftest import NOBODYS, WISH, start

if TYPE_CHECKING:
    import httpx

    from .conftest import Api

BODIES: dict[str, Any] = {
    "startSession": WISH,
    "createQuote": WISH,
    "createPresenceCheck": {"outlet": WISH["outlet"]},
    "answerPresenceCheck": {"is_here": True},
    "changeLimit": WISH["limit"],
    "createLimitQuote": WISH["limit"],
    "wantMail": {"wanted": True},
    "planCharge": WISH | {"window_begins_at": "2026-11-22T23:00:00Z"},
    "createToken": {"name": "x", "scopes": ["tokens:read"]},
    "changeAccount": {"name": "x"},
    "createWebhook": {"url": "https://fleet.example/hook"},
    "createCheckout": WISH | {"pay_with": "stripe:card"},
    "createTopUp": {"amount_minor": 100, "pay_with": "stripe:card"},
    "paySession": {"pay_with": "balance"},
    "callStation": {"type": "OnIdle"},
}


def operations(scheme: str) -> list[tuple[str, str, str, str]]:
    """Return method, path, name and scope of every operation with that kind of token."""
    return [
        (method.upper(), path, operation["operationId"], operation["security"][0][scheme][0])
        for path, methods in openapi(Settings())["paths"].items()
        for method, operation in methods.items()
        if scheme in operation.get("security", [{}])[0]
    ]


OPERATIONS = operations("token")
OF_THE_STAFF = operations("staff")


def address(path: str) -> str:
    for name in (
        "session_id",
        "site_id",
        "token_id",
        "webhook_id",
        "delivery_id",
        "check_id",
        "payment_id",
        "card",
        "plan_id",
    ):
        path = path.replace(f"{{{name}}}", NOBODYS)
    if path.endswith("/outlook"):
        path += "?outlet=K7F29Q"
    return path.replace("{code}", "K7F29Q").replace("{station_id}", "sakura-mall").replace("{action}", "Reset")


async def rows(api: Api) -> list[int]:
    async with api.bench.services.database.transaction() as session:
        counts = [await session.scalar(select(func.count()).select_from(t)) for t in (ChargingSession, WebhookEndpoint)]
    return [count or 0 for count in counts]


async def asked(program: httpx.AsyncClient, method: str, path: str, name: str) -> httpx.Response:
    return await program.request(method, address(path), json=BODIES.get(name), headers={"Idempotency-Key": name})


async def test_nobody_may_nothing(api: Api) -> None:
    async with api.program() as program:
        for method, path, name, _ in OPERATIONS + OF_THE_STAFF:
            answer = await asked(program, method, path, name)
            assert (answer.status_code, answer.json()["code"]) == (401, "TokenNeeded"), name
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"

    assert await rows(api) == [0, 0]
    assert api.bench.site.asked_raw == []


async def test_drivers_and_staff_are_nobody_to_each_other(api: Api) -> None:
    driver, staff = await api.token(), await api.staff_token()
    for token, theirs in ((driver, OF_THE_STAFF), (staff, OPERATIONS)):
        async with api.program(token) as program:
            for method, path, name, _ in theirs:
                answer = await asked(program, method, path, name)
                assert (answer.status_code, answer.json()["code"]) == (401, "TokenNotValid"), name

    assert await rows(api) == [0, 0]
    assert api.bench.site.asked_raw == []


async def test_a_token_of_the_staff_may_what_its_member_may_now(api: Api) -> None:
    for role in Role:
        async with api.program(await api.staff_token(role)) as program:
            for method, path, name, scope in OF_THE_STAFF:
                answer = await asked(program, method, path, name)
                if role in {Role.OPERATOR, Role.ADMIN}:
                    assert answer.status_code == 200, name
                else:
                    assert (answer.status_code, answer.json()["code"]) == (403, "ScopeMissing"), name
                    assert scope in answer.json()["detail"]

    assert len(api.bench.site.asked_raw) == 2


async def test_a_token_of_the_staff_ends_with_its_days_and_with_its_member(api: Api) -> None:
    services = api.bench.services
    tokens_of = [await api.staff_token() for _ in range(3)]
    async with services.database.transaction() as session:
        members = [row.member_id for row, _ in await staff_repository.tokens(session)]
        await staff_service.add(
            session, email="last@staff.example.com", name="", role=Role.ADMIN, now=services.clock.now()
        )
        await staff_service.disable(session, members[2], services.clock.now())
        await staff_service.reset(session, members[1], services.clock.now())
    answers = []
    for token in tokens_of:
        async with api.program(token) as program:
            answers.append((await program.post("/stations/sakura-mall/ocpp/ClearCache", json={})).status_code)
    api.bench.clock.advance(timedelta(days=90))
    async with api.program(tokens_of[2]) as program:
        answers.append((await program.post("/stations/sakura-mall/ocpp/ClearCache", json={})).status_code)

    assert answers == [401, 401, 200, 401]


async def test_a_token_may_only_what_its_scopes_say(api: Api) -> None:
    tokens = {scope: await api.token(scopes=set(Scope) - {scope}) for scope in Scope}
    for method, path, name, scope in OPERATIONS:
        async with api.program(tokens[Scope(scope)]) as program:
            answer = await asked(program, method, path, name)
        assert (answer.status_code, answer.json()["code"]) == (403, "ScopeMissing"), name
        assert scope in answer.json()["detail"]

    assert await rows(api) == [0, 0]


async def test_the_scope_alone_is_enough(api: Api) -> None:
    known = {
        "UnknownSession",
        "UnknownPresenceCheck",
        "UnknownSite",
        "UnknownPlan",
        "UnknownToken",
        "UnknownWebhook",
        "NoReceipt",
        "NoInvoice",
        "NoOutlook",
        "WindowGone",
        "TooMuchScope",
        "UnknownCheckout",
        "UnknownMethod",
        "UnknownPayment",
    }
    tokens = {scope: await api.token(scopes={scope}) for scope in Scope}
    for method, path, name, scope in OPERATIONS:
        async with api.program(tokens[Scope(scope)]) as program:
            answer = await asked(program, method, path, name)
        assert answer.is_success or answer.json()["code"] in known, name


async def test_a_browsers_cookie_is_nobody_here(api: Api) -> None:
    async with api.bench.driver() as browser:
        read = await browser.get("/api/v1/account")
        write = await browser.post("/api/v1/sessions", json=WISH, headers={"Idempotency-Key": "1"})

    assert (read.status_code, write.status_code) == (401, 401)
    assert api.bench.site.asked == []


async def test_pages_of_other_sites_are_given_no_leave(api: Api) -> None:
    async with api.program(await api.token()) as program:
        asked = await program.options("/account", headers={"Origin": "https://evil.test"})
        read = await program.get("/account", headers={"Origin": "https://evil.test"})

    for answer in (asked, read):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer kon_" + "0" * 38, "bearer \x7f", "Bearer " + "k" * 9000]
)
async def test_nonsense_is_no_token(api: Api, sent: str) -> None:
    async with api.program(Authorization=sent) as program:
        answer = await program.get("/account")

    assert answer.status_code == 401


async def test_an_expired_or_ended_token_lets_nobody_in(api: Api) -> None:
    token = await api.token()
    async with api.program(token) as program:
        before = await program.get("/account")
        (shown,) = (await program.get("/tokens")).json()["items"]
        await program.delete(f"/tokens/{shown['id']}")
        after = await program.get("/account")

    assert (before.status_code, after.status_code) == (200, 401)
    assert after.json()["code"] == "TokenNotValid"


async def test_a_deleted_account_lets_no_program_in_and_tells_nobody_anything_more(api: Api) -> None:
    async with api.bench.driver() as browser, api.ann() as program:
        await program.post("/webhooks", json={"url": "https://fleet.example/hook"})
        kept = (await browser.get("/account/export")).json()
        await browser.post("/account/delete", data={"present": PASSWORD})
        after = await program.get("/outlets")
    async with api.bench.services.database.transaction() as session:
        left = [await session.scalar(select(func.count()).select_from(table)) for table in (ApiToken, WebhookEndpoint)]

    assert ([one["name"] for one in kept["tokens"]], kept["webhooks"][0]["url"]) == (
        ["test"],
        "https://fleet.example/hook",
    )
    assert (after.status_code, left) == (401, [0, 0])


async def test_a_token_is_kept_as_its_hash_alone(api: Api) -> None:
    token = await api.token()
    async with api.bench.services.database.transaction() as session:
        row = (await session.scalars(select(ApiToken))).one()

    assert token not in str(vars(row))
    assert len(row.token_hash) == 32


async def test_a_token_makes_no_token_that_may_more_than_itself(api: Api) -> None:
    token = await api.token(scopes={Scope.TOKENS_WRITE, Scope.BALANCE_READ})
    async with api.program(token) as program:
        more = await program.post("/tokens", json={"name": "x", "scopes": ["balance:read", "sessions:write"]})
        same = await program.post("/tokens", json={"name": "x", "scopes": ["balance:read"], "days": 1})
        async with api.program(same.json()["token"]) as other:
            works = await other.get("/balance")
            no_more = await other.get("/account")

    assert (more.status_code, more.json()["code"]) == (403, "TooMuchScope")
    assert "sessions:write" in more.json()["detail"]
    assert (works.status_code, no_more.status_code) == (200, 403)


def test_a_token_can_be_told_from_other_text() -> None:
    token = tokens.new_token()
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")

    assert tokens.is_token(token)
    assert not tokens.is_token(wrong)
    assert not tokens.is_token(token + "0")


async def test_other_drivers_tokens_and_webhooks_do_not_exist(api: Api) -> None:
    async with api.ann() as ann, api.program(await api.token("bob@example.com")) as bob:
        (token,) = (await ann.get("/tokens")).json()["items"]
        hook = (await ann.post("/webhooks", json={"url": "https://fleet.example/hook"})).json()
        answers = [
            await bob.delete(f"/tokens/{token['id']}"),
            await bob.get(f"/webhooks/{hook['id']}"),
            await bob.get(f"/webhooks/{hook['id']}/deliveries"),
            await bob.post(f"/webhooks/{hook['id']}/test"),
            await bob.post(f"/webhooks/{hook['id']}/secret"),
            await bob.post(f"/webhooks/{hook['id']}/enable"),
            await bob.delete(f"/webhooks/{hook['id']}"),
        ]
        still = await ann.get(f"/webhooks/{hook['id']}")

    assert {answer.status_code for answer in answers} == {404}
    assert still.status_code == 200


async def test_a_token_that_is_used_too_often_waits(api: Api) -> None:
    async with api.ann() as program:
        most = api.bench.services.settings.api_requests_per_minute
        answers = [await program.get("/account") for _ in range(most + 1)]
        api.bench.clock.advance(timedelta(seconds=60))
        later = await program.get("/account")

    assert [answer.status_code for answer in answers] == [200] * most + [429]
    assert answers[0].headers["ratelimit"] == f'"token";r={most - 1};t=60'
    assert answers[-1].headers["retry-after"] == "60"
    assert answers[-1].json()["code"] == "TooManyRequests"
    assert later.status_code == 200


async def test_personal_answers_stay_out_of_caches(api: Api) -> None:
    async with api.ann() as program:
        session = await start(program)
        answers = [await program.get(path) for path in ("/account", "/balance", f"/sessions/{session['id']}")]

    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
