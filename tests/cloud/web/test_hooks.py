"""Where a payment provider tells what happens: open to everybody, taken from the provider alone."""

import json
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import stripe
from pydantic import SecretStr
from sqlalchemy import func, select

from konsento.kit.work import Work
from konsento.models import PaymentHint
from konsento.payments.stripe import StripeProvider
from konsento.settings import Settings

if TYPE_CHECKING:
    from .conftest import Bench

SECRET = "whsec_of_the_operator"
EVENT = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}
BODY = json.dumps(EVENT).encode()


def signed(body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    when = int(at or time.time())
    return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body.decode(), secret, when)}


@pytest.fixture
async def listening(bench: Bench, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    settings = Settings(
        stripe_secret_key=SecretStr("sk_test_123456"),
        stripe_publishable_key="pk_test_123456",
        stripe_webhook_secret=SecretStr(getattr(request, "param", SECRET)),
    )
    provider = StripeProvider(settings)
    bench.services.desk.external[provider.name] = provider
    yield bench
    await provider.close()


async def kept(bench: Bench) -> tuple[int, int]:
    """Return how many hints are kept, and how many are followed."""
    async with bench.services.database.transaction() as tx:
        hints = await tx.scalar(select(func.count()).select_from(PaymentHint)) or 0
        work = await tx.scalar(select(func.count()).select_from(Work).where(Work.kind == "payment-hint")) or 0
        return hints, work


async def test_a_signed_hint_is_taken_and_followed_once_however_often_it_comes(listening: Bench) -> None:
    async with listening.browser() as program:
        answers = [await program.post("/hooks/stripe", content=BODY, headers=signed(BODY)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert await kept(listening) == (1, 1)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Stripe-Signature": "t=1,v1=0"}, signed(BODY, secret="whsec_x"), signed(BODY, at=time.time() - 400)],
)
async def test_a_wrong_or_old_signature_is_refused(listening: Bench, headers: dict[str, str]) -> None:
    async with listening.browser() as stranger:
        answer = await stranger.post("/hooks/stripe", content=BODY, headers=headers)

    assert (answer.status_code, await kept(listening)) == (400, (0, 0))


async def test_a_hint_that_was_changed_on_its_way_is_refused(listening: Bench) -> None:
    async with listening.browser() as stranger:
        answer = await stranger.post("/hooks/stripe", content=BODY.replace(b"pi_1", b"pi_2"), headers=signed(BODY))

    assert answer.status_code == 400


async def test_what_is_about_nothing_of_ours_is_kept_and_not_followed(listening: Bench) -> None:
    body = json.dumps(EVENT | {"type": "customer.created"}).encode()
    async with listening.browser() as program:
        answer = await program.post("/hooks/stripe", content=body, headers=signed(body))

    assert (answer.status_code, await kept(listening)) == (200, (1, 0))


@pytest.mark.parametrize("listening", [""], indirect=True)
async def test_without_the_secret_nobody_listens(listening: Bench) -> None:
    async with listening.browser() as program:
        answer = await program.post("/hooks/stripe", content=BODY, headers=signed(BODY))
    assert answer.status_code == 404


async def test_without_the_provider_nobody_listens(bench: Bench) -> None:
    async with bench.browser() as program:
        answers = [await program.post(f"/hooks/{name}", content=BODY) for name in ("stripe", "another")]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_hint_is_bounded_in_size(listening: Bench) -> None:
    body = b"{" + b" " * 70_000 + b"}"
    async with listening.browser() as stranger:
        answer = await stranger.post("/hooks/stripe", content=body, headers=signed(body))
    assert (answer.status_code, await kept(listening)) == (413, (0, 0))


async def test_nothing_is_read_there(bench: Bench) -> None:
    async with bench.browser() as stranger:
        assert (await stranger.get("/hooks/stripe")).status_code == 405
