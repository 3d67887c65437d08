"""How much fits into a time at a wall outlet."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from konsento.advice.fits import kwh_that_fit, wh_that_fit
from konsento.grid.windows import Window

AT = datetime(2026, 5, 1, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "rated_w", "volts", "kwh"),
    [
        (8, 1500, 100, "9"),  # 12 A for hours, whatever it is rated for: 9.6 kWh
        (8, 3000, 200, "24"),
        (8, 7000, 200, "25"),  # 16 A: 25.6 kWh
        (8, 1000, 100, "8"),
        (2, 1200, 100, "2"),
        (0.5, 3200, 200, "1.5"),
        (0.1, 1200, 100, "0.0"),
        (-1, 1200, 100, "0.0"),
    ],
)
def test_what_fits_is_what_flows_for_hours_rounded_down(hours: float, rated_w: int, volts: int, kwh: str) -> None:
    window = Window(begin=AT, end=AT + timedelta(hours=hours))

    assert kwh_that_fit(window, rated_w, volts) == Decimal(kwh)


def test_energy_is_whole_watt_hours() -> None:
    assert wh_that_fit(Window(begin=AT, end=AT + timedelta(minutes=31)), 1200, 100) == 620
