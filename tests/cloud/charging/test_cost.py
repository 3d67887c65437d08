"""The cost that a station is told: that of the driver's page, in yen or euros, never more than is held."""

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento import pricing
from konsento.charging.cost import cost_so_far_minor, total_cost
from konsento.charging.quote import agreed_price
from konsento.kit.money import exponent
from konsento.models import ChargingSession
from konsento.pricing import Band, Price

from ..conftest import ENDED, STARTED, UPDATED, event_of, rate, reprice, whole_session

if TYPE_CHECKING:
    from ..conftest import Core


def priced(unit_price: str, currency: str = "JPY") -> Price:
    return Price.per_kwh(Decimal(unit_price), currency, Decimal("0.1"))


@pytest.mark.parametrize(
    ("price", "mwh", "hold", "told"),
    [
        (priced("38.5"), 0, 1000, "0"),
        (priced("38.5"), 999, 1000, "0"),
        (priced("38.5"), 6_000_000, 1000, "231"),
        (priced("38.5"), 6_025_999, 1000, "231"),
        (priced("0.3636", "EUR"), 10_000_000, 1000, "3.63"),
        (priced("0.3636", "EUR"), 0, 1000, "0.00"),
        (priced("0"), 6_000_000, 0, "0"),
        (priced("38.5"), 6_000_000, 200, "200"),
    ],
)
def test_the_cost_has_the_digits_of_its_currency_and_is_never_rounded_up(
    price: Price, mwh: int, hold: int, told: str
) -> None:
    assert str(total_cost(price, mwh, None, hold)) == told


@given(
    unit_price=st.decimals(Decimal(0), Decimal(5000), places=4),
    mwh=st.integers(0, 10**9),
    more=st.integers(0, 10**6),
    currency=st.sampled_from(["JPY", "EUR", "KWD"]),
    hold=st.integers(0, 10**7),
)
def test_the_cost_only_grows_and_is_what_would_be_billed_within_the_hold(
    unit_price: Decimal, mwh: int, more: int, currency: str, hold: int
) -> None:
    price = priced(str(unit_price), currency)
    billed = min(pricing.amount_minor(price, mwh // 1000), hold)
    assert cost_so_far_minor(price, mwh, None, hold) == billed
    assert total_cost(price, mwh, None, hold).scaleb(exponent(currency)) == billed
    assert total_cost(price, mwh + more, None, hold) >= total_cost(price, mwh, None, hold)


async def test_it_is_what_the_driver_sees_and_pays(core: Core) -> None:
    charging = await core.start()
    await core.send(event_of(charging, 0, "1000", kind=STARTED))
    for event in whole_session(charging)[1:]:
        await core.send(event)
        async with core.services.database.transaction() as session:
            now = await session.get_one(ChargingSession, charging.id)
        told = total_cost(agreed_price(now), now.delivered_mwh, now.priced, now.hold_minor)
        assert told == (await core.progress(charging.id)).amount_minor
    await core.work()
    assert (await core.progress(charging.id)).billed_minor == told


ELEVEN = Band(from_minute=11 * 60, to_minute=12 * 60)
"""Two minutes after `AT`, by the clock of the site."""


async def test_time_fees_and_bands_are_counted_while_it_runs_and_billed_as_they_were_told(core: Core) -> None:
    await reprice(
        core.services,
        rate("energy", "40"),
        rate("energy", "20", ELEVEN),
        rate("time", "2"),
        rate("session", "50"),
        rate("idle", "6", free_s=60),
    )
    charging = await core.start("energy", 6000)
    told = []
    readings = [("1000", 0), ("1100", 120), ("1200", 240), ("1200", 300), ("1200", 480), ("1200", 600)]
    for seq_no, (wh, seconds) in enumerate(readings):
        kind = {0: STARTED, len(readings) - 1: ENDED}.get(seq_no, UPDATED)
        await core.send(event_of(charging, seq_no, wh, kind=kind, seconds=seconds, reason="Local" if seq_no else None))
        told.append((await core.progress(charging.id)).amount_minor)
    await core.work()

    # Nothing; 100 Wh at 40, 2 min, the charging; 100 Wh at 20, 2 min more; 1 min idle for nothing; then 6 a minute.
    assert told == [0, 4 + 4 + 50, 4 + 2 + 8 + 50, 66, 66 + 6 + 18, 90 + 4 + 12]
    settled = await core.progress(charging.id)
    assert (settled.billed_minor, settled.amount_minor) == (106, 106)


async def test_a_running_session_keeps_the_whole_price_that_was_agreed(core: Core) -> None:
    await reprice(core.services, rate("energy", "40"), rate("time", "2"))
    charging = await core.start("energy", 1000)
    await reprice(core.services, rate("energy", "4000"), rate("time", "200"))
    for seq_no, (wh, seconds, kind) in enumerate([("0", 0, STARTED), ("100", 120, UPDATED), ("100", 120, ENDED)]):
        await core.send(event_of(charging, seq_no, wh, kind=kind, seconds=seconds))
    await core.work()

    assert (await core.progress(charging.id)).billed_minor == 8


async def test_readings_that_come_late_and_out_of_order_are_priced_by_their_own_time(core: Core) -> None:
    await reprice(core.services, rate("energy", "40"), rate("energy", "20", ELEVEN))
    charging = await core.start("energy", 1000)
    events = [
        event_of(charging, seq_no, wh, kind=STARTED if seq_no == 0 else UPDATED, seconds=seconds)
        for seq_no, (wh, seconds) in enumerate([("0", 0), ("50", 60), ("100", 120), ("200", 240)])
    ]
    for at in (0, 1, 3, 2):
        await core.send(events[at])

    assert (await core.progress(charging.id)).amount_minor == 4 + 2


async def test_a_station_is_told_the_same_cost(core: Core) -> None:
    await reprice(core.services, rate("energy", "40"), rate("session", "50"))
    charging = await core.start("energy", 1000)
    await core.send(event_of(charging, 0, "0", kind=STARTED))
    await core.send(event_of(charging, 1, "100", seconds=120))

    async with core.services.database.transaction() as session:
        now = await session.get_one(ChargingSession, charging.id)
    assert total_cost(agreed_price(now), now.delivered_mwh, now.priced, now.hold_minor) == Decimal(54)
