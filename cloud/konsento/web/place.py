"""An outlet with what it sells now, and what somebody who asks has to do with it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue import service as catalogue
from konsento.catalogue.errors import NoTariff
from konsento.catalogue.service import Offer
from konsento.charging import metering
from konsento.charging import service as charging
from konsento.charging.checkout import FIXED
from konsento.charging.choice import usual_offer
from konsento.charging.errors import AmountNeeded, NothingToHold
from konsento.charging.limits import RequestedLimit
from konsento.charging.progress import Progress
from konsento.charging.quote import Quote, Terms, quoted, terms_of
from konsento.kit.i18n import Language
from konsento.models import Driver, Outlet, Tariff
from konsento.payments import service as payments
from konsento.payments import ways
from konsento.payments.errors import BalanceTooLow
from konsento.payments.ways import Method
from konsento.rewards import service as rewards
from konsento.rewards.benefits import Benefit
from konsento.rewards.facts import place_at
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import NotOnSaleYet
from konsento.web.language import language_of
from konsento.web.outlet_view import OutletView, outlet_view


@dataclass(frozen=True, kw_only=True)
class Place:
    """An outlet, what it sells now, and what the driver who asks has to do with it."""

    outlet: Outlet
    offers: Sequence[Offer]
    """What can be bought, at least one, in the outlet's order."""
    offer: Offer
    """What was named, else what the driver is likely to want."""
    gone: bool
    """What was named is not sold here any more."""
    driver: Driver | None
    methods: list[Method]
    """How the driver, or for nobody a guest, can pay; the usual way first."""
    mine: Progress | None
    """The driver's session that is on at this outlet."""
    explains_meter: bool
    """Before a start the driver reads how the outlet measures, and agrees (`charging.metering`)."""
    at: datetime
    """Now; or when it is to begin, for what is planned."""
    benefits: Mapping[str, Sequence[Benefit]]
    """What is given for buying, by the name of the offer."""

    @property
    def tariff(self) -> Tariff:
        """The price of the offer."""
        return self.offer.tariff

    @cached_property
    def terms(self) -> Terms:
        """The terms of a session that begins now."""
        return terms_of(self.offer, self.outlet, self.at)

    @property
    def funds_minor(self) -> int | None:
        """The most that any way to pay can hold; None for nobody, who may sign in with any balance."""
        return max((way.available_minor for way in self.methods), default=0) if self.driver is not None else None

    def quote(self, requested: RequestedLimit) -> Quote:
        """Return the quote for what somebody can pay. Raises `BadLimit`, `BalanceTooLow`, `AmountNeeded`."""
        return self.quotes(requested)[0][1]

    def quotes(self, requested: RequestedLimit) -> list[tuple[Method | None, Quote]]:
        """Return the ways to pay that can hold it, each with its quote; for nobody one quote alone.

        Until full, the hold depends on how one pays. Raises `BadLimit`, `BalanceTooLow`, and
        `AmountNeeded` where all of it would have to be paid before.
        """
        if self.driver is None:
            return [(None, quoted(self.terms, requested))]
        # Says what is wrong with the limit itself, before there is any question of money.
        quoted(self.terms, requested, self.funds_minor)
        fitting: list[tuple[Method | None, Quote]] = []
        for way in self.methods:
            if way.prepaid and requested.kind not in FIXED:
                continue
            with suppress(NothingToHold):
                quote = quoted(self.terms, requested, way.available_minor)
                if quote.hold_minor <= way.available_minor:
                    fitting.append((way, quote))
        if not fitting:
            raise AmountNeeded if any(way.prepaid for way in self.methods) else BalanceTooLow
        return fitting


async def place_of(
    session: AsyncSession,
    services: Services,
    code: str,
    driver: Driver | None,
    offer: str = "",
    *,
    begins: datetime | None = None,
) -> Place:
    """Return the place of a code; `offer` names what is bought, `begins` says when it is to begin, None for now.

    Raises `UnknownOutlet`, `NotOnSaleYet`, `NoTariff`.
    """
    outlet = await sites.outlet_by_code(session, code)
    if not outlet.offers:
        raise NotOnSaleYet
    at = begins or services.clock.now()
    offers = await catalogue.offers_of(session, outlet, at)
    if not offers:
        raise NoTariff
    driver_id = driver.id if driver is not None else None
    named = next((one for one in offers if one.name == offer), None)
    running = await charging.running(session, driver.id) if driver is not None else []
    mine = next((one for one in running if one.outlet_code == outlet.code), None)
    return Place(
        outlet=outlet,
        offers=offers,
        offer=named or await usual_offer(session, driver_id, outlet.id, offers),
        gone=bool(offer) and named is None,
        driver=driver,
        methods=await ways.methods(session, services, driver_id),
        mine=mine,
        explains_meter=await metering.is_open(session, outlet, driver_id),
        at=at,
        benefits=await rewards.benefits_of(session, [place_at(outlet, one) for one in offers], at),
    )


def view(request: Request, services: Services, place: Place) -> OutletView:
    """Return what the pages write about the outlet."""
    now = services.clock.now()
    return outlet_view(
        language_of(request),
        place.outlet,
        place.offers,
        now,
        chosen=place.offer,
        benefits=place.benefits,
        mine=place.mine is not None,
    )


def balance_text(request: Request, place: Place) -> str | None:
    """Return the driver's balance as it is read; None where the driver has none."""
    for way in place.methods:
        if way.provider == payments.DEFAULT:
            return language_of(request).money(way.available_minor, place.tariff.currency)
    return None


def meter_text(language: Language, place: Place) -> list[str]:
    """Return what a driver reads before they agree to how the outlet measures; nothing where they need not."""
    if not place.explains_meter:
        return []
    return [language.text(part, metering_class=place.outlet.metering_class) for part in metering.TEXT]
