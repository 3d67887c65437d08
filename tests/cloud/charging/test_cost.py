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
from konsento.pricing import Price

from ..conftest import STARTED, event_of, whole_session

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
