"""Coupons: good for what they say, used once where they say once, and given back where they were of no use."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES
from konsento.models import Coupon, CouponCode, CouponUse, CouponUseState, Driver, DriverKind, SessionState
from konsento.ocpp.messages import RequestStartTransaction
from konsento.rewards import errors, listing, making
from konsento.rewards import service as rewards
from konsento.rewards.facts import place_of
from konsento.rewards.listing import OwnState, Uses

from ..conftest import AT, CODES, Core, rejected, whole_session
from .giving import BILL, coupon, end, give, rule, standing, start, taken


@pytest.mark.parametrize(
    ("kind", "value", "off"),
    [
        ("amount", "10", 10),
        ("percent", "0.1", 4),
        ("energy", "5", 20),
        ("amount", "1000", BILL),
        ("percent", "1", BILL),
    ],
)
async def test_a_coupon_takes_off_what_it_says_and_never_more_than_there_is(
    core: Core, kind: str, value: str, off: int
) -> None:
    await coupon(core, kind, value)

    session = await start(core, coupon=" sunny-10 ")
    receipt = await end(core, session)

    assert session.hold_minor == 46
    assert receipt.amount_minor == BILL - off
    assert await core.available() == 5000 - (BILL - off)
    async with core.services.database.transaction() as tx:
        given = (await rewards.given(tx, [session.id]))[session.id]
        assert (given.coupon, given.coupon_minor) == ("SUNNY10", off)
        coupon_id = (await tx.get_one(CouponCode, "SUNNY10")).coupon_id
        assert await listing.uses_of(tx, [coupon_id]) == {coupon_id: Uses(running=0, used=1, minor=off)}


async def test_coupon_first_then_points(core: Core) -> None:
    await coupon(core, "percent", "0.5")
    await give(core, 100)

    receipt = await end(core, await start(core, coupon="SUNNY10", points=100))

    assert receipt.amount_minor == 0
    assert (await standing(core)).available == 100 - BILL // 2


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"valid_from": AT + timedelta(days=1)}, errors.CouponNotYet),
        ({"least_minor": 47}, errors.CouponBelowLeast),
        ({"power_types": ["wind"]}, errors.CouponNotForThisPower),
        ({"currency": "EUR"}, errors.CouponNotForThisPower),
    ],
)
async def test_a_coupon_that_cannot_be_used_says_why_and_nothing_is_held(
    core: Core, terms: dict[str, Any], refusal: type[KonsentoError]
) -> None:
    await coupon(core, **terms)

    with pytest.raises(refusal):
        await start(core, coupon="SUNNY10")

    assert await core.available() == 5000
    assert core.router.asked == []
    assert await taken(core) == (0, 0)


@pytest.mark.parametrize("typed", ["NOSUCH", "x", "🍋" * 50, "SUNNY1O", "a" * 10_000])
async def test_a_code_that_is_none_says_so(core: Core, typed: str) -> None:
    await coupon(core)
    with pytest.raises(errors.UnknownCoupon):
        await start(core, coupon=typed)


async def test_a_coupon_is_good_where_and_for_what_it_says(core: Core) -> None:
    session = await start(core)
    await end(core, session)
    here = {
        "site_ids": [str(session.site_id)],
        "outlet_ids": [str(session.outlet_id)],
        "tariff_names": ["demo"],
        "power_types": ["renewable"],
        "least_minor": BILL,
    }
    await coupon(core, **here)

    with pytest.raises(errors.CouponNotHere):
        await start(core, coupon="SUNNY10", outlet=CODES[1])
    assert (await end(core, await start(core, coupon="SUNNY10"))).amount_minor == BILL - 10


async def test_a_bill_below_the_least_gets_nothing_off_and_the_coupon_comes_back(core: Core) -> None:
    await coupon(core, least_minor=BILL + 1)  # within the hold

    receipt = await end(core, await start(core, coupon="SUNNY10"))

    assert receipt.amount_minor == BILL
    assert await taken(core) == (0, 0)


@pytest.mark.parametrize("of_code", [True, False])
async def test_of_two_starts_with_the_last_use_at_the_same_moment_one_gets_it(core: Core, of_code: bool) -> None:
    made = await coupon(core, most_uses=None if of_code else 1)
    if of_code:
        async with core.services.database.transaction() as tx:
            await tx.execute(update(CouponCode).values(most_uses=1))

    both = await asyncio.gather(
        start(core, coupon="SUNNY10"),
        start(core, coupon="SUNNY10", driver_id=core.other_driver_id, outlet=CODES[1]),
        return_exceptions=True,
    )

    assert [type(one) for one in both if isinstance(one, Exception)] == [errors.CouponUsedUp]
    assert await taken(core) == (1, 1)
    async with core.services.database.transaction() as tx:
        assert len(list(await tx.scalars(select(CouponUse).where(CouponUse.coupon_id == made.id)))) == 1


async def test_one_driver_at_two_outlets_at_the_same_moment_uses_it_as_often_as_one_driver_may(core: Core) -> None:
    await coupon(core, most_uses_each=1)

    both = await asyncio.gather(*(start(core, coupon="SUNNY10", outlet=code) for code in CODES), return_exceptions=True)

    assert [type(one) for one in both if isinstance(one, Exception)] == [errors.CouponUsedByYou]


async def test_a_failed_start_gives_the_coupon_back_and_it_is_still_the_first_charging(core: Core) -> None:
    await coupon(core, first_only=True, most_uses=1)
    accept = core.router.answers[RequestStartTransaction]
    core.router.answers[RequestStartTransaction] = lambda _: rejected("DeviceRefused")
    assert (await start(core, coupon="SUNNY10")).state is SessionState.FAILED
    assert await taken(core) == (0, 0)
    core.router.answers[RequestStartTransaction] = accept

    assert (await end(core, await start(core, coupon="SUNNY10"))).amount_minor == BILL - 10
    with pytest.raises(errors.CouponUsedUp):
        await start(core, coupon="SUNNY10")


async def test_a_second_charging_is_no_first_one(core: Core) -> None:
    await coupon(core, first_only=True)
    await end(core, await start(core))
    with pytest.raises(errors.CouponForFirst):
        await start(core, coupon="SUNNY10")


async def test_guests_use_coupons_that_are_bound_to_nobody(core: Core) -> None:
    await coupon(core)
    await coupon(core, code="FIRST10", first_only=True)
    async with core.services.database.transaction() as tx:
        await tx.execute(update(Driver).where(Driver.id == core.driver_id).values(kind=DriverKind.GUEST))

    with pytest.raises(errors.CouponNeedsAccount):
        await start(core, coupon="FIRST10")
    assert (await end(core, await start(core, coupon="SUNNY10"))).amount_minor == BILL - 10


async def test_a_stopped_coupon_is_over_but_whoever_has_started_keeps_it(core: Core) -> None:
    made = await coupon(core)
    session = await start(core, coupon="SUNNY10")
    async with core.services.database.transaction() as tx:
        making.stop(await tx.merge(made), core.clock.now())

    assert (await end(core, session)).amount_minor == BILL - 10
    with pytest.raises(errors.CouponOver):
        await start(core, coupon="SUNNY10")


async def test_random_codes_work_once_each(core: Core) -> None:
    made = await coupon(core, code="")
    async with core.services.database.transaction() as tx:
        batch = await making.make_codes(tx, await tx.merge(made), 50, AT)
        codes = [row.code for row in await listing.codes_of(tx, made.id, batch)]
        with pytest.raises(errors.TooManyCodes):
            await making.make_codes(tx, made, making.MOST_CODES + 1, AT)
    assert len(set(codes)) == 50

    await end(core, await start(core, coupon=codes[0].lower()))
    with pytest.raises(errors.CouponUsedUp):
        await start(core, coupon=codes[0])
    await end(core, await start(core, coupon=codes[1]))
    async with core.services.database.transaction() as tx:
        assert [(one.codes, one.taken) for one in await listing.batches_of(tx, made.id)] == [(50, 2)]


async def test_enough_renewable_energy_brings_a_coupon_of_ones_own(core: Core) -> None:
    await coupon(core, "percent", "0.5", "", grant_wh=4, grant_power_type="renewable", grant_days=30)
    await coupon(core, "percent", "0.5", "", grant_wh=4, grant_power_type="coal")

    session = await start(core)
    await end(core, session)  # 10 Wh: two coupons, and two Wh towards the third
    async with core.services.database.transaction() as tx:
        own = await listing.coupons_of(tx, core.driver_id, AT)
        given = (await rewards.given(tx, [session.id]))[session.id]
    assert [one.state for one in own] == [OwnState.GOOD] * 2
    assert sorted(given.coupons_earned) == sorted(one.label for one in own)

    with pytest.raises(errors.UnknownCoupon):  # another driver learns nothing of it
        await start(core, coupon=own[0].code.code, driver_id=core.other_driver_id)
    assert (await end(core, await start(core, coupon=own[0].label))).amount_minor == BILL // 2
    async with core.services.database.transaction() as tx:
        assert len(await listing.coupons_of(tx, core.driver_id, AT)) == 5
    core.clock.advance(timedelta(days=31))
    with pytest.raises(errors.CouponOver):
        await start(core, coupon=own[1].label)
    async with core.services.database.transaction() as tx:
        states = [one.state for one in await listing.coupons_of(tx, core.driver_id, core.clock.now())]
    assert sorted(states) == [OwnState.OVER] * 4 + [OwnState.USED]


async def test_the_back_office_gives_a_driver_a_coupon(core: Core) -> None:
    made = await coupon(core, code="")
    async with core.services.database.transaction() as tx:
        driver = await tx.get_one(Driver, core.driver_id)
        code = await making.give_code(tx, made, driver, AT)
        driver.kind = DriverKind.GUEST
        with pytest.raises(errors.GuestsHaveNoPoints):
            await making.give_code(tx, made, driver, AT)
        driver.kind = DriverKind.ACCOUNT
    assert (await end(core, await start(core, coupon=code.code))).amount_minor == BILL - 10


async def test_settling_again_after_a_kill_counts_the_coupon_once(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    await coupon(core, most_uses=1, grant_wh=10)
    session = await start(core, coupon="SUNNY10")
    real = rewards.settled

    async def killed(*args: Any) -> None:
        await real(*args)
        raise RuntimeError("killed")

    monkeypatch.setattr(rewards, "settled", killed)
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    async with core.services.database.transaction() as tx:
        assert (await tx.get_one(CouponUse, session.id)).state is CouponUseState.RESERVED
    monkeypatch.undo()
    core.clock.advance(timedelta(minutes=1))
    await core.work()

    assert await taken(core) == (1, 1)
    async with core.services.database.transaction() as tx:
        assert (await tx.get_one(CouponUse, session.id)).state is CouponUseState.USED
        assert len(await listing.coupons_of(tx, core.driver_id, AT)) == 1


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"kind": "amount", "value": "0"}, errors.BadCouponValue),
        ({"kind": "amount", "value": "1.5"}, errors.BadCouponValue),
        ({"kind": "percent", "value": "1.01"}, errors.BadCouponValue),
        ({"kind": "energy", "value": "-1"}, errors.BadCouponValue),
        ({"most_uses": 0}, errors.BadCouponLimit),
        ({"most_uses_each": -1}, errors.BadCouponLimit),
        ({"least_minor": -1}, errors.BadCouponLimit),
        ({"grant_wh": 0}, errors.BadCouponLimit),
        ({"valid_to": AT}, errors.BadValidity),
        ({"site_ids": [str(uuid4())]}, errors.UnknownTerm),
        ({"tariff_names": ["none"]}, errors.UnknownTerm),
        ({"power_types": ["steam"]}, errors.UnknownTerm),
        ({"code": "X!"}, errors.BadCode),
        ({"code": "A" * 25}, errors.BadCode),
    ],
)
async def test_a_coupon_that_cannot_be_is_not_made(
    core: Core, terms: dict[str, Any], refusal: type[KonsentoError]
) -> None:
    with pytest.raises(refusal):
        await coupon(core, **terms)
    async with core.services.database.transaction() as tx:
        assert list(await tx.scalars(select(Coupon))) == []


async def test_a_code_belongs_to_one_coupon(core: Core) -> None:
    await coupon(core)
    with pytest.raises(errors.CodeTaken):
        await coupon(core, code="sunny 10")


async def test_before_choosing_a_driver_reads_what_is_given(core: Core) -> None:
    await rule(core, "1", power_type="renewable")
    await rule(core, "2", from_minute=600, to_minute=900)
    await coupon(core, "percent", "0.1")
    await coupon(core, "energy", "2000", "WIND2", power_types=["wind"])
    await coupon(core, code="", grant_wh=50_000)
    session = await start(core)
    solar = place_of(session)
    wind = replace(solar, tariff_name="windy", power_type="wind")
    async with core.services.database.transaction() as tx:
        found = await rewards.benefits_of(tx, [solar, wind], core.clock.now())
        assert await rewards.benefits_of(tx, [solar], AT - timedelta(days=1)) == {}

    english = LANGUAGES.default
    after = "A coupon after every 50.00\u00a0kWh: ¥10 off"
    points = ["1 eco point per kWh", "2 eco points more per kWh from 10:00 to 15:00"]
    assert [one.text(english) for one in found["demo"]] == [*points, "10% off with the code SUNNY10", after]
    assert [one.text(english) for one in found["windy"]] == [
        *points,
        "10% off with the code SUNNY10",
        "2.00\u00a0kWh free with the code WIND2",
        after,
    ]


async def test_a_refund_gives_the_coupon_back(core: Core) -> None:
    await coupon(core, most_uses=1)
    session = await start(core, coupon="SUNNY10")
    await end(core, session)
    for _ in range(2):
        async with core.services.database.transaction() as tx:
            await rewards.refunded(tx, session, core.clock.now())

    assert await taken(core) == (0, 0)
    assert (await end(core, await start(core, coupon="SUNNY10"))).amount_minor == BILL - 10
