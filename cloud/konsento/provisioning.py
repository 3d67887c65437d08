"""`konsento apply`: one file with what is sold, by whom and where. Applied again it changes nothing."""

import tomllib
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, ValidationError, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.apply import (
    CARBON_BELOW,
    LONGEST_NAME,
    SUPPLIER_CODE,
    WantedTariff,
    apply_tariff,
    tariff_names,
)
from konsento.catalogue.checks import PRICE_DIGITS, PRICES_BELOW
from konsento.catalogue.errors import BadContract, BadPowerType, BadSupplier, BadTariff
from konsento.catalogue.power import LONGEST_NAME as LONGEST_POWER_NAME
from konsento.catalogue.power import add_power_type, power_tree, rename_power_type
from konsento.catalogue.suppliers import (
    LONGEST_CONTACT,
    WantedContract,
    WantedSupplier,
    add_contract,
    add_supplier,
    change_supplier,
    end_contract,
    find_contract,
    suppliers,
)
from konsento.feeds.apply import RegionEntry, SourceEntry, apply_grid
from konsento.kit.errors import KonsentoError
from konsento.kit.money import minor_from_major
from konsento.models import Supplier
from konsento.partners.apply import PartnerEntry, apply_partner
from konsento.pricing import Band, Component, Rate
from konsento.pricing.following import Follows, FollowsSpot, FollowsWindows
from konsento.pricing.price import MINUTES
from konsento.settings import Settings
from konsento.sites.apply import apply_site
from konsento.sites.provisioning import BadFileError, Changes, Name, SiteEntry, Table
from konsento.sites.service import site_of_station

Amount = Annotated[Decimal, Field(ge=0, lt=PRICES_BELOW, decimal_places=PRICE_DIGITS)]
"""Major units: yen, euros."""
CLOCK: Final = "([01][0-9]|2[0-4]):[0-5][0-9]"
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class IdleEntry(Table):
    """`idle`: what it costs when the car takes nothing."""

    per_minute: Amount
    free_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    """How long each stretch of it costs nothing."""


class RatesEntry(Table):
    """What may cost something."""

    unit_price: Amount | None = None
    """Per kWh."""
    per_minute: Amount | None = None
    per_session: Amount | None = None
    idle: IdleEntry | None = None

    def rates(self, band: Band | None = None) -> list[Rate]:
        """Return the rates that are named."""
        named = {
            Component.ENERGY: self.unit_price,
            Component.TIME: self.per_minute,
            Component.SESSION: self.per_session,
            Component.IDLE: self.idle.per_minute if self.idle is not None else None,
        }
        free_s = self.idle.free_minutes * 60 if self.idle is not None else 0
        return [
            Rate(
                component=component,
                price=price.normalize() + 0,
                band=band,
                free_s=free_s if component is Component.IDLE else 0,
            )
            for component, price in named.items()
            if price is not None
        ]


class BandEntry(RatesEntry):
    """`bands`: other rates at some hours, on some weekdays, or in a season, by the clock of the site."""

    hours: Annotated[str, Field(pattern=f"^{CLOCK}-{CLOCK}$")] = "00:00-24:00"
    """`22:00-06:00` goes past midnight."""
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    season: Annotated[str, Field(pattern=r"^\d{2}-\d{2}/\d{2}-\d{2}$")] = "01-01/12-31"
    """First and last day, `12-01/02-28`: month and day."""

    def band(self) -> Band:
        """Return when it holds; the catalogue checks it."""
        begin, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in self.hours.split("-"))
        from_day, to_day = self.season.split("/")
        weekdays = frozenset(WEEKDAYS.index(day) for day in self.weekdays)
        # Midnight is the end of a day where it ends something.
        return Band(from_minute=begin, to_minute=end or MINUTES, weekdays=weekdays, from_day=from_day, to_day=to_day)


class WindowsEntry(Table):
    """`follows` of a price that is lower in recommended windows."""

    kind: Literal[Follows.WINDOWS]
    inside: Amount
    """Per kWh."""

    def read(self) -> FollowsWindows:
        """Return what is followed; the catalogue checks it."""
        return FollowsWindows(inside=self.inside)


class SpotEntry(Table):
    """`follows` of a price that is made from the spot price."""

    kind: Literal[Follows.SPOT]
    factor: Decimal = Decimal(1)
    plus: Decimal = Decimal(0)
    """Per kWh."""
    floor: Amount
    """Per kWh."""
    cap: Amount
    """Per kWh."""

    def read(self) -> FollowsSpot:
        """Return what is followed; the catalogue checks it."""
        return FollowsSpot(factor=self.factor, plus=self.plus, floor=self.floor, cap=self.cap)


class TariffEntry(RatesEntry):
    """`[[tariffs]]`."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    bands: tuple[BandEntry, ...] = ()
    follows: Annotated[WindowsEntry | SpotEntry, Field(discriminator="kind")] | None = None
    """What the price of energy follows; left out: nothing."""
    minimum: Amount | None = None
    """The least that one charging costs, tax included."""
    maximum: Amount | None = None
    """The most that one charging costs, tax included."""
    tax_included: bool = True
    power_type: str = "other"
    supplier: Name
    supplier_code: Annotated[str, Field(pattern=f"^{SUPPLIER_CODE}$")] | None = None
    """Its registration number (A0269): what measurements of energy name it by."""
    carbon_g_per_kwh: Annotated[int, Field(ge=0, lt=CARBON_BELOW)] | None = None
    """What its making emits, as the supplier states it; left out where that is not known."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    tax_rate: Annotated[Decimal, Field(ge=0, lt=1, decimal_places=PRICE_DIGITS)] | None = None


class PowerTypeEntry(Table):
    """`[[power_types]]`."""

    word: str
    parent: str
    name_en: Annotated[str, Field(min_length=1, max_length=LONGEST_POWER_NAME)]
    name_ja: Annotated[str, Field(min_length=1, max_length=LONGEST_POWER_NAME)]


class ContractEntry(Table):
    """`[[suppliers.contracts]]`."""

    site: str | None = None
    """Its `station_id`; left out: all sites."""
    begins: Annotated[AwareDatetime, Field(alias="from")]
    ends: Annotated[AwareDatetime | None, Field(alias="to")] = None
    supplier_share: Decimal
    owner_share: Decimal = Decimal(0)


class SupplierEntry(Table):
    """`[[suppliers]]`."""

    code: Annotated[str, Field(pattern=f"^{SUPPLIER_CODE}$")]
    name: Name
    contact: Annotated[str, Field(max_length=LONGEST_CONTACT)] = ""
    invoice_number: str = ""
    is_operator: bool = False
    contracts: tuple[ContractEntry, ...] = ()


class Provisioning(Table):
    """A whole file."""

    power_types: tuple[PowerTypeEntry, ...] = ()
    regions: tuple[RegionEntry, ...] = ()
    sources: tuple[SourceEntry, ...] = ()
    suppliers: tuple[SupplierEntry, ...] = ()
    tariffs: tuple[TariffEntry, ...] = ()
    sites: tuple[SiteEntry, ...] = ()
    partners: tuple[PartnerEntry, ...] = ()

    @model_validator(mode="after")
    def _belongs_together(self) -> Provisioning:
        _once("tariff", (tariff.name for tariff in self.tariffs))
        _once("power type", (kind.word for kind in self.power_types))
        _once("supplier", (supplier.code for supplier in self.suppliers))
        _once("region", (region.code for region in self.regions))
        _once("source", (source.name for source in self.sources))
        _once("partner", (partner.name for partner in self.partners))
        _once("station_id", (site.station_id for site in self.sites))
        _once("code", (outlet.code for site in self.sites for outlet in site.outlets if outlet.code))
        for site in self.sites:
            _once(f"evse_id of {site.station_id}", (str(outlet.evse_id) for outlet in site.outlets))
        return self


def _once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name!r} is there twice")
        seen.add(name)


def read(path: Path) -> Provisioning:
    """Read and check a file. Raises BadFileError."""
    try:
        return parse(path.read_text())
    except OSError as error:
        raise BadFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadFileError(f"{path}: not a text file") from error
    except BadFileError as error:
        raise BadFileError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error


def parse(text: str) -> Provisioning:
    """Check the text of a file. Raises BadFileError."""
    try:
        return Provisioning.model_validate(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise BadFileError(f"not TOML: {error}") from error
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in mistake['loc']) or 'file'}: {mistake['msg']}"
            # Without the values: one of them is a password.
            for mistake in error.errors(include_input=False, include_url=False)
        ]
        raise BadFileError("\n".join(lines)) from error


async def apply(session: AsyncSession, file: Provisioning, settings: Settings, at: datetime) -> Changes:
    """Bring the database to what a file says. Raises BadFileError; the caller's transaction is then rolled back."""
    changes = Changes()
    for kind in file.power_types:
        await _apply_power_type(session, kind, changes)
    for tariff in file.tariffs:
        try:
            line = await apply_tariff(session, await _wanted(session, tariff, settings), at)
        except BadTariff as error:
            raise BadFileError(f"tariff {tariff.name}: {error}") from error
        if line is not None:
            changes.note(line)
    await apply_grid(session, file.regions, file.sources, settings, changes)
    known = await tariff_names(session)
    for site in file.sites:
        for outlet in site.outlets:
            for name in outlet.offers:
                if name not in known:
                    raise BadFileError(f"outlet {site.station_id}/{outlet.evse_id}: no tariff {name!r}")
        await apply_site(session, site, changes)
    # After the sites that contracts are for.
    there = {row.code: row for row in await suppliers(session)}
    for supplier in file.suppliers:
        await _apply_supplier(session, supplier, there.get(supplier.code), changes)
        for contract in supplier.contracts:
            await _apply_contract(session, supplier.code, contract, at, changes)
    for partner in file.partners:
        await apply_partner(session, partner, settings, changes, at)
    return changes


async def _apply_power_type(session: AsyncSession, entry: PowerTypeEntry, changes: Changes) -> None:
    kind = (await power_tree(session)).get(entry.word)
    names = {"en": entry.name_en, "ja": entry.name_ja}
    try:
        if kind is None:
            await add_power_type(session, **entry.model_dump())
            changes.note(f"power type {entry.word}: added below {entry.parent}")
        elif kind.parent != entry.parent:
            raise BadFileError(f"power type {entry.word}: it lies below {kind.parent}, and stays there")
        elif kind.names != names:
            await rename_power_type(session, entry.word, name_en=entry.name_en, name_ja=entry.name_ja)
            changes.note(f"power type {entry.word}: is now called {entry.name_en!r}")
    except BadPowerType as error:
        raise BadFileError(f"power type {entry.word}: {_sentence(error)}") from error


async def _apply_supplier(
    session: AsyncSession, entry: SupplierEntry, there: Supplier | None, changes: Changes
) -> None:
    wanted = WantedSupplier(**entry.model_dump(exclude={"contracts"}))
    try:
        if there is None:
            await add_supplier(session, wanted)
            changes.note(f"supplier {entry.code}: added")
            return
        for name, new in (await change_supplier(session, wanted)).items():
            changes.note(f"supplier {entry.code}: {name} is now {str(new)!r}")
    except BadSupplier as error:
        raise BadFileError(f"supplier {entry.code}: {_sentence(error)}") from error


async def _apply_contract(
    session: AsyncSession, code: str, entry: ContractEntry, at: datetime, changes: Changes
) -> None:
    where = f"supplier {code}: contract for {entry.site or 'all sites'} from {entry.begins.isoformat()}"
    site = await site_of_station(session, entry.site) if entry.site is not None else None
    if entry.site is not None and site is None:
        raise BadFileError(f"{where}: no site {entry.site!r}")
    wanted = WantedContract(
        site_id=site.id if site is not None else None,
        valid_from=entry.begins,
        valid_to=entry.ends,
        supplier_share=entry.supplier_share,
        owner_share=entry.owner_share,
    )
    try:
        made = await find_contract(session, code, wanted.site_id, wanted.valid_from)
        if made is None:
            await add_contract(session, code, wanted)
            changes.note(f"{where}: added")
        elif (made.supplier_share, made.owner_share) != (wanted.supplier_share, wanted.owner_share):
            raise BadFileError(f"{where}: its shares stay; end it, and begin another one")
        elif made.valid_to != wanted.valid_to:
            if wanted.valid_to is None:
                raise BadFileError(f"{where}: it ends, and that stays; begin another one")
            await end_contract(session, code, made.id, wanted.valid_to, at)
            changes.note(f"{where}: ends {wanted.valid_to.isoformat()}")
    except (BadContract, BadSupplier) as error:
        raise BadFileError(f"{where}: {_sentence(error)}") from error


def _sentence(error: KonsentoError) -> str:
    return error.message.format(**error.values)


async def _wanted(session: AsyncSession, entry: TariffEntry, settings: Settings) -> WantedTariff:
    kinds = {kind.word for kind in await power_tree(session) if kind.sold}
    if entry.power_type not in kinds:
        raise BadFileError(f"tariff {entry.name}: power_type is one of {', '.join(sorted(kinds))}")
    if entry.currency not in {None, settings.currency}:
        raise BadFileError(f"tariff {entry.name}: this server's currency is {settings.currency}")
    return WantedTariff(
        name=entry.name,
        rates=(*entry.rates(), *(rate for band in entry.bands for rate in band.rates(band.band()))),
        currency=settings.currency,
        min_minor=_minor(entry, entry.minimum, settings.currency),
        max_minor=_minor(entry, entry.maximum, settings.currency),
        tax_included=entry.tax_included,
        following=entry.follows.read() if entry.follows is not None else None,
        tax_rate=(settings.tax_rate if entry.tax_rate is None else entry.tax_rate).normalize() + 0,
        power_type=entry.power_type,
        supplier=entry.supplier,
        supplier_code=entry.supplier_code or "",
        carbon_g_per_kwh=entry.carbon_g_per_kwh,
    )


def _minor(entry: TariffEntry, amount: Decimal | None, currency: str) -> int | None:
    try:
        return minor_from_major(amount, currency) if amount is not None else None
    except ValueError as error:
        raise BadFileError(f"tariff {entry.name}: {error}") from error
