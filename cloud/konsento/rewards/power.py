"""Which kinds of power a rule or a coupon is about."""

from collections.abc import Mapping
from typing import Final

RENEWABLE: Final = "renewable"
STANDARD: Final[Mapping[str, str | None]] = {
    RENEWABLE: None,
    **dict.fromkeys(("solar", "wind", "hydro", "geothermal", "biomass"), RENEWABLE),
    "other": None,
    **dict.fromkeys(("gas", "coal", "oil"), "other"),
}
"""Every power type with what it is a part of."""


def lineage(word: str) -> frozenset[str]:
    """Return a standard power type and all that it is a part of: solar, renewable."""
    found, at = set[str](), word or None
    while at is not None and at not in found:
        found.add(at)
        at = STANDARD.get(at)
    return frozenset(found)
