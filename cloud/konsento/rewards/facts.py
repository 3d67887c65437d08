"""What rewards have to know of what is bought, and of what was billed."""

from dataclasses import dataclass
from uuid import UUID

from konsento.catalogue.offers import Offer
from konsento.models import ChargingSession, Driver, DriverKind, Outlet
from konsento.pricing import Bill, Usage


@dataclass(frozen=True, kw_only=True)
class Place:
    """What is sold, and where."""

    site_id: UUID
    outlet_id: UUID
    tariff_name: str
    power_type: str
    """A standard word."""
    supplier_code: str
    currency: str
    region: str | None
    """Of the grid; None where nothing is recommended."""


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What is about to be bought."""

    driver: Driver
    place: Place
    most_minor: int
    """The most that it can cost."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A session that has just been billed."""

    charging: ChargingSession
    """With outlet and site."""
    usage: Usage
    bill: Bill
    """With the lines of its discounts."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a session's driver got off its bill, and for it."""

    coupon: str = ""
    """Its code as it is read; empty for none, or where it took nothing off."""
    coupon_minor: int = 0
    """What it took off."""
    points_used: int = 0
    points_minor: int = 0
    """What they took off."""
    points_earned: int = 0
    coupons_earned: tuple[str, ...] = ()
    """Codes as they are read."""


def has_account(driver: Driver) -> bool:
    """Tell whether a driver is known beyond one visit, and so can have points."""
    return driver.kind in {DriverKind.ACCOUNT, DriverKind.UNCONFIRMED}


def place_at(outlet: Outlet, offer: Offer) -> Place:
    """Return what an offer at an outlet, its site loaded, sells."""
    return Place(
        site_id=outlet.site_id,
        outlet_id=outlet.id,
        tariff_name=offer.name,
        power_type=offer.power.travels_as,
        supplier_code=offer.supplier_code,
        currency=offer.price.currency,
        region=outlet.site.region,
    )


def place_of(charging: ChargingSession) -> Place:
    """Return what a session, its outlet and site loaded, has bought, and where."""
    return Place(
        site_id=charging.site_id,
        outlet_id=charging.outlet_id,
        tariff_name=charging.offer,
        power_type=charging.power_type,
        supplier_code=charging.supplier_code,
        currency=charging.currency,
        region=charging.outlet.site.region,
    )
