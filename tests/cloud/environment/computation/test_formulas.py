"""What energy causes: the worked example of docs/environment.md, and that nothing is counted twice."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.environment.computation.formulas import Intensity, from_the_grid, generated_on_site, rounded
from konsento.environment.wire import Use

GRID = Intensity(direct=Decimal(423), upstream=Decimal(77), losses_within=True)
MENU = Intensity(direct=Decimal(452), upstream=Decimal(77), losses_within=True)
GREEN = Intensity(direct=Decimal(0), upstream=Decimal(48), losses_within=True)
DIESEL = Intensity(direct=Decimal(697), upstream=Decimal(43))
MIX = Intensity(direct=Decimal(400), upstream=Decimal(80))
LOSS = Decimal("0.05")

shares = st.decimals(min_value=0, max_value=Decimal("0.5"), places=3)
grams = st.decimals(min_value=0, max_value=2000, places=1)


@pytest.mark.parametrize(
    ("intensity", "use", "scope2", "scope3"),
    [
        (GRID, Use.OWN, 2_538_000, 486_316),
        (GRID, Use.RESOLD, 0, 3_024_316),
        (MENU, Use.OWN, 2_712_000, 486_316),
        (MENU, Use.RESOLD, 0, 3_198_316),
        (GREEN, Use.OWN, 0, 303_158),
        (GREEN, Use.RESOLD, 0, 303_158),
        (MIX, Use.OWN, 2_400_000, 631_579),
        (MIX, Use.RESOLD, 0, 3_031_579),
    ],
)
def test_six_kilowatt_hours_cause_what_the_worked_example_says(
    intensity: Intensity, use: Use, scope2: int, scope3: int
) -> None:
    found = from_the_grid(6000, intensity, LOSS, use)
    assert (rounded(found.scope1), rounded(found.scope2), rounded(found.scope3)) == (0, scope2, scope3)


def test_what_the_sites_own_plant_generates_is_scope_1_and_loses_nothing_in_the_grid() -> None:
    found = generated_on_site(6000, DIESEL)
    assert (rounded(found.scope1), rounded(found.scope2), rounded(found.scope3)) == (4_182_000, 0, 258_000)


@given(st.integers(0, 10**12), grams, grams, shares)
def test_energy_causes_the_same_in_all_whoever_uses_it(
    wh: int, direct: Decimal, upstream: Decimal, loss: Decimal
) -> None:
    intensity = Intensity(direct=direct, upstream=upstream)
    own, resold = (from_the_grid(wh, intensity, loss, use) for use in (Use.OWN, Use.RESOLD))
    assert abs(own.total - resold.total) < Decimal("0.001")
    # In all: what is fed in, at its life-cycle value.
    assert abs(own.total - wh / (1 - loss) * (direct + upstream)) < Decimal("0.001")
    assert resold.scope2 == 0


@given(st.integers(0, 10**12), grams, grams, shares)
def test_losses_that_the_figure_holds_already_are_not_added_again(
    wh: int, direct: Decimal, upstream: Decimal, loss: Decimal
) -> None:
    delivered = Intensity(direct=direct / (1 - loss), upstream=upstream, losses_within=True)
    at_the_plant = Intensity(direct=direct, upstream=upstream)
    totals = [from_the_grid(wh, intensity, loss, Use.OWN).total for intensity in (delivered, at_the_plant)]
    assert abs(totals[0] - totals[1]) < Decimal("0.01")


@pytest.mark.parametrize("loss", ["-0.01", "1", "1.5"])
def test_a_loss_that_is_no_share_is_a_mistake(loss: str) -> None:
    with pytest.raises(ValueError, match="no share"):
        from_the_grid(1, GRID, Decimal(loss), Use.OWN)
