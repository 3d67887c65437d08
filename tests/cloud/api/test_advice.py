"""A program sees when charging is good, and has it start by itself then."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from konsento.models import OutletStatus, PresenceCheck, Site

from ..forecasts import forecast_two_days
from ..web.conftest import AT
from .conftest import CODE, NOBODYS, WISH

if TYPE_CHECKING:
    from .conftest import Api

PLAN: dict[str, Any] = WISH | {"window_begins_at": "2026-11-22T23:00:00Z"}
KEY = {"Idempotency-Key": "1"}


@pytest.fixture
async def sunny(api: Api) -> Api:
    """The application in a region where today and tomorrow are sunny from 8 to 16 o'clock."""
    await forecast_two_days(api.bench.services)
    return api


async def test_the_outlook_has_windows_shares_and_prices(sunny: Api) -> None:
    async with sunny.ann() as program:
        answer = (await program.get("/outlook", params={"outlet": "k7f-29q"})).json()

    today, tomorrow = answer["windows"]
    assert (answer["outlet"], answer["region"], answer["state"]) == (CODE, "JP-A03", "good")
    assert (today["begins_at"], today["fits_wh"]) == ("2026-11-21T23:00:00Z", 15_100)
    assert (tomorrow["begins_at"], tomorrow["fits_wh"]) == ("2026-11-22T23:00:00Z", 24_000)
    assert [price["per_kwh"] for price in tomorrow["prices"]] == ["38.5"]
    assert {share["share"] for share in answer["shares"]} == {"0.4", "0.1"}
    assert [len(offer["costs"]) for offer in answer["offers"]] == [1]


async def test_without_a_region_or_with_old_data_it_says_so(sunny: Api) -> None:
    async with sunny.ann() as program:
        sunny.bench.clock.advance(timedelta(hours=37))
        stale = (await program.get("/outlook", params={"outlet": CODE})).json()
        async with sunny.bench.services.database.transaction() as session:
            await session.execute(update(Site).values(region=None))
        nowhere = await program.get("/outlook", params={"outlet": CODE})

    assert (stale["state"], stale["windows"], stale["shares"]) == ("stale", [], [])
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "NoOutlook")


async def test_it_is_planned_once_listed_started_and_then_a_session(sunny: Api) -> None:
    async with sunny.ann() as program:
        price_id = (await program.get("/outlook", params={"outlet": CODE})).json()["windows"][1]["prices"][0][
            "price_id"
        ]
        wanted = PLAN | {"price_id": price_id, "only_inside": True}
        first = await program.post("/planned-charges", json=wanted, headers=KEY)
        again = await program.post("/planned-charges", json=wanted, headers=KEY)
        plan = first.json()
        listed = (await program.get("/planned-charges")).json()["items"]
        sunny.bench.clock.advance(AT + timedelta(hours=21, minutes=12) - sunny.bench.clock.now())
        await sunny.bench.services.work.drain()
        started = (await program.get(f"/planned-charges/{plan['id']}")).json()
        session = (await program.get(f"/sessions/{started['session_id']}")).json()
        over = await program.delete(f"/planned-charges/{plan['id']}")

    assert (first.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert first.json() == again.json()
    assert listed == [plan]
    assert (plan["state"], plan["starts_by"], plan["only_inside"]) == ("planned", "2026-11-22T23:10:00Z", True)
    assert (plan["per_kwh"], plan["session_id"], plan["failure"]) == ("38.5", None, None)
    assert (started["state"], session["state"], session["limit"]["amount"]) == ("started", "charging", 10)
    assert (over.status_code, over.json()["code"]) == (409, "PlanOver")


async def test_it_is_cancelled_by_its_driver_alone(sunny: Api) -> None:
    async with sunny.ann() as program, sunny.program(await sunny.token("bob@example.com")) as other:
        plan = (await program.post("/planned-charges", json=PLAN, headers=KEY)).json()
        address = f"/planned-charges/{plan['id']}"
        strangers = [
            await other.get(address),
            await other.delete(address),
            await other.get(f"/planned-charges/{NOBODYS}"),
        ]
        theirs = (await other.get("/planned-charges")).json()["items"]
        cancelled = [(await program.delete(address)).status_code for _ in range(2)]
        state = (await program.get(address)).json()["state"]

    assert [(answer.status_code, answer.json()["code"]) for answer in strangers] == [(404, "UnknownPlan")] * 3
    assert theirs == []
    assert (cancelled, state) == ([204, 204], "cancelled")


async def test_what_did_not_start_has_its_reason(sunny: Api) -> None:
    async with sunny.ann(**{"Accept-Language": "ja"}) as program:
        plan = (await program.post("/planned-charges", json=PLAN, headers=KEY)).json()
        await sunny.bench.outlet_is(OutletStatus.FAULTED)
        sunny.bench.clock.advance(timedelta(days=2))
        await sunny.bench.services.work.drain()
        over = (await program.get(f"/planned-charges/{plan['id']}")).json()

    assert (over["state"], over["failure"]["code"]) == ("failed", "WindowOver")
    assert "料金はかかりません" in over["failure"]["detail"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"window_begins_at": "2026-11-22T23:30:00Z"}, "WindowGone"),
        ({"price_id": "another"}, "PriceChanged"),
        ({"pay_with": "stripe:card"}, "UnknownMethod"),
        ({"limit": {"kind": "energy", "amount": 99_000}}, "BalanceTooLow"),
    ],
)
async def test_what_cannot_be_is_refused_and_plans_nothing(sunny: Api, change: dict[str, Any], code: str) -> None:
    async with sunny.ann() as program:
        refused = await program.post("/planned-charges", json=PLAN | change, headers=KEY)
        plans = (await program.get("/planned-charges")).json()["items"]

    assert refused.json()["code"] == code
    assert plans == []


async def test_presence_comes_first_where_it_is_asked_for(sunny: Api) -> None:
    await sunny.bench.sites_ask_for(PresenceCheck.BUTTON)
    async with sunny.ann() as program:
        refused = await program.post("/planned-charges", json=PLAN, headers=KEY)
        await program.post("/presence-checks", json={"outlet": CODE})
        await sunny.bench.press()
        planned = await program.post("/planned-charges", json=PLAN, headers={"Idempotency-Key": "2"})

    assert refused.json()["code"] == "PresenceNeeded"
    assert planned.status_code == 201
