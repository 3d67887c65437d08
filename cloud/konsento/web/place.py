"""An outlet with its price now, and what somebody who asks has to do with it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue import service as catalogue
from konsento.charging import service as charging
from konsento.charging.errors import NothingToHold
from konsento.charging.limits import RequestedLimit
from konsento.charging.progress import Progress
from konsento.charging.quote import Quote, Terms, quoted, terms_of
from konsento.models import Driver, Outlet, Tariff
from konsento.payments import service as payments
from konsento.payments.errors import BalanceTooLow
from konsento.payments.service import Method
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import NotOnSaleYet
from konsento.web.language import language_of
from konsento.web.outlet_view import OutletView, outlet_view


@dataclass(frozen=True, kw_only=True)
class Place:
    """An outlet, its price now, and what the driver who asks has to do with it."""

    outlet: Outlet
    tariff: Tariff
    driver: Driver | None
    methods: list[Method]
    """How the driver, or for nobody a guest, can pay; the usual way first."""
    mine: Progress | None
    """The driver's session that is on at this outlet."""
    at: datetime
    """Now."""

    @cached_property
    def terms(self) -> Terms:
        """The terms of a session that begins now."""
        return terms_of(self.tariff, self.outlet, self.at)

    @property
    def funds_minor(self) -> int | None:
        """The most that any way to pay can hold; None for nobody, who may sign in with any balance."""
        return max((way.available_minor for way in self.methods), default=0) if self.driver is not None else None

    def quote(self, requested: RequestedLimit) -> Quote:
        """Return the quote for what somebody can pay. Raises `BadLimit`, `BalanceTooLow`."""
        return self.quotes(requested)[0][1]

    def quotes(self, requested: RequestedLimit) -> list[tuple[Method | None, Quote]]:
        """Return the ways to pay that can hold it, each with its quote; for nobody one quote alone.

        Until full, the hold depends on how one pays. Raises `BadLimit`, `BalanceTooLow`.
        """
        if self.driver is None:
            return [(None, quoted(self.terms, requested))]
        # Says what is wrong with the limit itself, before there is any question of money.
        quoted(self.terms, requested, self.funds_minor)
        fitting: list[tuple[Method | None, Quote]] = []
        for way in self.methods:
            with suppress(NothingToHold):
                quote = quoted(self.terms, requested, way.available_minor)
                if quote.hold_minor <= way.available_minor:
                    fitting.append((way, quote))
        if not fitting:
            raise BalanceTooLow
        return fitting


async def place_of(session: AsyncSession, services: Services, code: str, driver: Driver | None) -> Place:
    """Return the place of a code. Raises `UnknownOutlet`, `NotOnSaleYet`, `NoTariff`."""
    outlet = await sites.outlet_by_code(session, code)
    if outlet.tariff_name is None:
        raise NotOnSaleYet
    now = services.clock.now()
    tariff = await catalogue.tariff_in_force(session, outlet.tariff_name, now)
    running = await charging.running(session, driver.id) if driver is not None else []
    mine = next((one for one in running if one.outlet_code == outlet.code), None)
    methods = await payments.methods(session, services.settings, driver.id if driver is not None else None)
    return Place(outlet=outlet, tariff=tariff, driver=driver, methods=methods, mine=mine, at=now)


def view(request: Request, services: Services, place: Place) -> OutletView:
    """Return what the pages write about the outlet."""
    now = services.clock.now()
    return outlet_view(language_of(request), place.outlet, place.tariff, now, mine=place.mine is not None)


def balance_text(request: Request, place: Place) -> str | None:
    """Return the driver's balance as it is read; None where the driver has none."""
    for way in place.methods:
        if way.provider == payments.DEFAULT:
            return language_of(request).money(way.available_minor, place.tariff.currency)
    return None
