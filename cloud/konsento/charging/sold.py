"""What a driver buys beside its price: copied into the session at its start and honoured."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from konsento.catalogue.service import Offer
from konsento.models import ChargingSession, Metering


@dataclass(frozen=True, kw_only=True)
class Sold:
    """What is sold, by whom, and who gets what of it. The names are those of the session's columns."""

    offer: str
    """Name of the tariff."""
    power_type: str
    """The standard word."""
    power_name: Mapping[str, str]
    """What the operator calls a power type of its own, by language; empty for a standard one."""
    supplier: str
    supplier_code: str
    carbon_g_per_kwh: int | None
    supplier_share: Decimal
    owner_share: Decimal
    metering: Metering

    def told(self) -> dict[str, object]:
        """Return what the driver is told of it: all but who gets what share."""
        return {name: value for name, value in vars(self).items() if not name.endswith("_share")}


def sold_by(offer: Offer) -> Sold:
    """Return what a session that takes an offer gets."""
    return Sold(
        offer=offer.name,
        power_type=offer.power_type,
        power_name=dict(offer.power.names),
        supplier=offer.supplier,
        supplier_code=offer.supplier_code,
        carbon_g_per_kwh=offer.carbon_g_per_kwh,
        supplier_share=offer.supplier_share,
        owner_share=offer.owner_share,
        metering=offer.metering,
    )


def sold_in(charging: ChargingSession) -> Sold:
    """Return what a session has got, whatever has become of the offer."""
    return Sold(
        offer=charging.offer,
        power_type=charging.power_type,
        power_name=charging.power_name,
        supplier=charging.supplier,
        supplier_code=charging.supplier_code,
        carbon_g_per_kwh=charging.carbon_g_per_kwh,
        supplier_share=charging.supplier_share,
        owner_share=charging.owner_share,
        metering=charging.metering,
    )
