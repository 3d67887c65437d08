"""Where power comes from, as people read it. Marked for translation; `Language.text` translates."""

from collections.abc import Mapping
from typing import Final

from konsento.kit.i18n import Language, marked

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


def power_text(language: Language, name: str, own: Mapping[str, str]) -> str:
    """Return what a power type is called: by the operator's own names of it, if it has any."""
    return own.get(language.code) or language.text(power_type(name))
