"""Eco points and coupons for programs."""

from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

from konsento.models import CouponKind, Driver
from konsento.rewards import making, points
from konsento.rewards.making import WantedCoupon

from .conftest import WISH, start

if TYPE_CHECKING:
    from .conftest import Api


async def give(api: Api) -> str:
    """Give the driver 50 points and a coupon of their own; returns its code as it is read."""
    driver_id, now = await api.driver(), api.bench.clock.now()
    wanted = WantedCoupon(
        title="Sun", kind=CouponKind.PERCENT, value=Decimal("0.5"), currency="JPY", valid_from=now, least_minor=10
    )
    async with api.bench.services.database.transaction() as session:
        await points.correct(session, driver_id, 50, uuid4(), now)
        coupon = await making.make_coupon(session, wanted, now)
        code = await making.give_code(session, coupon, await session.get_one(Driver, driver_id), now)
    return code.code


async def test_a_program_uses_a_coupon_and_points_and_reads_what_they_did(api: Api) -> None:
    code = await give(api)
    wish = WISH | {"limit": {"kind": "energy", "amount": 1000}, "coupon": code.lower(), "points": 5}
    async with api.ann() as program:
        (own,) = (await program.get("/coupons")).json()["items"]
        before = (await program.get("/points")).json()
        started = await program.post("/sessions", json=wish, headers={"Idempotency-Key": "one"})
        kept = (await program.get("/points")).json()
        (used,) = (await program.get("/coupons")).json()["items"]
        await api.bench.site.charges("1000", seconds=1200)
        receipt = (await program.get(f"/receipts/{started.json()['id']}")).json()
        after = (await program.get("/points")).json()

    assert (own["kind"], own["value"], own["state"], own["least"]["amount_minor"]) == ("percent", "0.5", "good", 10)
    assert own["code"].replace("-", "") == code
    assert (before["available"], before["worth"]["amount_minor"], before["expires_at"]) == (50, 50, None)
    assert started.status_code == 201
    assert (kept["available"], kept["reserved"]) == (45, 5)
    assert used["state"] == "used"
    assert receipt["amount"]["amount_minor"] == 38 - 19 - 5
    assert [
        (line["note"], line["amount"]["amount_minor"]) for line in receipt["lines"] if line["kind"] == "discount"
    ] == [
        (own["code"], -19),
        ("", -5),
    ]
    assert (receipt["points_earned"], receipt["coupons_earned"]) == (0, [])
    assert (after["available"], after["reserved"]) == (45, 0)
    assert [(change["points"], change["reason"]) for change in after["changes"]] == [
        (-5, "points-spent"),
        (50, "points-correction"),
    ]


async def test_what_cannot_be_used_is_a_problem_with_its_name_and_nothing_starts(api: Api) -> None:
    await give(api)
    async with api.ann() as program:
        for body, code in (
            ({"coupon": "NOSUCH"}, "UnknownCoupon"),
            ({"points": 51}, "TooFewPoints"),
            ({"points": -1}, "InvalidRequest"),
            ({"points": "5"}, "InvalidRequest"),
        ):
            refused = await program.post("/sessions", json=WISH | body, headers={"Idempotency-Key": str(uuid4())})
            assert refused.json()["code"] == code
        await start(program)

    assert len(api.bench.site.asked) == 1
