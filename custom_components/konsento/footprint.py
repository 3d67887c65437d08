"""What the energy of a site means for the climate: an estimate for its owner, from published factors.

Two figures, side by side as in the computation system (docs/environment.md): by the average of the grid, and by the
power types that were sold, over their whole life. The factors are those that it ships; a test compares them. What has
no factor is counted apart and never guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from .const import CONF_GRID_FACTOR, CONF_MEASUREMENTS, CONF_REGION
from .control.session import Session
from .history import Period, energy_of

MOST_G_PER_KWH: Final = 3000
"""Of any grid: twice the dirtiest fuel, so more is a mistake of units."""

RENEWABLE: Final = frozenset({"solar", "wind", "hydro", "geothermal", "biomass"})

LIFECYCLE: Final = {"solar": 48, "wind": 11, "hydro": 24, "geothermal": 38, "biomass": 230, "gas": 490, "coal": 820}
"""g CO2e/kWh by power type."""
LIFECYCLE_SOURCE: Final = {
    "title": "IPCC, Fifth Assessment Report, Working Group III, Annex III, Table A.III.2",
    "url": "https://www.ipcc.ch/site/assets/uploads/2018/02/ipcc_wg3_ar5_annex-iii.pdf",
    "edition": "2014",
}

_OKINAWA: Final = frozenset({"JP-A10", "JP-47"})
GRID_AVERAGE: Final = {"JP": 423, "JP-A10": 707}
"""g CO2/kWh that reaches customers; Okinawa's grid is its own."""
GRID_SOURCE: Final = {
    "title": ("環境省・経済産業省「電気事業者別排出係数（特定排出者の温室効果ガス排出量算定用）」令和6年度実績"),
    "url": "https://policies.env.go.jp/earth/ghg-santeikohyo/files/calc/r08_denki_coefficient_rev4.pdf",
    "edition": "2026-08-03",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GridFactor:
    """What one kWh from the grid causes on average."""

    g_per_kwh: float
    source: Mapping[str, str] | None
    """Of the table; None where the owner has entered it."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for a page."""
        return {"g_per_kwh": self.g_per_kwh, "source": dict(self.source) if self.source else None}


def grid_factor(options: Mapping[str, Any], country: str | None) -> GridFactor | None:
    """Return the factor of the owner's grid: the one that was entered, or that of the country; None: not known."""
    if (entered := options.get(CONF_GRID_FACTOR)) is not None:
        return GridFactor(g_per_kwh=entered, source=None)
    region = options.get(CONF_MEASUREMENTS, {}).get(CONF_REGION) or country or ""
    if region.partition("-")[0] != "JP":
        return None
    # Municipalities have the number of their prefecture in front: JP-47201 is Naha.
    key = "JP-A10" if region in _OKINAWA or region.startswith("JP-47") else "JP"
    return GridFactor(g_per_kwh=GRID_AVERAGE[key], source=GRID_SOURCE)


def summary(sessions: Iterable[Session], period: Period, grid: GridFactor | None) -> dict[str, Any]:
    """Return the energy of a period by power type and supplier, Wh, and what it caused, g CO2e."""
    by_type: dict[str | None, int] = defaultdict(int)
    by_supplier: dict[str | None, int] = defaultdict(int)
    for session in sessions:
        mwh = sum(part for day, part in energy_of(session).items() if _within(day, period))
        if mwh:
            by_type[session.power_type.lower() or None] += mwh
            by_supplier[session.supplier or None] += mwh
    whole = sum(by_type.values())
    known = {kind: mwh for kind, mwh in by_type.items() if kind in LIFECYCLE}
    renewable = sum(mwh for kind, mwh in by_type.items() if kind in RENEWABLE)
    return {
        "wh": whole / 1000,
        "by_power_type": [
            {
                "power_type": kind,
                "wh": mwh / 1000,
                "renewable": kind in RENEWABLE,
                "g_per_kwh": LIFECYCLE.get(kind or ""),
            }
            for kind, mwh in _falling(by_type)
        ],
        "by_supplier": [{"supplier": name, "wh": mwh / 1000} for name, mwh in _falling(by_supplier)],
        # Where nothing was stated, nothing is known.
        "renewable_share": renewable / whole if by_type.keys() - {None} else None,
        "grid": grid.to_dict() if grid else None,
        "co2_by_grid_g": whole / 1_000_000 * grid.g_per_kwh if grid else None,
        "co2_by_type_g": sum(mwh / 1_000_000 * LIFECYCLE[kind] for kind, mwh in known.items() if kind),
        "without_factor_wh": (whole - sum(known.values())) / 1000,
        "types_source": LIFECYCLE_SOURCE,
    }


def _within(day: date, period: Period) -> bool:
    return period.first <= day <= period.last


def _falling(energy: Mapping[str | None, int]) -> list[tuple[str | None, int]]:
    return sorted(energy.items(), key=lambda each: -each[1])
