"""What a person computes with a spreadsheet, in plain arithmetic: none of the program's own code.

Energy in kWh, intensities in g/kWh, as in the worked example of docs/environment.md.
"""

from fractions import Fraction
from typing import Any

LOSS = Fraction(5, 100)
GRID = {"JP-13112": 423, "JP-27100": 423, "JP-47201": 707}
UPSTREAM = 77
RESIDUAL = {"A0269": 452, "A0272": 415, "unknown": 416}
RENEWABLE_UPSTREAM = {"solar": 48, "wind": 11}
MG = 1_000_000
"""mg in a kg: g per kWh times kWh is g; times 1,000 is mg."""


def line(region: str, power_type: str, supplier: str, use: str, wh: int) -> dict[str, int]:
    """Return one line of the sheet, in whole mg."""
    kwh = Fraction(wh, 1000)
    green = supplier != "unknown" and power_type in RENEWABLE_UPSTREAM
    market = 0 if green else RESIDUAL[supplier]
    market_upstream = RENEWABLE_UPSTREAM[power_type] if green else UPSTREAM
    fed_in = kwh / (1 - LOSS)
    return {
        "wh": wh,
        "scope1": 0,
        **_by("location", use, kwh * GRID[region], fed_in * UPSTREAM),
        **_by("market", use, kwh * market, fed_in * market_upstream),
    }


def hourly(use: str, half_hours: list[tuple[int, Fraction, Fraction]]) -> dict[str, int]:
    """Return the half-hourly figures of energy whose mixes are known: Wh, direct and upstream g/kWh fed in."""
    direct = sum((Fraction(wh, 1000) * g for wh, g, _ in half_hours), Fraction())
    fed_in_upstream = sum((Fraction(wh, 1000) / (1 - LOSS) * g for wh, _, g in half_hours), Fraction())
    lost = direct * LOSS / (1 - LOSS)
    return _by("hourly", use, direct, fed_in_upstream + lost)


def _by(method: str, use: str, generation: Fraction, beside: Fraction) -> dict[str, int]:
    scope2 = generation if use == "own" else Fraction()
    scope3 = beside + generation - scope2
    return {f"scope2_{method}": _mg(scope2), f"scope3_{method}": _mg(scope3)}


def _mg(grams: Fraction) -> int:
    return int(grams * 1000 + Fraction(1, 2))


def of_row(row: dict[str, Any], names: dict[str, int]) -> dict[str, int]:
    """Return of an answered row what the sheet has as well."""
    return {name: row[name] for name in names}
