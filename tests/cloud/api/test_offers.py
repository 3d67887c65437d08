"""What is sold at an outlet, for programs: listed, named in a quote and at the start, and told of the session."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from konsento.charging import metering
from konsento.models import Metering
from konsento.pricing.following import FollowsSpot

from ..conftest import AT, CODES
from ..following import follow, traded
from ..supply import sell, supply
from ..web.conftest import CODE
from .conftest import WISH, start

if TYPE_CHECKING:
    from .conftest import Api


async def sold(api: Api, *names: str, basis: Metering = Metering.VERIFIED) -> None:
    async with api.bench.services.database.transaction() as session:
        await supply(session, AT - timedelta(days=1))
        await sell(session, CODE, names, basis, "n5" if basis is Metering.NOTIFIED else "")


async def refused(program: Any, **more: object) -> tuple[int, str]:
    answer = await program.post("/sessions", json=WISH | more, headers={"Idempotency-Key": "refused"})
    return answer.status_code, answer.json().get("code", "")


async def test_offers_are_listed_with_price_power_supplier_and_carbon(api: Api) -> None:
    await sold(api, "roof", "wind")
    async with api.ann(**{"Accept-Language": "ja"}) as program:
        outlet = (await program.get(f"/outlets/{CODE}")).json()
        listed = (await program.get("/outlets")).json()["items"]

    roof, wind = outlet["offers"]
    assert (roof["name"], roof["power_type"], roof["power_name"], roof["renewable"]) == (
        "roof", "solar", "当店の屋根", True,
    )  # fmt: skip
    assert roof["carbon_g_per_kwh"] is None
    assert (wind["price"]["per_kwh"], wind["carbon_g_per_kwh"], wind["supplier_code"]) == ("42.5", 25, "B0012")
    assert (outlet["price"], outlet["power_type"], outlet["supplier"]) == (roof["price"], "solar", "Sakura Energy")
    assert outlet["metering"] == {"basis": "verified", "meter_class": "", "explanation": None}
    assert next(one for one in listed if one["code"] == CODE)["offers"] == outlet["offers"]


async def test_a_named_offer_is_quoted_started_and_told_and_the_first_one_without_a_name(api: Api) -> None:
    await sold(api, "roof", "wind")
    limit = {"limit": {"kind": "energy", "amount": 1000}}
    async with api.ann() as program:
        named = (await program.post("/quotes", json=WISH | limit | {"offer": "wind"})).json()["offers"][0]
        first = (await program.post("/quotes", json=WISH | limit)).json()["offers"][0]
        gone = await program.post("/quotes", json=WISH | limit | {"offer": "demo"})
        nothing = await refused(program, offer="demo")
        session = await start(program, offer="wind", price_id=named["price"]["id"])
        await api.bench.site.charges()
        receipt = (await program.get(f"/receipts/{session['id']}")).json()

    assert (named["offer"], named["estimated"]["amount_minor"], named["carbon_g_per_kwh"]) == ("wind", 42, 25)
    assert (first["offer"], first["estimated"]["amount_minor"]) == ("roof", 30)
    assert (gone.status_code, gone.json()["code"]) == (409, "OfferGone")
    assert nothing == (409, "OfferGone")
    assert (session["offer"], session["power_type"], session["supplier"]) == ("wind", "wind", "Kaze Power")
    assert (session["carbon_g_per_kwh"], session["metering"]) == (25, "verified")
    assert (receipt["carbon_g_per_kwh"], receipt["metering"]) == (25, "verified")
    assert "share" not in str(session) + str(receipt).replace("'share'", "")


async def test_a_notified_meter_is_explained_and_agreed_to_by_its_version(api: Api) -> None:
    await sold(api, "wind", basis=Metering.NOTIFIED)
    async with api.ann() as program:
        told = (await program.get(f"/outlets/{CODE}")).json()["metering"]
        before = await refused(program)
        session = await start(program, key="agreed", agreed_metering=told["explanation"]["version"])
        await api.bench.site.charges()
        again = await start(program, key="again")

    assert (told["basis"], told["meter_class"]) == ("notified", "n5")
    assert told["explanation"]["version"] == metering.VERSION
    assert "n5" in told["explanation"]["text"][1]
    assert before == (409, "MeteringNotAgreed")
    assert session["metering"] == again["metering"] == "notified"


async def test_what_a_price_follows_is_told_and_what_that_of_a_session_was_made_from(api: Api) -> None:
    slot = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
    following = FollowsSpot(factor=Decimal(1), plus=Decimal(10), floor=Decimal(15), cap=Decimal(60))
    await follow(api.bench.services, following)
    await traded(api.bench.services, slot, "20")
    async with api.ann() as program:
        (offer,) = (await program.get(f"/outlets/{CODE}")).json()["offers"]
        (tariff,) = (await program.get("/tariffs")).json()["items"]
        session = await start(program, price_id=offer["price"]["id"])
        api.bench.clock.advance(timedelta(minutes=10))
        late = await refused(program, price_id=offer["price"]["id"], outlet=CODES[1])
        await api.bench.site.charges()
        receipt = (await program.get(f"/receipts/{session['id']}")).json()

    told = {"kind": "spot", "inside": None, "floor": "15", "cap": "60"}
    assert (offer["follows"], tariff["follows"], tariff["price"]["per_kwh"]) == (told, told, "38.5")
    begins, ends = "2026-11-22T01:30:00Z", "2026-11-22T02:00:00Z"
    basis = {"why": "spot", "begins_at": begins, "ends_at": ends, "spot_price": "20"}
    assert (offer["price"]["per_kwh"], offer["price"]["basis"]) == ("32", basis)
    assert (receipt["price"]["per_kwh"], receipt["price"]["basis"]) == ("32", basis)
    assert late == (409, "PriceChanged")
