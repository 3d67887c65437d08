"""What rewards have to know of what is bought, and of what was billed."""

from dataclasses import dataclass
from uuid import UUID

from konsento.models import ChargingSession, Driver, DriverKind
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


def has_account(driver: Driver) -> bool:
    """Tell whether a driver is known beyond one visit, and so can have points."""
    return driver.kind in {DriverKind.ACCOUNT, DriverKind.UNCONFIRMED}


def place_of(charging: ChargingSession) -> Place:
    """Return what a session has bought, and where."""
    return Place(
        site_id=charging.site_id,
        outlet_id=charging.outlet_id,
        tariff_name=charging.offer,
        power_type=charging.power_type,
        supplier_code=charging.supplier_code,
        currency=charging.currency,
    )
