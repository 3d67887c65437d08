"""Power types as people read them. Marked for translation; `Language.text` translates."""

from konsento.kit.i18n import marked

POWER_TYPES = {
    "renewable": marked("Renewable power"),
    "solar": marked("Solar"),
    "wind": marked("Wind"),
    "hydro": marked("Hydro"),
    "geothermal": marked("Geothermal"),
    "biomass": marked("Biomass"),
    "gas": marked("Gas"),
    "coal": marked("Coal"),
    "oil": marked("Oil"),
}
OTHER_POWER = marked("Other power")


def power_type(name: str) -> str:
    """Return the message for a power type."""
    return POWER_TYPES.get(name, OTHER_POWER)
