"""Discounts: never below nothing, rounded in the driver's favour, and the tax is that of what is paid."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento import pricing
from konsento.pricing import Discount, DiscountKind, Price, Usage, discounted

from .prices import prices, usages

PRICE = Price.per_kwh(Decimal("38.5"), "JPY", Decimal("0.1"))
BILL = pricing.bill(PRICE, Usage.steady(begin=datetime(2026, 6, 1, tzinfo=UTC), mwh=6_000_000, supply_s=7200))
DISCOUNTS = st.builds(
    Discount, kind=st.sampled_from(DiscountKind), value=st.decimals(0, 100, places=2), code=st.sampled_from(["", "A"])
)


def off(kind: str, value: str) -> Discount:
    return Discount(kind=DiscountKind(kind), value=Decimal(value), code="SPRING")


@pytest.mark.parametrize(
    ("discount", "total"),
    [
        (off("percent", "10"), 207),
        (off("percent", "100"), 0),
        (off("amount", "31"), 200),
        (off("amount", "1000"), 0),
        (off("points", "1"), 230),
        (off("energy", "1000"), 192),
        (off("energy", "100000"), 0),
    ],
)
def test_known_discounts(discount: Discount, total: int) -> None:
    bill = discounted(BILL, PRICE, [discount])

    assert (bill.total_minor, bill.tax_minor) == (total, pricing.tax_in(PRICE, total))
    assert (bill.lines[-1].amount_minor, bill.lines[-1].code) == (total - 231, "SPRING")


def test_free_energy_of_two_coupons_is_not_the_same_energy() -> None:
    twice = discounted(BILL, PRICE, [off("energy", "3000"), off("energy", "3000")])

    assert twice.total_minor == 0


@given(price=prices(), usage=usages(), discounts=st.lists(DISCOUNTS, max_size=4))
def test_lines_add_up_and_nothing_is_ever_paid_out(price: Price, usage: Usage, discounts: list[Discount]) -> None:
    before = pricing.bill(price, usage)

    after = discounted(before, price, discounts)

    assert 0 <= after.total_minor <= before.total_minor
    assert sum(line.amount_minor for line in after.lines) == after.total_minor
    assert 0 <= after.tax_minor <= after.total_minor
