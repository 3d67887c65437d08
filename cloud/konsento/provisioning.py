"""`konsento apply`: one file with tariffs, sites and outlets. Applied again it changes nothing."""

import tomllib
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.apply import (
    LONGEST_NAME,
    PRICE_DIGITS,
    PRICES_BELOW,
    SUPPLIER_CODE,
    WantedTariff,
    apply_tariff,
    tariff_names,
)
from konsento.catalogue.service import POWER_TYPES
from konsento.partners.apply import PartnerEntry, apply_partner
from konsento.settings import Settings
from konsento.sites.apply import apply_site
from konsento.sites.provisioning import BadFileError, Changes, Name, SiteEntry, Table


class TariffEntry(Table):
    """`[[tariffs]]`."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    unit_price: Annotated[Decimal, Field(ge=0, lt=PRICES_BELOW, decimal_places=PRICE_DIGITS)]
    power_type: str = "other"
    supplier: Name
    supplier_code: Annotated[str, Field(pattern=f"^{SUPPLIER_CODE}$")] | None = None
    """Its registration number (A0269): what measurements of energy name it by."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    tax_rate: Annotated[Decimal, Field(ge=0, lt=1, decimal_places=PRICE_DIGITS)] | None = None


class Provisioning(Table):
    """A whole file."""

    tariffs: tuple[TariffEntry, ...] = ()
    sites: tuple[SiteEntry, ...] = ()
    partners: tuple[PartnerEntry, ...] = ()

    @model_validator(mode="after")
    def _belongs_together(self) -> Provisioning:
        _once("tariff", (tariff.name for tariff in self.tariffs))
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
    for tariff in file.tariffs:
        line = await apply_tariff(session, _wanted(tariff, settings), at)
        if line is not None:
            changes.note(line)
    known = await tariff_names(session)
    for site in file.sites:
        for outlet in site.outlets:
            if outlet.tariff not in known:
                raise BadFileError(f"outlet {site.station_id}/{outlet.evse_id}: no tariff {outlet.tariff!r}")
        await apply_site(session, site, changes)
    for partner in file.partners:
        await apply_partner(session, partner, settings, changes, at)
    return changes


def _wanted(entry: TariffEntry, settings: Settings) -> WantedTariff:
    if entry.power_type not in POWER_TYPES:
        raise BadFileError(f"tariff {entry.name}: power_type is one of {', '.join(sorted(POWER_TYPES))}")
    if entry.currency not in {None, settings.currency}:
        raise BadFileError(f"tariff {entry.name}: this server's currency is {settings.currency}")
    return WantedTariff(
        name=entry.name,
        unit_price=entry.unit_price.normalize() + 0,
        currency=settings.currency,
        tax_rate=(settings.tax_rate if entry.tax_rate is None else entry.tax_rate).normalize() + 0,
        power_type=entry.power_type,
        supplier=entry.supplier,
        supplier_code=entry.supplier_code or "",
    )
