"""A program charges for a driver: from the outlet to the receipt."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from konsento.accounts import tokens
from konsento.models import Outlet, OutletOffer, OutletStatus, Site
from konsento.pricing import Band

from ..conftest import rate, reprice
from .conftest import CODE, NOBODYS, WISH, start

if TYPE_CHECKING:
    from .conftest import Api


async def test_an_outlet_says_its_state_its_price_and_its_page(api: Api) -> None:
    async with api.ann() as program:
        shown = (await program.get(f"/outlets/{CODE.lower()}")).json()

    assert (shown["code"], shown["status"], shown["can_start"], shown["obstacle"]) == (CODE, "available", True, None)
    price = shown["price"]
    assert (price["per_kwh"], price["currency"], price["tax_rate"], price["time_zone"]) == (
        "38.5",
        "JPY",
        "0.1",
        "Asia/Tokyo",
    )
    assert price["rates"] == [{"component": "energy", "amount": "38.5", "band": None, "free_s": 0}]
    assert shown["page"] == f"http://konsento.test/o/{CODE}"


async def test_an_outlet_says_what_speaks_against_a_start(api: Api) -> None:
    await api.bench.outlet_is(OutletStatus.FAULTED)
    async with api.ann(**{"Accept-Language": "ja"}) as program:
        shown = (await program.get(f"/outlets/{CODE}")).json()

    assert shown["can_start"] is False
    assert shown["obstacle"]["code"] == "OutletFaulty"
    assert "故障" in shown["obstacle"]["detail"] or "ください" in shown["obstacle"]["detail"]


@pytest.mark.parametrize(
    ("outlet", "hours", "code", "detail"),
    [
        ({}, "Mo-Fr 08:00-20:00", "SiteClosed", "It opens 23 Nov, 08:00."),
        ({"closed_note": "being painted"}, "", "OutletOutOfOrderFor", "The operator says: being painted"),
        ({}, "", "NotOnSaleYet", "Nothing is sold"),
    ],
)
async def test_an_outlet_says_what_its_operator_has_set(
    api: Api, outlet: dict[str, Any], hours: str, code: str, detail: str
) -> None:
    async with api.bench.services.database.transaction() as session:
        await session.execute(update(Site).values(opening_hours=hours))
        if code == "NotOnSaleYet":
            await session.execute(delete(OutletOffer))
        if outlet:
            await session.execute(update(Outlet).values(**outlet))
    async with api.ann() as program:
        shown = (await program.get(f"/outlets/{CODE}")).json()
        refused = await program.post("/sessions", json=WISH, headers={"Idempotency-Key": "start-1"})
        document = (await program.get("/openapi.json")).text

    assert shown["site"]["opening"]["open"] is (not hours)
    assert shown["site"]["opening"]["changes_at"] == ("2026-11-22T23:00:00Z" if hours else None)
    assert shown["obstacle"]["code"] == refused.json()["code"] == code
    assert detail in shown["obstacle"]["detail"]
    assert f"`{code}`" in document
    assert api.bench.site.asked == []


async def test_outlets_are_found_by_a_part_of_their_names(api: Api) -> None:
    async with api.ann() as program:
        found = {
            words: [one["code"] for one in (await program.get("/outlets", params={"q": words})).json()["items"]]
            for words in ("outlet 2", "SETAGAYA", "%", "nowhere")
        }

    assert [len(codes) for codes in found.values()] == [1, 2, 0, 0]


async def test_a_quote_holds_nothing_and_says_what_would_be_held(api: Api) -> None:
    async with api.ann() as program:
        quote = (await program.post("/quotes", json=WISH | {"limit": {"kind": "energy", "amount": 6000}})).json()
        balance = (await program.get("/balance")).json()

    (offer,) = quote["offers"]
    assert offer["estimated"] == {"amount_minor": 231, "currency": "JPY", "amount": "231"}
    assert offer["hold"]["amount_minor"] >= 231
    assert balance["available"]["amount_minor"] == 3000
    assert api.bench.site.asked == []


async def test_a_session_is_started_watched_and_billed(api: Api) -> None:
    async with api.ann() as program:
        session = await start(program)
        await api.bench.site.reports("0")
        await api.bench.site.reports("5", seconds=6)
        running = (await program.get(f"/sessions/{session['id']}")).json()
        await api.bench.site.reports("10", seconds=12, ended="EnergyLimitReached", watts=0)
        await api.bench.services.work.drain()
        over = (await program.get(f"/sessions/{session['id']}")).json()
        curve = (await program.get(f"/sessions/{session['id']}/curve")).json()
        receipt = (await program.get(f"/receipts/{session['id']}")).json()
        receipts = (await program.get("/receipts")).json()

    assert (session["state"], running["delivered_mwh"], running["reached"]) == ("charging", 5000, "0.5000")
    assert (over["state"], over["billed"]["wh"], over["end_reason"]) == ("settled", 10, "EnergyLimitReached")
    assert [point["seconds"] for point in curve["points"]] == [0, 6, 12]
    assert receipts["items"] == [receipt]
    assert receipt["billed_wh"] == 10
    assert receipt["amount"]["amount_minor"] + receipt["released"]["amount_minor"] == receipt["hold"]["amount_minor"]


async def test_a_refused_start_is_a_failed_session_with_its_reason_and_nothing_held(api: Api) -> None:
    api.bench.site.refuses = "OutletFaulted"
    async with api.ann() as program:
        session = await start(program)
        balance = (await program.get("/balance")).json()

    assert (session["state"], session["failure"]["code"]) == ("failed", "OutletFaulty")
    assert balance["available"]["amount_minor"] == 3000


async def test_a_session_can_be_stopped_and_its_limit_changed(api: Api) -> None:
    async with api.ann() as program:
        session = await start(program)
        await api.bench.site.reports("1", seconds=1)
        quote = await program.post(f"/sessions/{session['id']}/quotes", json={"kind": "energy", "amount": 2000})
        changed = await program.put(f"/sessions/{session['id']}/limit", json={"kind": "energy", "amount": 2000})
        stopped = await program.post(f"/sessions/{session['id']}/stop")
        late = await program.put(f"/sessions/{session['id']}/limit", json={"kind": "energy", "amount": 3000})

    assert quote.json()["hold"] == changed.json()["hold"]
    assert changed.json()["changing_to"] == {"kind": "energy", "amount": 2000}
    assert stopped.json()["stopping"] is True
    assert (late.status_code, late.json()["code"]) == (409, "NotRunning")


async def test_a_mail_at_the_end_is_chosen(api: Api) -> None:
    async with api.ann() as program:
        session = await start(program)
        shown = await program.put(f"/sessions/{session['id']}/mail", json={"wanted": True})

    assert shown.json()["mail_wanted"] is True


async def test_a_stream_tells_every_change_until_the_bill(api: Api) -> None:
    async with api.ann() as program:
        session = await start(program)

        async def charge() -> None:
            await api.bench.site.charges("10")

        charging = asyncio.create_task(charge())
        answer = await program.get(f"/sessions/{session['id']}/events")
        await charging

    states = [json.loads(line[6:])["state"] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert states[-1] == "settled"


async def test_an_ended_token_ends_its_stream(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Event()
    is_valid = tokens.is_valid

    async def look(*about: Any) -> bool:
        valid = await is_valid(*about)
        looked.set()
        return valid

    monkeypatch.setattr(tokens, "is_valid", look)
    async with api.ann() as program:
        session = await start(program)
        (token,) = (await program.get("/tokens")).json()["items"]
        watching = asyncio.create_task(program.get(f"/sessions/{session['id']}/events"))
        await looked.wait()
        await program.delete(f"/tokens/{token['id']}")
        await api.bench.site.reports("1", seconds=1)
        answer = await watching

    assert answer.text.count("data: ") == 1


async def test_somebody_elses_session_does_not_exist(api: Api) -> None:
    async with api.ann() as ann, api.program(await api.token("bob@example.com")) as bob:
        session = await start(ann)
        answers = [
            [
                await bob.request(method, f"/sessions/{number}{part}", json=body)
                for method, part, body in (
                    ("GET", "", None),
                    ("GET", "/curve", None),
                    ("GET", "/events", None),
                    ("POST", "/stop", None),
                    ("PUT", "/limit", {"kind": "energy", "amount": 20}),
                    ("POST", "/quotes", {"kind": "energy", "amount": 20}),
                    ("PUT", "/mail", {"wanted": True}),
                )
            ]
            for number in (session["id"], NOBODYS)
        ]
        listed = (await bob.get("/sessions")).json()
        receipt = await bob.get(f"/receipts/{session['id']}")

    assert {(answer.status_code, answer.json()["code"]) for answer in [*answers[0], *answers[1]]} == {
        (404, "UnknownSession")
    }
    assert listed == {"items": [], "next": None}
    assert receipt.status_code == 404
    assert len(api.bench.site.asked) == 1


async def test_the_api_names_all_rates_of_a_price(api: Api) -> None:
    night = Band(from_minute=22 * 60, to_minute=6 * 60, weekdays=frozenset({4, 5}))
    await reprice(
        api.bench.services,
        rate("idle", "10", free_s=900),
        rate("energy", "20", night),
        rate("energy", "35"),
        tax_included=False,
        min_minor=100,
    )
    async with api.ann() as program:
        price = (await program.get(f"/outlets/{CODE}")).json()["price"]
        (tariff,) = (await program.get("/tariffs")).json()["items"]

    always = {"component": "energy", "amount": "38.5", "band": None, "free_s": 0}
    band = {"begins": "22:00", "ends": "06:00", "weekdays": [5, 6], "from_day": "01-01", "to_day": "12-31"}
    assert price["rates"] == [
        always,
        {"component": "energy", "amount": "22", "band": band, "free_s": 0},
        {"component": "idle", "amount": "11", "band": None, "free_s": 900},
    ]
    assert price["minimum"] == {"amount_minor": 100, "currency": "JPY", "amount": "100"}
    assert price["maximum"] is None
    assert tariff["price"] == {key: value for key, value in price.items() if key not in {"id", "time_zone", "basis"}}


async def test_a_price_that_has_changed_since_it_was_shown_starts_nothing(api: Api) -> None:
    async with api.ann() as program:
        refused = await program.post(
            "/sessions", json=WISH | {"price_id": "0" * 32}, headers={"Idempotency-Key": "start-1"}
        )
        balance = (await program.get("/balance")).json()
        outlet = (await program.get(f"/outlets/{WISH['outlet']}")).json()
        shown = await start(program, key="start-2", price_id=outlet["price"]["id"])

    assert (refused.status_code, refused.json()["code"]) == (409, "PriceChanged")
    assert balance["available"]["amount_minor"] == 3000
    assert shown["price"] == outlet["price"]
    assert shown["price"]["per_kwh"] == "38.5"
