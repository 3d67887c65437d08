"""What operators type into the form of a price, read into what the catalogue takes."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from konsento.catalogue.apply import CARBON_BELOW, PRICE_DIGITS, PRICES_BELOW, WantedTariff
from konsento.catalogue.errors import BadBegin, BadCarbon, BadPrice, BadTaxRate
from konsento.kit import typed
from konsento.kit.i18n import LANGUAGES
from konsento.models import Tariff
from konsento.settings import Settings

FARTHEST: Final = timedelta(days=5 * 365)
"""How far ahead a price can be planned."""
_LONGEST_NUMBER: Final = 30
_TWO_READINGS: Final = re.compile(r"\d{1,3},\d{3}")
"""38,500 is thirty-eight and a half to some and many thousands to others."""


class PriceForm(BaseModel):
    """A price, as typed."""

    of: str = ""
    """The tariff that gets a new price; empty for a new tariff."""
    name: str = ""
    """Of a new tariff."""
    unit_price: str = ""
    tax: str = ""
    """Percent."""
    power_type: str = "other"
    supplier: str = ""
    supplier_code: str = ""
    carbon: str = ""
    """g CO2 per kWh; empty: not known."""
    begins: str = ""
    """As a field for date and time gives it; empty: now."""
    sure: bool = False
    """What it costs was shown, and is meant."""

    @staticmethod
    def fresh(settings: Settings) -> PriceForm:
        """Return the form for a new tariff."""
        return PriceForm(tax=_percent(settings.tax_rate), supplier=settings.operator_name)

    @staticmethod
    def following(tariff: Tariff) -> PriceForm:
        """Return the form for a new price of a tariff."""
        return PriceForm(
            of=tariff.name,
            unit_price=f"{tariff.unit_price:f}",
            tax=_percent(tariff.tax_rate),
            power_type=tariff.power_type,
            supplier=tariff.supplier,
            supplier_code=tariff.supplier_code,
            carbon="" if tariff.carbon_g_per_kwh is None else str(tariff.carbon_g_per_kwh),
        )

    def wanted(self, currency: str) -> WantedTariff:
        """Read it. Raises a subclass of `BadTariff`; the catalogue checks the rest."""
        return WantedTariff(
            name=self.of or " ".join(self.name.split()),
            unit_price=_price(self.unit_price, currency),
            currency=currency,
            tax_rate=_tax_rate(self.tax),
            power_type=self.power_type,
            supplier=" ".join(self.supplier.split()),
            supplier_code=typed.plain(self.supplier_code).upper(),
            carbon_g_per_kwh=_carbon(self.carbon),
        )

    def moment(self, now: datetime, zone: str) -> datetime:
        """Return when it begins, by the clock of `zone`. Raises `BadBegin`."""
        if not self.begins:
            return now
        try:
            typed_moment = datetime.fromisoformat(typed.plain(self.begins))
            at = typed_moment.replace(tzinfo=typed_moment.tzinfo or ZoneInfo(zone)).astimezone(UTC)
        except ValueError, OverflowError:
            raise BadBegin from None
        if not now < at <= now + FARTHEST:
            raise BadBegin
        return at


def _price(text: str, currency: str) -> Decimal:
    """Read a number with or without the currency's sign. Raises `BadPrice`."""
    plain = typed.plain(text)
    for beside in ("/kWh", currency, *(language.currency_sign(currency) for language in LANGUAGES)):
        plain = plain.removesuffix(beside).removeprefix(beside).strip()
    number = _number(plain) if not _TWO_READINGS.fullmatch(plain) else None
    if number is None:
        raise BadPrice(below=PRICES_BELOW, digits=PRICE_DIGITS)
    return number.normalize() + 0


def _carbon(text: str) -> int | None:
    plain = typed.plain(text)
    if not plain:
        return None
    if not plain.isascii() or not plain.isdecimal() or len(plain) > 9:
        raise BadCarbon(below=CARBON_BELOW)
    return int(plain)


def _tax_rate(text: str) -> Decimal:
    number = _number(typed.plain(text).removesuffix("%").strip())
    if number is None:
        raise BadTaxRate
    return (number / 100).normalize() + 0


def _number(plain: str) -> Decimal | None:
    # No exponents: 1e999999 would be reckoned with for a long time.
    if len(plain) > _LONGEST_NUMBER or "e" in plain.lower():
        return None
    try:
        return typed.decimal(plain)
    except ValueError:
        return None


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}"
