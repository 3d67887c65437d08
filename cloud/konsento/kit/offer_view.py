"""What another server sells at an outlet, as drivers read it: in the management server's pages and in the portal's."""

from dataclasses import dataclass
from typing import Final

from konsento.kit.i18n import Language, marked
from konsento.kit.offers import OutletOffers, OutletState, PartKind, PricePart, SupplierOffer
from konsento.kit.power_words import power_type

STATES: Final = {
    OutletState.FREE: marked("Free now"),
    OutletState.BUSY: marked("In use"),
    OutletState.UNAVAILABLE: marked("Out of use"),
    OutletState.UNKNOWN: marked("No contact"),
}
TONES: Final = {
    OutletState.FREE: "",
    OutletState.BUSY: "wait",
    OutletState.UNAVAILABLE: "bad",
    OutletState.UNKNOWN: "bad",
}
_PARTS: Final = {
    PartKind.ENERGY: marked("{price} / kWh"),
    PartKind.TIME: marked("{price} / min"),
    PartKind.SESSION: marked("{price} per charging"),
    PartKind.IDLE: marked("{price} / min idle"),
}


@dataclass(frozen=True, kw_only=True)
class OfferView:
    """An offer."""

    name: str
    """What a link names it by."""
    price: str
    more: str
    """What else the price is of; empty for nothing."""
    power: str
    supplier: str
    carbon: str


def offer_views(language: Language, outlet: OutletOffers) -> list[OfferView]:
    """Describe what is sold at an outlet: by the kWh and cheapest first."""
    offers = sorted(outlet.offers, key=lambda offer: (offer.per_kwh is None, offer.per_kwh or 0, offer.name))
    return [offer_view(language, offer) for offer in offers]


def offer_view(language: Language, offer: SupplierOffer) -> OfferView:
    """Describe an offer."""
    head, more = _price(language, offer)
    return OfferView(
        name=offer.name,
        price=head,
        more=more,
        power=offer.power_names.get(language.code) or language.text(power_type(offer.power_type)),
        supplier=offer.supplier,
        carbon=language.text("CO₂ not stated")
        if offer.carbon_g_per_kwh is None
        else language.text("{grams} g CO₂/kWh", grams=offer.carbon_g_per_kwh),
    )


def _price(language: Language, offer: SupplierOffer) -> tuple[str, str]:
    """Return the headline, and the rest in one line."""

    def written(part: PricePart) -> str:
        return language.text(_PARTS[part.kind], price=language.unit_price(part.price, offer.currency))

    parts = list(offer.parts)
    energy = [part for part in parts if part.kind is PartKind.ENERGY]
    if offer.per_kwh is not None:
        head = language.text("{price} / kWh", price=language.unit_price(offer.per_kwh, offer.currency))
    else:
        head = written(parts.pop(0))
    more = [written(part) for part in parts if part.kind is not PartKind.ENERGY]
    if len(energy) > 1:
        more.insert(0, language.text("other rates at some times"))
    if offer.minimum:
        more.append(language.text("at least {price}", price=language.unit_price(offer.minimum, offer.currency)))
    if offer.maximum is not None:
        more.append(language.text("at most {price}", price=language.unit_price(offer.maximum, offer.currency)))
    return head, " · ".join(more)
