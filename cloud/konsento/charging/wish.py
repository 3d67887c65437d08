"""What a driver wants to charge, and whether that can be had: looked at before anything is held for it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue import service as catalogue
from konsento.catalogue.errors import NoTariff
from konsento.catalogue.offers import Offer
from konsento.charging import metering
from konsento.charging.errors import PriceChanged, StillUnpaid
from konsento.charging.limits import RequestedLimit
from konsento.charging.quote import Quote, Terms, terms_of
from konsento.models import Driver, LimitKind, Outlet
from konsento.rewards import service as rewards
from konsento.rewards.facts import Purchase, place_at
from konsento.rewards.service import Checked, Wanted
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.sites import service as sites


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a driver wants to charge, where, and what the driver has agreed to."""

    driver_id: UUID
    outlet_code: str
    requested: RequestedLimit
    offer: str | None = None
    """Names what is bought (`catalogue.offers`); None for what the outlet sells first."""
    agreed: str | None = None
    """The fingerprint of the price that the driver was shown; None where none was."""
    priced_at: datetime | None = None
    """When it was agreed to, where that is a while ago: a price that follows the grid is that of then; None: now."""
    begins_at: datetime | None = None
    """When it is to begin, for what is planned: at the price of then; None: now."""
    ends_at: datetime | None = None
    """When supply ends at the latest, whatever else it is limited by; None for no such time."""
    most_minor: int | None = None
    """The most that may be held for it; None for as much as there is."""
    agreed_metering: str | None = None
    """The version of the explanation of its meter that the driver has just agreed to (`charging.metering`)."""
    coupon: str = ""
    """As it was typed; empty for none."""
    points: int = 0
    """How many of the driver's points the bill may take at most."""

    def within(self, funds_minor: int) -> int:
        """Return how much of what there is may be held."""
        return funds_minor if self.most_minor is None else min(funds_minor, self.most_minor)


@dataclass(frozen=True, kw_only=True)
class Buyable:
    """What a wish comes to at its outlet now."""

    outlet: Outlet
    offer: Offer
    terms: Terms


async def look_up(session: AsyncSession, services: Services, wish: Wish, outlet: Outlet) -> Buyable:
    """Return what a wish comes to.

    Raises the obstacles of `sites.errors`, `NoTariff`, `OfferGone`, `PriceChanged` and `StillUnpaid`.
    """
    now = services.clock.now()
    obstacle = sites.obstacle(outlet, now)
    if obstacle is not None:
        raise obstacle
    begins = wish.begins_at or now
    offer = (await catalogue.on_sale(session, begins, outlet, priced_at=wish.priced_at)).chosen(outlet, wish.offer)
    terms = terms_of(offer, outlet, begins)
    if wish.ends_at is not None:
        terms = replace(terms, outlet_s=min(terms.most_s, max(1, int((wish.ends_at - begins).total_seconds()))))
    if wish.agreed is not None and wish.agreed != terms.price.fingerprint:
        raise PriceChanged
    if await settlement.is_overdue(session, services, wish.driver_id):
        raise StillUnpaid
    if wish.requested.kind is LimitKind.MONEY and terms.price.currency != services.settings.currency:
        raise NoTariff  # left from before the server's currency was changed
    return Buyable(outlet=outlet, offer=offer, terms=terms)


async def check(session: AsyncSession, services: Services, wish: Wish, buyable: Buyable, quote: Quote) -> Checked:
    """Return what comes off the bill, and write down what was agreed to about the meter.

    Raises the reasons of `CannotDiscount`, and `MeteringNotAgreed`.
    """
    now = services.clock.now()
    driver = await session.get_one(Driver, wish.driver_id)
    place = place_at(buyable.outlet, buyable.offer)
    purchase = Purchase(driver=driver, place=place, most_minor=quote.hold_minor)
    wanted = Wanted(coupon=wish.coupon, points=wish.points)
    off = await rewards.check(session, services.settings, purchase, wanted, now)
    await metering.settle(session, buyable.outlet, wish.driver_id, wish.agreed_metering, now)
    return off
