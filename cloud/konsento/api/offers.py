"""What is sold at an outlet, and how it measures."""

from pydantic import BaseModel, Field

from konsento.api.schemas import Follows, Price, follows, price
from konsento.catalogue import service as catalogue
from konsento.charging import metering
from konsento.kit.i18n import Language
from konsento.kit.power_words import power_text
from konsento.models import Metering, Outlet


class PowerOffer(BaseModel):
    """Something to buy at an outlet: power of a type and a supplier, at a price."""

    name: str = Field(description="Names it as `offer` of a quote and of a start.", examples=["day"])
    price: Price = Field(description="Of a session that begins now.")
    follows: Follows | None = Field(description="What the price of energy follows; null for nothing.")
    power_type: str = Field(description="Where the power comes from: a word of the contract.", examples=["solar"])
    power_name: str = Field(description="The same for a person, in the language of the request.", examples=["Solar"])
    renewable: bool = Field(examples=[True])
    supplier: str = Field(examples=["Sakura Energy"])
    supplier_code: str = Field(description="Its registration number; empty for none.", examples=["A0269"])
    carbon_g_per_kwh: int | None = Field(
        description="What the making of the power emits, as its supplier states it: g of CO₂ equivalent per kWh; null "
        "where it is not known.",
        examples=[25],
    )


class Explanation(BaseModel):
    """What a driver reads, and agrees to once for each version, before a start at an outlet with a notified meter."""

    version: str = Field(description="Send it as `agreed_metering` of the start.", examples=[metering.VERSION])
    text: list[str] = Field(description="Paragraphs, in the language of the request.")


class MeteringBasis(BaseModel):
    """On what basis an outlet measures energy."""

    basis: Metering = Field(
        description="`verified`: by a verified meter. `notified`: by one of a stated class. `estimated`: by none that "
        "counts before the law; energies are equivalents there, and nothing is sold by the kWh.",
        examples=["verified"],
    )
    meter_class: str = Field(description="Of a notified meter; empty otherwise.", examples=[""])
    explanation: Explanation | None = Field(description="Null unless the meter is a notified one.")


def power_offer(language: Language, offer: catalogue.Offer) -> PowerOffer:
    """Describe an offer."""
    return PowerOffer(
        name=offer.name,
        price=price(offer.price),
        follows=follows(offer.following, offer.price),
        power_type=offer.power_type,
        power_name=power_text(language, offer.power.word, offer.power.names),
        renewable=offer.power.renewable,
        supplier=offer.supplier,
        supplier_code=offer.supplier_code,
        carbon_g_per_kwh=offer.carbon_g_per_kwh,
    )


def metering_of(language: Language, outlet: Outlet) -> MeteringBasis:
    """Describe how an outlet measures."""
    explained = None
    if outlet.metering is Metering.NOTIFIED:
        text = [language.text(part, metering_class=outlet.metering_class) for part in metering.TEXT]
        explained = Explanation(version=metering.VERSION, text=text)
    return MeteringBasis(basis=outlet.metering, meter_class=outlet.metering_class, explanation=explained)
