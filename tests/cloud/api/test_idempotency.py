"""A request with a key happens once, however often and whenever it is sent."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from konsento.api import idempotency
from konsento.charging import service as charging
from konsento.models import ApiToken, ChargingSession
from konsento.ocpp.messages import RequestStartTransaction, RequestStopTransaction
from konsento.settings import Settings

from ..databases import Template
from ..examples import up_to
from ..web.conftest import ORIGIN, wired
from .conftest import WISH, Api, start

if TYPE_CHECKING:
    import httpx

OTHER = WISH | {"limit": {"kind": "energy", "amount": 20}}


@asynccontextmanager
async def fresh(template: Template) -> AsyncIterator[Api]:
    """Give an application of its own, for one example."""
    with tempfile.TemporaryDirectory() as folder:
        async with template.copied(Path(folder)) as url:
            options = Settings(database_url=url, public_url=ORIGIN, welcome_credit_minor=3000)
            async with wired(options) as bench:
                yield Api(bench)


async def sessions(api: Api) -> int:
    async with api.bench.services.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(ChargingSession)) or 0


async def send(program: httpx.AsyncClient, key: str, body: dict[str, Any]) -> httpx.Response:
    return await program.post("/sessions", json=body, headers={"Idempotency-Key": key})


steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from("ab"), st.booleans()),
        st.tuples(st.just("stop"), st.just(""), st.just(False)),
        st.tuples(st.just("hours"), st.sampled_from(["1", "23"]), st.just(False)),
    ),
    max_size=12,
)


@settings(max_examples=up_to(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_the_same_request_gets_the_same_answer_for_a_day(
    template: Template, taken: list[tuple[str, str, bool]]
) -> None:
    async def run() -> None:
        async with fresh(template) as api, api.ann() as program:
            given_for: dict[str, tuple[dict[str, Any], int, str]] = {}
            begun: dict[str, float] = {}
            hours = 0.0
            for what, word, other in taken:
                if what == "hours":
                    hours += int(word)
                    api.bench.clock.advance(timedelta(hours=int(word)))
                elif what == "stop" and given_for:
                    if api.bench.site._start is not None:  # nothing to end before a start
                        await api.bench.site.charges("1", reason="Local")
                elif what == "send":
                    body = OTHER if other else WISH
                    if word in begun and hours - begun[word] >= 24:
                        del begun[word], given_for[word]
                    before = await sessions(api)
                    answer = await send(program, word, body)
                    if word not in given_for:
                        begun[word], given_for[word] = hours, (body, answer.status_code, answer.text)
                        continue
                    first, status, text = given_for[word]
                    if first != body:
                        assert (answer.status_code, answer.json()["code"]) == (422, "IdempotencyKeyReused")
                    else:
                        assert (answer.status_code, answer.text) == (status, text)
                        assert answer.headers["idempotency-replayed"] == "true"
                    assert await sessions(api) == before

    asyncio.run(run())


async def test_a_start_without_a_key_is_refused(api: Api) -> None:
    async with api.ann() as program:
        answer = await program.post("/sessions", json=WISH)

    assert (answer.status_code, answer.json()["code"]) == (422, "InvalidRequest")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["Idempotency-Key"]
    assert api.bench.site.asked == []


async def test_two_drivers_may_use_the_same_key(api: Api) -> None:
    async with api.ann() as ann, api.program(await api.token("bob@example.com")) as bob:
        first = await send(ann, "k", WISH)
        second = await send(bob, "k", WISH | {"outlet": "M4XR8T"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


async def test_a_key_belongs_to_the_driver_not_to_one_token(api: Api) -> None:
    async with api.ann() as ann, api.program(await api.token()) as renewed:
        first = await send(ann, "k", WISH)
        second = await send(renewed, "k", WISH)

    assert second.text == first.text


async def test_the_same_request_at_the_same_time_is_told_to_come_again(api: Api) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        asked.set()
        await go_on.wait()

    api.bench.site.before_answer = hold
    async with api.ann() as program:
        first = asyncio.create_task(send(program, "k", WISH))
        await asked.wait()
        second = await send(program, "k", WISH)
        go_on.set()
        answer = await first
        third = await send(program, "k", WISH)

    assert (second.status_code, second.json()["code"]) == (409, "RequestUnderWay")
    assert answer.status_code == 201
    assert third.text == answer.text
    assert len(api.bench.site.asked) == 1


async def test_a_start_whose_process_died_is_found_again_by_its_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    async with api.ann() as program:
        with monkeypatch.context() as patched:
            patched.setattr(idempotency, "_keep", dies)
            with pytest.raises(asyncio.CancelledError):
                await send(program, "k", WISH)
        at_once = await send(program, "k", WISH)
        api.bench.clock.advance(idempotency.CLAIM)
        later = await send(program, "k", WISH)

    assert at_once.status_code == 409
    assert (later.status_code, later.json()["state"]) == (201, "charging")
    assert await sessions(api) == 1
    assert len(api.bench.site.asked) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tokens", {"name": "x", "scopes": ["balance:read"]}),
        ("/webhooks", {"url": "https://fleet.example/hook"}),
    ],
)
async def test_what_was_made_before_its_process_died_is_not_made_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    async with api.ann() as program:
        before = len((await program.get(path)).json()["items"])
        with monkeypatch.context() as patched:
            patched.setattr(idempotency, "_keep", dies)
            with pytest.raises(asyncio.CancelledError):
                await program.post(path, json=body, headers={"Idempotency-Key": "k"})
        api.bench.clock.advance(idempotency.CLAIM)
        again = await program.post(path, json=body, headers={"Idempotency-Key": "k"})
        after = len((await program.get(path)).json()["items"])

    assert (again.status_code, again.json()["code"]) == (409, "AnswerNotKept")
    assert after == before + 1


async def test_a_failure_of_ours_can_be_tried_again_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    async with api.ann() as program:
        with monkeypatch.context() as patched:
            patched.setattr(charging, "start", broken)
            first = await send(program, "k", WISH)
        second = await send(program, "k", WISH)

    assert (first.status_code, second.status_code) == (500, 201)


async def test_a_refusal_is_an_answer_like_any_other(api: Api) -> None:
    dear = WISH | {"limit": {"kind": "energy", "amount": 90_000}}
    async with api.ann() as program:
        first = await send(program, "k", dear)
        second = await send(program, "k", dear)

    assert (first.status_code, first.json()["code"]) == (402, "BalanceTooLow")
    assert (second.text, second.headers["content-type"]) == (first.text, "application/problem+json")
    assert second.headers["idempotency-replayed"] == "true"


async def test_stopping_twice_asks_once(api: Api) -> None:
    async with api.ann() as program:
        session = await start(program)
        await api.bench.site.reports("1", seconds=1)
        answers = [
            await program.post(f"/sessions/{session['id']}/stop", headers={"Idempotency-Key": "stop-1"}) for _ in "ab"
        ]

    kinds = [type(request) for request in api.bench.site.asked]
    assert answers[0].text == answers[1].text
    assert (kinds.count(RequestStartTransaction), kinds.count(RequestStopTransaction)) == (1, 1)


async def test_a_secret_is_not_kept_for_a_second_answer(api: Api) -> None:
    wish = {"name": "x", "scopes": ["balance:read"]}
    async with api.ann() as program:
        first, second = [await program.post("/tokens", json=wish, headers={"Idempotency-Key": "t"}) for _ in "ab"]
    async with api.bench.services.database.transaction() as session:
        made = await session.scalar(select(func.count()).select_from(ApiToken))

    assert (first.status_code, second.status_code, second.json()["code"]) == (201, 409, "AnswerNotKept")
    assert made == 2  # with the one of the program itself
