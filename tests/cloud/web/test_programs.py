"""A driver's tokens and webhooks, as pages."""

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from .conftest import Bench

WISH = {"name": "Fleet planner", "scopes": ["balance:read"], "days": "30"}
HOOK = {"url": "https://fleet.example/hook"}


def token_in(answer: httpx.Response) -> str:
    found = re.search(r"kon_[0-9A-Za-z]+", answer.text)
    assert found is not None
    return found[0]


async def balance(bench: Bench, token: str) -> int:
    async with bench.browser(Authorization=f"Bearer {token}") as program:
        return (await program.get("/api/v1/balance")).status_code


async def test_a_token_is_shown_once_works_and_is_ended(bench: Bench) -> None:
    async with bench.driver() as browser:
        token = token_in(await browser.post("/account/tokens", data=WISH))
        listed = await browser.get("/account/tokens")
        before = await balance(bench, token)
        (end,) = set(re.findall(r"/account/tokens/[0-9a-f-]+/end", listed.text))
        sure = await browser.get(end)
        ended = await browser.post(end)
        after = await balance(bench, token)

    assert token not in listed.text
    assert "Fleet planner" in bench.words(listed)
    assert "Fleet planner" in bench.words(sure)
    assert ended.headers["location"] == "/account/tokens"
    assert (before, after) == (200, 401)


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({**WISH, "name": " "}, "name"),
        ({**WISH, "scopes": []}, "at least one"),
        ({**WISH, "scopes": ["office:write"]}, "at least one"),
        ({**WISH, "days": "9999999"}, "365 days"),
        ({**WISH, "days": "0"}, "365 days"),
        ({**WISH, "days": "x"}, "365 days"),
    ],
)
async def test_what_is_wrong_with_a_token_is_said_and_what_was_typed_stays(
    bench: Bench, wish: dict[str, object], word: str
) -> None:
    async with bench.driver() as browser:
        answer = await browser.post("/account/tokens", data=wish)
        listed = await browser.get("/account/tokens")

    assert 400 <= answer.status_code < 500
    assert word in bench.words(answer)
    assert str(wish["name"]).strip() in answer.text
    assert "/end" not in listed.text


async def test_a_webhook_is_added_tested_given_a_new_secret_and_removed(bench: Bench) -> None:
    async with bench.driver() as browser:
        added = await browser.post("/account/webhooks", data=HOOK)
        listed = await browser.get("/account/webhooks")
        (hook,) = set(re.findall(r"/account/webhooks/[0-9a-f-]{36}", listed.text))
        page = await browser.get(hook)
        renewed = await browser.post(f"{hook}/secret")
        tested = await browser.post(f"{hook}/test")
        log = await browser.get(hook)
        (again,) = re.findall(r"/account/webhooks/[0-9a-f-]+/deliveries/[0-9a-f-]+/send", log.text)
        sent_again = await browser.post(again)
        removed = await browser.post(f"{hook}/remove")
        gone = await browser.get(hook)

    secrets = [re.findall(r"whsec_[\w+/=]+", answer.text.replace("&#43;", "+")) for answer in (added, page, renewed)]
    assert [len(found) for found in secrets] == [1, 0, 1]
    assert secrets[0] != secrets[2]
    assert "webhook.test" in bench.words(log)
    assert [answer.status_code for answer in (tested, sent_again, removed, gone)] == [303, 303, 303, 404]


async def test_an_address_that_is_not_public_is_refused_in_words(bench: Bench) -> None:
    async with bench.driver(language="ja") as browser:
        answer = await browser.post("/account/webhooks", data={"url": "https://10.0.0.1/hook"})

    assert answer.status_code == 422
    assert "公開された" in bench.words(answer)


async def test_other_drivers_tokens_and_webhooks_do_not_exist(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as ann, bench.driver("bob@example.com") as bob:
        token = token_in(await ann.post("/account/tokens", data=WISH))
        await ann.post("/account/webhooks", data=HOOK)
        pages = (await ann.get("/account/tokens")).text + (await ann.get("/account/webhooks")).text
        (end,) = set(re.findall(r"/account/tokens/[0-9a-f-]+/end", pages))
        (hook,) = set(re.findall(r"/account/webhooks/[0-9a-f-]{36}", pages))
        answers = [
            await bob.get(end),
            await bob.post(end),
            await bob.get(hook),
            await bob.post(f"{hook}/secret"),
            await bob.post(f"{hook}/test"),
            await bob.post(f"{hook}/remove"),
        ]
        still = (await balance(bench, token), (await ann.get(hook)).status_code)

    assert {answer.status_code for answer in answers} == {404}
    assert still == (200, 200)
