"""Where power comes from, as people read it. Marked for translation; `Language.text` translates."""

from typing import Final

from konsento.kit.i18n import marked

POWER_TYPES: Final = {
    "renewable": marked("Renewable energy"),
    "solar": marked("Solar"),
    "wind": marked("Wind"),
    "hydro": marked("Hydro"),
    "geothermal": marked("Geothermal"),
    "biomass": marked("Biomass"),
    "gas": marked("Gas"),
    "coal": marked("Coal"),
    "oil": marked("Oil"),
}
OTHER_POWER: Final = marked("Other power")


def power_type(name: str) -> str:
    """Return the message for a power type."""
    return POWER_TYPES.get(name, OTHER_POWER)
