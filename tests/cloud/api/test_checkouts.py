"""A program pays as the pages do: it is told what the driver has to do, and nothing happens twice."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from konsento.settings import BillEvery, Settings

from ..backoffice.bills import BANK, confirmed
from ..payments.scripted import ScriptedProvider
from ..web.conftest import CODE, wired
from .conftest import WISH, Api

if TYPE_CHECKING:
    import httpx

CARD = WISH | {"pay_with": "scripted:card", "limit": {"kind": "energy", "amount": 1000}}


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider(minimum_minor=1)


@pytest.fixture
async def api(settings: Settings, provider: ScriptedProvider) -> AsyncIterator[Api]:
    on = settings.model_copy(update={"balance": True, "welcome_credit_minor": 0, "pay_later_minor": 100})
    async with wired(on, [provider]) as bench:
        provider.now = bench.clock.now
        yield Api(bench)


async def post(program: httpx.AsyncClient, path: str, body: dict[str, Any], key: str = "1") -> dict[str, Any]:
    answer = await program.post(path, json=body, headers={"Idempotency-Key": key})
    assert answer.is_success, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_checkout_tells_what_to_do_and_begins_its_session_once(api: Api, provider: ScriptedProvider) -> None:
    async with api.ann() as program:
        methods = (await program.get("/payment-methods")).json()
        made = await post(program, "/checkouts", CARD)
        same = await post(program, "/checkouts", CARD)
        asked = (await program.get(f"/checkouts/{made['id']}")).json()
        provider.confirm(provider.references[0])
        done = (await program.get(f"/checkouts/{made['id']}")).json()
        session = (await program.get(f"/sessions/{done['session']}")).json()

    assert [(way["provider"], way["external"], way["prepaid"]) for way in methods["items"]] == [
        ("scripted:card", True, False),
        ("scripted:paypay", True, True),
        ("later", False, False),
    ]
    assert (made, made["payment"]["action"]) == (same, None)
    assert asked["payment"]["action"]["client_secret"]
    assert (done["state"], done["payment"]["state"], session["state"]) == ("started", "held", "charging")
    assert len(provider.references) == 1


async def test_a_checkout_that_is_given_up_says_why_and_where_the_money_is(api: Api) -> None:
    async with api.ann() as program:
        made = await post(program, "/checkouts", CARD)
        given_up = (await program.post(f"/checkouts/{made['id']}/give-up")).json()
        await api.bench.services.work.drain()
        after = (await program.get(f"/checkouts/{made['id']}")).json()

    assert given_up["failure"]["code"] == "GivenUp"
    assert (given_up["payment"]["state"], after["payment"]["state"]) == ("releasing", "released")


async def test_a_way_that_holds_outside_needs_a_checkout_and_the_others_none(api: Api) -> None:
    async with api.ann() as program:
        start = await program.post("/sessions", json=CARD, headers={"Idempotency-Key": "1"})
        checkout = await program.post(
            "/checkouts", json=CARD | {"pay_with": "balance"}, headers={"Idempotency-Key": "2"}
        )

    assert (start.status_code, start.json()["code"]) == (422, "CheckoutNeeded")
    assert (checkout.status_code, checkout.json()["code"]) == (422, "UnknownMethod")


async def test_a_top_up_and_what_is_owed(api: Api, provider: ScriptedProvider) -> None:
    async with api.ann() as program:
        top_up = await post(program, "/top-ups", {"amount_minor": 500, "pay_with": "scripted:card"})
        provider.confirm(provider.references[0])
        paid = (await program.get(f"/payments/{top_up['id']}")).json()
        later = WISH | {"pay_with": "later", "limit": {"kind": "energy", "amount": 1000}, "outlet": CODE}
        session = await post(program, "/sessions", later, key="2")
        await api.bench.site.charges("1000", seconds=1200)
        owed = (await program.get("/owed")).json()["items"]
        settled = (await program.post(f"/sessions/{session['id']}/pay", json={"pay_with": "balance"})).json()
        after = (await program.get("/owed")).json()["items"]
        balance = (await program.get("/balance")).json()

    assert (paid["state"], paid["taken"]["amount_minor"]) == ("captured", 500)
    assert [(one["session"], one["amount"]["amount_minor"]) for one in owed] == [(session["id"], 38)]
    assert (settled["payment"]["state"], after) == ("captured", [])
    assert (balance["available"]["amount_minor"], len(balance["lots"])) == (462, 1)


async def test_what_is_owed_is_billed_and_the_bill_says_how_to_pay_it(api: Api) -> None:
    api.bench.services.settings.bill_bank = BANK
    async with api.ann() as program, api.program(await api.token("bob@example.com")) as other:
        later = WISH | {"pay_with": "later", "limit": {"kind": "energy", "amount": 1000}, "outlet": CODE}
        session = await post(program, "/sessions", later, key="1")
        await api.bench.site.charges("1000", seconds=1200)
        api.bench.services.settings.bill = BillEvery.SESSION
        await confirmed(api.bench)
        settled = (await program.post(f"/sessions/{session['id']}/pay", json={"pay_with": "bill"})).json()
        (bill,) = (await program.get("/bills")).json()["items"]
        others = (await other.get("/bills")).json()["items"]

    assert (settled["payment"], others) == (None, [])
    assert (bill["number"], bill["state"], bill["reference"]) == ("B-2026-000001", "open", "RF74000000001")
    assert (bill["left"]["amount_minor"], bill["sessions"]) == (38, [session["id"]])
    assert bill["bank"] == BANK


async def test_nobody_elses_payments_are_there(api: Api) -> None:
    async with api.ann() as ann:
        made = await post(ann, "/checkouts", CARD)
    async with api.program(await api.token("bob@example.com")) as bob:
        answers = [
            await bob.get(f"/checkouts/{made['id']}"),
            await bob.post(f"/checkouts/{made['id']}/give-up"),
            await bob.get(f"/payments/{made['id']}"),
            await bob.post(f"/payments/{made['id']}/give-up"),
        ]

    assert [answer.status_code for answer in answers] == [404] * 4
