"""Eco points: earned by charging, spent on bills, never twice, never below nothing, never money."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from konsento.grid.windows import Window, energy_inside
from konsento.models import (
    POINTS,
    AccountKind,
    Driver,
    DriverKind,
    LedgerAccount,
    PointRule,
    SessionState,
    Site,
)
from konsento.ocpp.messages import RequestStartTransaction
from konsento.pricing import Part, Usage
from konsento.rewards import making, points
from konsento.rewards import service as rewards
from konsento.rewards.errors import BadCorrection, BadPoints, PointsNeedAccount, TooFewPoints
from konsento.rewards.rules import energy_in
from konsento.settlement import service as settlement

from ..conftest import AT, CODES, Core, rejected, whole_session
from ..recommended import REGION, recommend
from .giving import BILL, end, give, later, rule, standing, start


async def expired(core: Core) -> int:
    """Have points expire; returns how many lots gave some."""
    async with core.services.database.transaction() as session:
        return await points.expire(session, core.clock.now())


async def test_charging_earns_points_and_the_next_bill_is_less(core: Core) -> None:
    await rule(core)
    await end(core, await start(core))
    assert (await standing(core)).available == 10

    session = await start(core, points=10)
    assert (await standing(core)) == points.Standing(available=0, reserved=10)
    receipt = await end(core, session)

    assert receipt.amount_minor == BILL - 10
    assert receipt.tax_minor == 2
    assert await core.available() == 5000 - BILL - (BILL - 10)
    assert (await standing(core)) == points.Standing(available=10, reserved=0)  # ten spent, ten earned
    async with core.services.database.transaction() as tx:
        given = (await rewards.given(tx, [session.id]))[session.id]
        reasons = [(line.reason, line.points) for line in await points.history(tx, core.driver_id, 10)]
    assert (given.points_used, given.points_minor, given.points_earned) == (10, 10, 10)
    assert sorted(reasons) == [("points-earned", 10), ("points-earned", 10), ("points-spent", -10)]


async def test_only_as_many_points_are_taken_as_the_bill_needs(core: Core) -> None:
    await give(core, 1000)

    session = await start(core, points=1000)
    assert (await standing(core)).reserved == 46  # all that can be held is paid by them

    assert (await end(core, session)).amount_minor == 0
    assert (await standing(core)) == points.Standing(available=1000 - BILL, reserved=0)
    assert await core.available() == 5000


async def test_points_that_are_worth_parts_of_a_coin_are_taken_in_whole_coins(core: Core) -> None:
    core.services = replace(
        core.services, settings=core.services.settings.model_copy(update={"point_value": Decimal("0.4")})
    )
    await give(core, 6)

    receipt = await end(core, await start(core, points=6))

    assert receipt.amount_minor == BILL - 2
    assert (await standing(core)).available == 1  # five make 2 yen


async def test_a_hold_is_not_raised_or_lowered_by_points(core: Core) -> None:
    await give(core, 100)
    assert (await start(core, points=20)).hold_minor == 46


async def test_points_are_reserved_once_for_two_sessions_at_the_same_moment(core: Core) -> None:
    await give(core, 20)

    both = await asyncio.gather(*(start(core, points=20, outlet=code) for code in CODES), return_exceptions=True)

    assert sorted(type(one) for one in both if isinstance(one, Exception)) == [TooFewPoints]
    assert (await standing(core)) == points.Standing(available=0, reserved=20)
    assert await core.available() == 5000 - 46  # nothing is held for the other


async def test_a_session_that_never_began_gives_points_back(core: Core) -> None:
    await give(core, 20)
    core.router.answers[RequestStartTransaction] = lambda _: rejected("DeviceRefused")

    session = await start(core, points=20)

    assert session.state is SessionState.FAILED
    assert (await standing(core)) == points.Standing(available=20, reserved=0)


async def test_more_points_than_there_are_start_nothing(core: Core) -> None:
    await give(core, 20)

    with pytest.raises(TooFewPoints, match="now: 20"):
        await start(core, points=21)
    with pytest.raises(BadPoints):
        await start(core, points=-1)

    assert core.router.asked == []
    assert (await standing(core)) == points.Standing(available=20, reserved=0)


async def test_guests_have_no_points(core: Core) -> None:
    await rule(core)
    async with core.services.database.transaction() as tx:
        await tx.execute(update(Driver).where(Driver.id == core.driver_id).values(kind=DriverKind.GUEST))

    with pytest.raises(PointsNeedAccount):
        await start(core, points=1)
    await end(core, await start(core))

    assert (await standing(core)).available == 0


async def test_rules_add_up_and_fit_by_power_tariff_supplier_and_hours(core: Core) -> None:
    await rule(core, "1000", power_type="renewable")
    await rule(core, "500", power_type="solar", tariff_name="demo", supplier_code="A0269")
    await rule(core, "100", from_minute=10 * 60, to_minute=11 * 60)  # it is 10:58 in Tokyo, for 12 seconds
    for other in ({"power_type": "wind"}, {"from_minute": 11 * 60, "to_minute": 10 * 60}):
        await rule(core, "77", **other)
    await rule(core, "77", valid_from=later(core, days=1))

    await end(core, await start(core))

    assert (await standing(core)).available == 16  # 10.2 Wh at 1.6 points


async def test_points_for_recommended_windows_count_what_flowed_in_them_whatever_else_a_rule_asks_for(
    core: Core,
) -> None:
    await rule(core, "1000", in_windows=True)
    await rule(core, "1000", in_windows=True, power_type="renewable", from_minute=10 * 60, to_minute=11 * 60)
    for other in ({"power_type": "wind"}, {"from_minute": 11 * 60, "to_minute": 10 * 60}):
        await rule(core, "77", in_windows=True, **other)
    # Of the 12 s the first 4 and the last 2: 3.333 Wh and half of 3.533 Wh.
    second = timedelta(seconds=1)
    await recommend(core.services, (AT - 60 * second, AT + 4 * second), (AT + 10 * second, AT + 60 * second))
    await recommend(core.services, (AT, AT + 60 * second), region="DE")
    async with core.services.database.transaction() as tx:
        await tx.execute(update(Site).values(region=REGION))

    await end(core, await start(core))

    assert (await standing(core)).available == 10  # 5.0995 Wh at 2 points
    async with core.services.database.transaction() as tx:
        await tx.execute(update(Site).values(region=None))
    await end(core, await start(core))
    assert (await standing(core)).available == 10


MINUTES = st.integers(0, 24 * 60)


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 10_000)), max_size=8),
    st.lists(st.tuples(MINUTES, MINUTES).map(sorted), max_size=3),
    st.tuples(st.integers(0, 1439), st.integers(1, 1439)).filter(lambda hours: hours[0] != hours[1]),
    st.sampled_from(["Asia/Tokyo", "Europe/Berlin"]),
)
def test_energy_in_windows_and_hours_adds_up_to_that_in_windows(
    flowed: list[tuple[int, int]], chosen: list[list[int]], hours: tuple[int, int], zone: str
) -> None:
    begin = datetime(2026, 10, 24, 20, tzinfo=UTC)  # in Berlin the clocks are set back that night
    edges = accumulate((minutes for minutes, _ in flowed), initial=0)
    times = pairwise([begin + timedelta(minutes=edge) for edge in edges])
    parts = [Part(begin=first, end=last, mwh=mwh) for (first, last), (_, mwh) in zip(times, flowed, strict=True)]
    usage = Usage(begin=begin, parts=tuple(parts))
    # Windows of a region never overlap.
    cuts = sorted({minute for window in chosen for minute in window})
    bounds = [begin + timedelta(minutes=cut) for cut in cuts]
    windows = [Window(begin=first, end=last) for first, last in list(pairwise(bounds))[::2]]

    def energy(of: tuple[int | None, int | None]) -> Fraction:
        asked = PointRule(points_per_kwh=Decimal(1), from_minute=of[0], to_minute=of[1], in_windows=True)
        return energy_in(asked, usage, zone, windows)

    assert energy(hours) + energy((hours[1], hours[0] or 1440)) == energy((None, None)) == energy_inside(usage, windows)
    everywhere = Window(begin=begin - timedelta(days=1), end=begin + timedelta(days=2))
    always = PointRule(points_per_kwh=Decimal(1), from_minute=hours[0], to_minute=hours[1], in_windows=True)
    by_clock = PointRule(points_per_kwh=Decimal(1), from_minute=hours[0], to_minute=hours[1], in_windows=False)
    assert energy_in(always, usage, zone, [everywhere]) == energy_in(by_clock, usage, zone)


async def test_a_rule_counts_as_it_was_when_the_driver_agreed(core: Core) -> None:
    stopped = await rule(core)
    session = await start(core)
    core.clock.advance(timedelta(seconds=20))
    async with core.services.database.transaction() as tx:
        making.stop(await tx.merge(stopped), core.clock.now())

    await end(core, session)
    assert (await standing(core)).available == 10
    await end(core, await start(core))
    assert (await standing(core)).available == 10


def test_energy_across_the_edge_of_hours_is_shared_by_time_also_when_clocks_are_set() -> None:
    of = PointRule(points_per_kwh=Decimal(1), from_minute=60, to_minute=180, in_windows=False)
    begin = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # 0:30 in Berlin; at 2:00 it is 3:00
    usage = Usage(begin=begin, parts=(Part(begin=begin, end=begin + timedelta(hours=3), mwh=3_000_000),))

    assert energy_in(of, usage, "Europe/Berlin") == 1_000_000
    assert energy_in(of, usage, "Asia/Tokyo") == 0


async def test_points_expire_first_those_that_expire_first(core: Core) -> None:
    await rule(core)
    await end(core, await start(core))
    core.clock.advance(timedelta(days=100))
    await give(core, 5)  # for ever
    await end(core, await start(core, points=4))  # six of the first ten are left, ten more came

    core.clock.advance(timedelta(days=264))
    assert await expired(core) == 0
    core.clock.advance(timedelta(days=2))
    assert await expired(core) == 1
    assert (await standing(core)).available == 15
    async with core.services.database.transaction() as tx:
        assert await points.next_to_expire(tx, core.driver_id) == (AT + timedelta(days=465), 10)
    core.clock.advance(timedelta(days=100))
    await expired(core)
    assert (await standing(core)).available == 5


async def test_what_is_reserved_expires_only_when_it_is_free_again(core: Core) -> None:
    await rule(core)
    await end(core, await start(core))
    core.clock.advance(timedelta(days=364))
    session = await start(core, points=8)
    core.clock.advance(timedelta(days=2))

    await expired(core)
    assert (await standing(core)) == points.Standing(available=0, reserved=8)

    async with core.services.database.transaction() as tx:
        await settlement.release(tx, core.services.work, session.id, core.clock.now())
    assert (await standing(core)).available == 8
    with pytest.raises(TooFewPoints):  # they are over, though nobody has looked yet
        await start(core, points=8, outlet=CODES[1])
    await expired(core)
    assert (await standing(core)).available == 0


async def test_the_back_office_corrects_within_bounds_and_once(core: Core) -> None:
    once = uuid4()
    async with core.services.database.transaction() as tx:
        assert await points.correct(tx, core.driver_id, 30, once, AT) == 30
        assert await points.correct(tx, core.driver_id, 30, once, AT) is None
        assert await points.correct(tx, core.driver_id, -10, uuid4(), AT) == 20
        for impossible in (0, -21, points.LARGEST_CORRECTION + 1):
            with pytest.raises(BadCorrection):
                await points.correct(tx, core.driver_id, impossible, uuid4(), AT)
    assert (await standing(core)).available == 20


async def test_settling_twice_earns_and_spends_once(core: Core) -> None:
    await rule(core)
    await give(core, 10)
    session = await start(core, points=10)
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    async with core.services.database.transaction() as tx:
        await core.services.work.add(tx, "settle", str(session.id))
    await core.work()

    assert (await standing(core)) == points.Standing(available=10, reserved=0)


async def test_a_settlement_that_dies_leaves_points_reserved_and_the_next_one_takes_them(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rule(core)
    await give(core, 10)
    session = await start(core, points=10)
    real = rewards.settled

    async def killed(*args: object) -> None:
        await real(*args)  # type: ignore[arg-type]
        raise RuntimeError("killed")

    monkeypatch.setattr(rewards, "settled", killed)
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    assert (await standing(core)) == points.Standing(available=0, reserved=10)
    monkeypatch.undo()
    core.clock.advance(timedelta(minutes=1))
    await core.work()

    assert (await standing(core)) == points.Standing(available=10, reserved=0)


async def test_a_driver_who_goes_leaves_no_points(core: Core) -> None:
    await give(core, 10)
    async with core.services.database.transaction() as tx:
        await points.forget(tx, core.driver_id, AT)
    assert (await standing(core)).available == 0


async def test_no_point_ever_becomes_money(core: Core) -> None:
    await rule(core)
    await give(core, 100)
    await end(core, await start(core, points=100))
    async with core.services.database.transaction() as tx:
        of_points = (AccountKind.POINTS_ISSUED, AccountKind.DRIVER_POINTS)
        units = await tx.execute(select(LedgerAccount.kind, LedgerAccount.currency))
        assert all((kind in of_points) == (currency == POINTS) for kind, currency in units)


async def test_a_refund_brings_points_back_as_points_and_takes_what_was_earned(core: Core) -> None:
    await rule(core)
    await give(core, 10)
    session = await start(core, points=10)
    await end(core, session)
    for _ in range(2):
        async with core.services.database.transaction() as tx:
            await rewards.refunded(tx, session, core.clock.now())

    assert await standing(core) == points.Standing(available=10, reserved=0)
    assert await core.available() == 5000 - (BILL - 10)  # the money is given back by who took it


async def test_what_was_earned_and_is_spent_is_not_taken_back_on_a_refund(core: Core) -> None:
    await rule(core)
    session = await start(core)
    await end(core, session)
    await start(core, points=7)
    async with core.services.database.transaction() as tx:
        await rewards.refunded(tx, session, core.clock.now())

    assert await standing(core) == points.Standing(available=0, reserved=7)
