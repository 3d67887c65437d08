"""What is sold at an outlet as a driver compares it: price, carbon, power and supplier side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from konsento.catalogue.service import Offer
from konsento.kit.i18n import Language
from konsento.kit.power_words import power_text
from konsento.rewards.benefits import Benefit
from konsento.web.following_view import follows_briefly, follows_text
from konsento.web.price_view import PriceLine, idle_note, price_lines, price_text


@dataclass(frozen=True, kw_only=True)
class OfferView:
    """What the pages write about an offer."""

    name: str
    """What the form sends."""
    price: str
    """In one line."""
    price_lines: list[PriceLine]
    """All that it consists of; empty where the one line says all."""
    follows: str
    """What the price follows, and that it is fixed at the start; empty where it follows nothing."""
    follows_briefly: str
    """The same in a few words."""
    idle_note: str
    tax_rate: str
    power: str
    supplier: str
    carbon: str
    renewable: bool
    benefits: tuple[str, ...] = ()
    """What the driver gets beside the power."""


def offer_view(language: Language, offer: Offer, benefits: Sequence[Benefit] = ()) -> OfferView:
    """Describe an offer, with what is given for buying it."""
    price = offer.price
    return OfferView(
        name=offer.name,
        price=price_text(language, price),
        price_lines=price_lines(language, price) if not price.flat else [],
        follows=follows_text(language, offer),
        follows_briefly=follows_briefly(language, offer),
        idle_note=idle_note(language, price),
        tax_rate=language.percent(price.tax_rate),
        power=power_text(language, offer.power.word, offer.power.names),
        supplier=offer.supplier,
        carbon=carbon_text(language, offer.carbon_g_per_kwh),
        renewable=offer.power.renewable,
        benefits=tuple(benefit.text(language) for benefit in benefits),
    )


def carbon_text(language: Language, g_per_kwh: int | None) -> str:
    """Return a carbon factor as it is read; a plain word where it is not known."""
    if g_per_kwh is None:
        return language.text("CO₂ not stated")
    return language.text("{grams} g CO₂/kWh", grams=g_per_kwh)
