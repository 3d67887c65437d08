"""What coupons and points take off a bill: always in the same order, never more than there is, lines that add up."""

import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from konsento.pricing import Component, Discount, DiscountKind, Price, Usage, bill, discounted
from konsento.rewards import codes, discounts

from ..pricing.prices import prices, usages

VALUES = st.decimals(Decimal("0.0001"), 1000, places=4)
POINT_DISCOUNTS = st.builds(discounts.of_points, st.integers(0, 10**6), VALUES)
COUPONS = st.one_of(
    st.builds(
        Discount,
        kind=st.just(DiscountKind.PERCENT),
        value=st.decimals(Decimal("0.01"), 100, places=2),
        code=st.just("P"),
    ),
    st.builds(
        Discount,
        kind=st.sampled_from([DiscountKind.AMOUNT, DiscountKind.ENERGY]),
        value=st.integers(1, 10**6).map(Decimal),
        code=st.just("A"),
    ),
)


@given(prices(), usages(), st.lists(COUPONS, max_size=4), POINT_DISCOUNTS, st.randoms())
def test_discounts_come_in_one_order_and_the_lines_add_up_to_what_is_paid(
    price: Price, usage: Usage, coupons: list[Discount], points: Discount, shuffle: random.Random
) -> None:
    full = bill(price, usage)
    wanted = [*coupons, points]
    off = discounted(full, price, discounts.in_order(wanted))

    kinds = [discount.kind for discount in discounts.in_order(wanted)]
    assert kinds == sorted(kinds, key=discounts.ORDER.index)
    assert 0 <= off.total_minor <= full.total_minor
    assert sum(line.amount_minor for line in off.lines) == off.total_minor
    assert 0 <= off.tax_minor <= off.total_minor
    assert discounts.taken_by_coupon(off) + discounts.taken_by_points(off) == full.total_minor - off.total_minor
    shuffle.shuffle(wanted)
    of_one_kind = len({discount.kind for discount in coupons}) == len(coupons)
    if of_one_kind:  # two of one kind keep the order in which they were given
        again = discounted(full, price, discounts.in_order(wanted))
        assert again == off


@given(st.integers(0, 10**6), st.integers(1, 10**6), VALUES)
def test_no_more_points_are_taken_than_what_they_took_off_needs(minor: int, reserved: int, value: Decimal) -> None:
    off = min(minor, discounts.worth_minor(reserved, value))

    needed = discounts.points_for(off, value)

    assert 0 <= needed <= reserved
    assert discounts.worth_minor(needed, value) >= off
    assert needed == 0 or discounts.worth_minor(needed - 1, value) < off


@given(prices(), usages())
def test_free_energy_is_taken_before_a_percentage(price: Price, usage: Usage) -> None:
    full = bill(price, usage)
    energy = sum(line.quantity for line in full.lines if line.component is Component.ENERGY)
    free = Discount(kind=DiscountKind.ENERGY, value=Decimal(energy), code="E")
    half = Discount(kind=DiscountKind.PERCENT, value=Decimal(50), code="P")

    off = discounted(full, price, discounts.in_order([half, free]))

    without = discounted(full, price, [free])
    assert off.total_minor == without.total_minor // 2


@given(st.text(max_size=40))
def test_a_code_reads_the_same_however_it_is_typed(text: str) -> None:
    once = codes.normal(text)
    assert codes.normal(once) == once


def test_codes_are_read_with_dashes_small_letters_and_full_width_signs() -> None:
    code = codes.new_code()
    assert codes.is_code(code)
    assert len(code) == codes.RANDOM_LENGTH
    assert codes.normal(f" {codes.label(code).lower()} ") == code
    assert codes.normal("ｓｕｎｎｙー１０") == codes.normal("Sunny 10") == "SUNNY10"  # as a phone types it
    assert codes.label("SUNNY10") == "SUNNY10"
