"""What can be bought at an outlet now: its tariffs in force, of suppliers that may sell there."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.errors import NoTariff, OfferGone
from konsento.catalogue.power import Kind, PowerTree, power_tree
from konsento.catalogue.slots import NO_SLOTS, Slots, slots_between
from konsento.catalogue.suppliers import contracts_in_force
from konsento.catalogue.tariffs import following_of, price_of, tariffs_in_force
from konsento.models import Contract, Metering, Outlet, OutletOffer, Supplier, Tariff
from konsento.pricing import Component, Price, Rate
from konsento.pricing.following import Following

NOTHING: Final = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One thing to buy at an outlet: power of a type and a supplier, at a price."""

    tariff: Tariff
    """The row in force."""
    price: Price
    """What charging costs that begins now, by the site's clock."""
    power: Kind
    metering: Metering
    """On what basis the outlet measures."""
    contract: Contract | None
    """By which the supplier sells there; None for the operator's own power."""

    @property
    def name(self) -> str:
        """What a start names it by."""
        return self.tariff.name

    @property
    def following(self) -> Following | None:
        """What the price of energy follows; None for nothing."""
        return following_of(self.tariff)

    @property
    def valid_until(self) -> datetime | None:
        """When the price changes; None where that is not known."""
        basis = self.price.basis
        ends = [at for at in (self.tariff.valid_to, basis.end if basis is not None else None) if at is not None]
        return min(ends, default=None)

    @property
    def supplier(self) -> str:
        """Who sells the power."""
        return self.tariff.supplier

    @property
    def supplier_code(self) -> str:
        """The supplier's registration number; empty where it has none."""
        return self.tariff.supplier_code

    @property
    def power_type(self) -> str:
        """The standard word of where the power comes from."""
        return self.power.travels_as

    @property
    def carbon_g_per_kwh(self) -> int | None:
        """As the supplier states it, g of CO2 equivalent per kWh; None: not known."""
        return self.tariff.carbon_g_per_kwh

    @property
    def supplier_share(self) -> Decimal:
        """What the supplier gets of the net amount."""
        return self.contract.supplier_share if self.contract is not None else NOTHING

    @property
    def owner_share(self) -> Decimal:
        """What the site's owner gets of the net amount."""
        return self.contract.owner_share if self.contract is not None else NOTHING


@dataclass(frozen=True, kw_only=True)
class OnSale:
    """What is sold anywhere at one moment: pure, made from rows."""

    at: datetime
    """The moment whose slot counts for prices that follow the grid."""
    tariffs: Mapping[str, Tariff]
    """In force, by name."""
    power: PowerTree
    bound: Collection[str]
    """Codes of suppliers that sell only by contract."""
    contracts: Mapping[str, Mapping[UUID | None, Contract]] = field(default_factory=dict)
    """In force, by supplier's code and site; the site None for all."""
    slots: Slots = NO_SLOTS
    """Recommended windows and spot prices of the moment."""

    def offers_of(self, outlet: Outlet) -> list[Offer]:
        """Return what can be bought at an outlet, whose site and offers are loaded, in its order."""
        return [offer for name in outlet.tariff_names if (offer := self._offer(outlet, name)) is not None]

    def chosen(self, outlet: Outlet, name: str | None) -> Offer:
        """Return the offer of that name, the first one without any. Raises `NoTariff`, `OfferGone`."""
        offers = self.offers_of(outlet)
        if not offers:
            raise NoTariff
        if not name:
            return offers[0]
        for offer in offers:
            if offer.name == name:
                return offer
        raise OfferGone

    def may_sell(self, outlet: Outlet, tariff: Tariff) -> bool:
        """Tell whether an outlet may be sold at a tariff: by its meter, and by its supplier's contract."""
        if outlet.metering is Metering.ESTIMATED and by_energy(tariff):
            return False
        return tariff.supplier_code not in self.bound or self._contract(outlet, tariff) is not None

    def _contract(self, outlet: Outlet, tariff: Tariff) -> Contract | None:
        of_supplier = self.contracts.get(tariff.supplier_code, {})
        return of_supplier.get(outlet.site_id) or of_supplier.get(None)

    def _offer(self, outlet: Outlet, name: str) -> Offer | None:
        tariff = self.tariffs.get(name)
        if tariff is None or not self.may_sell(outlet, tariff):
            return None
        price = self.slots.price(tariff, price_of(tariff, outlet.site.time_zone), outlet.site.region, self.at)
        return Offer(
            tariff=tariff,
            price=without_energy(price) if outlet.metering is Metering.ESTIMATED else price,
            power=self.power.kind(tariff.power_type),
            metering=outlet.metering,
            contract=self._contract(outlet, tariff),
        )

    def sold(self) -> ColumnElement[bool]:
        """Return the condition of a query that anything is sold at an outlet: as `offers_of`, for the database."""
        everywhere = [name for name, tariff in self.tariffs.items() if self._everywhere(tariff.supplier_code)]
        conditions: list[ColumnElement[bool]] = [OutletOffer.tariff_name.in_(everywhere)]
        for code, of_sites in self.contracts.items():
            if code in self.bound and None not in of_sites:
                names = [name for name, tariff in self.tariffs.items() if tariff.supplier_code == code]
                conditions.append(and_(OutletOffer.tariff_name.in_(names), Outlet.site_id.in_(of_sites)))
        by_time = [name for name, tariff in self.tariffs.items() if not by_energy(tariff)]
        allowed = or_(Outlet.metering != Metering.ESTIMATED, OutletOffer.tariff_name.in_(by_time))
        offer = select(OutletOffer.outlet_id).where(OutletOffer.outlet_id == Outlet.id, or_(*conditions), allowed)
        return offer.correlate(Outlet).exists()

    def _everywhere(self, code: str) -> bool:
        return code not in self.bound or None in self.contracts.get(code, {})


def by_energy(tariff: Tariff) -> bool:
    """Tell whether anything is charged by the kWh, at some time at least."""
    if tariff.follows is not None:
        return True
    rates = (Rate.from_dict(rate) for rate in tariff.rates)
    return any(rate.component is Component.ENERGY and rate.price > 0 for rate in rates)


def without_energy(price: Price) -> Price:
    """Return a price whose energy costs nothing without any word of energy; that of free power stays as it is."""
    rates = tuple(rate for rate in price.rates if rate.component is not Component.ENERGY)
    return replace(price, rates=rates) if rates else price


async def on_sale(
    session: AsyncSession, at: datetime, outlet: Outlet | None = None, *, priced_at: datetime | None = None
) -> OnSale:
    """Return what is sold at a moment: anywhere, or at one outlet, whose site and offers are loaded.

    `priced_at` is another moment whose slot counts for prices that follow the grid: the one in which a driver agreed.
    """
    contracts: defaultdict[str, dict[UUID | None, Contract]] = defaultdict(dict)
    for contract in await contracts_in_force(session, at):
        contracts[contract.supplier.code][contract.site_id] = contract
    tariffs = await tariffs_in_force(session, at, outlet.tariff_names if outlet is not None else None)
    agreed = priced_at or at
    return OnSale(
        at=agreed,
        tariffs=tariffs,
        power=await power_tree(session),
        bound=set(await session.scalars(select(Supplier.code).where(~Supplier.is_operator))),
        contracts=contracts,
        slots=await slots_between(
            session,
            tariffs.values(),
            agreed,
            agreed + timedelta(seconds=1),
            regions=None if outlet is None else [outlet.site.region],
        ),
    )


async def offers_of(session: AsyncSession, outlet: Outlet, at: datetime) -> list[Offer]:
    """Return what can be bought at an outlet, whose site and offers (`WITH_OFFERS`) are loaded, at a moment."""
    return (await on_sale(session, at, outlet)).offers_of(outlet)
