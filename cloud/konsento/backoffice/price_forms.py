"""What operators type into the form of a price, read into what the catalogue takes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from konsento.backoffice.price_bands import FREE_ROWS, MOST_ROWS, BandRow, rows_of
from konsento.catalogue import service as catalogue
from konsento.catalogue.apply import CARBON_BELOW, WantedTariff
from konsento.catalogue.checks import HIGHEST_FACTOR, PRICE_DIGITS, PRICES_BELOW
from konsento.catalogue.errors import (
    BadBegin,
    BadCarbon,
    BadExample,
    BadFactor,
    BadFixedAmount,
    BadFloorAndCap,
    BadFreeTime,
    BadPlus,
    BadPrice,
    BadTariff,
    BadTaxRate,
)
from konsento.kit import typed
from konsento.kit.i18n import LANGUAGES
from konsento.kit.money import major_from_minor, minor_from_major
from konsento.models import Tariff
from konsento.pricing import Component, Rate, Usage
from konsento.pricing.following import Following, Follows, FollowsSpot, FollowsWindows
from konsento.pricing.price import plain
from konsento.settings import Settings

FARTHEST: Final = timedelta(days=5 * 365)
"""How far ahead a price can be planned."""
_LONGEST_NUMBER: Final = 30
_WEEKDAYS: Final = frozenset("0123456")
_BAND_COLUMNS: Final = {
    "begins": "begins",
    "ends": "ends",
    "from": "from_day",
    "to": "to_day",
    "energy": "energy",
    "time": "time",
    "session": "session",
    "idle": "idle",
}
"""The fields of a band in the form, without `band_`, and in `BandRow`."""


class PriceForm(BaseModel):
    """A price, as typed."""

    of: str = ""
    """The tariff that gets a new price; empty for a new tariff."""
    name: str = ""
    """Of a new tariff."""
    unit_price: str = ""
    per_minute: str = ""
    per_session: str = ""
    idle: str = ""
    """Per minute."""
    idle_free: str = ""
    """Minutes."""
    minimum: str = ""
    maximum: str = ""
    tax: str = ""
    """Percent."""
    tax_included: bool = True
    follows: str = ""
    """`windows`, `spot`, or nothing."""
    inside: str = ""
    factor: str = "1"
    plus: str = "0"
    floor: str = ""
    cap: str = ""
    try_region: str = ""
    """Of the preview."""
    band_begins: list[str] = []
    band_ends: list[str] = []
    band_days: list[str] = []
    """`row-weekday` of each box that is ticked."""
    band_from: list[str] = []
    band_to: list[str] = []
    band_energy: list[str] = []
    band_time: list[str] = []
    band_session: list[str] = []
    band_idle: list[str] = []
    power_type: str = "other"
    supplier: str = ""
    supplier_code: str = ""
    carbon: str = ""
    """g CO2 per kWh; empty: not known."""
    begins: str = ""
    """As a field for date and time gives it; empty: now."""
    try_kwh: str = "6"
    """Of the example that is worked out."""
    try_minutes: str = "120"
    try_idle: str = "0"
    try_begins: str = ""
    """Empty: when the price begins."""
    sure: bool = False
    """What it costs was shown, and is meant."""

    @staticmethod
    def fresh(settings: Settings) -> PriceForm:
        """Return the form for a new tariff."""
        return PriceForm(tax=_percent(settings.tax_rate), supplier=settings.operator_name)

    @staticmethod
    def following(tariff: Tariff) -> PriceForm:
        """Return the form for a new price of a tariff."""
        price = catalogue.price_of(tariff, "UTC")
        base = {rate.component: rate for rate in price.rates if rate.band is None}
        typed_prices = {component: plain(rate.price) for component, rate in base.items()}
        idle_free_s = max((rate.free_s for rate in price.rates), default=0)
        form = PriceForm(
            of=tariff.name,
            unit_price=typed_prices.get(Component.ENERGY, ""),
            per_minute=typed_prices.get(Component.TIME, ""),
            per_session=typed_prices.get(Component.SESSION, ""),
            idle=typed_prices.get(Component.IDLE, ""),
            idle_free=str(idle_free_s // 60) if idle_free_s else "",
            minimum=_major(price.min_minor, price.currency),
            maximum=_major(price.max_minor, price.currency),
            tax_included=price.tax_included,
            tax=_percent(tariff.tax_rate),
            power_type=tariff.power_type,
            supplier=tariff.supplier,
            supplier_code=tariff.supplier_code,
            carbon="" if tariff.carbon_g_per_kwh is None else str(tariff.carbon_g_per_kwh),
        )
        following = catalogue.following_of(tariff)
        followed = {name: plain(number) for name, number in vars(following).items()} if following is not None else {}
        kind = {"follows": str(following.kind)} if following is not None else {}
        return form.model_copy(update=_columns(rows_of(price.rates)) | followed | kind)

    def rows(self) -> list[BandRow]:
        """Return the bands that are typed, and empty rows for more."""
        found = self._rows()
        return found + [BandRow() for _ in range(min(FREE_ROWS, MOST_ROWS - len(found)))]

    def _rows(self) -> list[BandRow]:
        columns = {name: getattr(self, f"band_{name}") for name in _BAND_COLUMNS}
        days: dict[int, set[int]] = {}
        for ticked in self.band_days:
            row, _, day = ticked.partition("-")
            if row.isdecimal() and day in _WEEKDAYS:
                days.setdefault(int(row), set()).add(int(day))
        long = min(MOST_ROWS, max((len(column) for column in columns.values()), default=0))
        rows = [
            BandRow(
                weekdays=frozenset(days.get(at, ())),
                **{_BAND_COLUMNS[name]: column[at] if at < len(column) else "" for name, column in columns.items()},
            )
            for at in range(long)
        ]
        return [row for row in rows if not row.blank]

    def hidden(self) -> list[tuple[str, str]]:
        """Return all that was typed, for the form that confirms it."""
        said = self.model_copy(update=_columns(self._rows())).model_dump(exclude={"sure"})
        pairs = []
        for name, value in said.items():
            values = value if isinstance(value, list) else [str(value)]
            pairs += [(name, one) for one in values]
        return pairs

    def example(self, begins: datetime, zone: str) -> Usage:
        """Return the charging that is to be worked out. Raises `BadExample`."""
        kwh, minutes, idle = (_number(typed.plain(text)) for text in (self.try_kwh, self.try_minutes, self.try_idle))
        if kwh is None or minutes is None or idle is None:
            raise BadExample
        if not (0 <= kwh <= 1000 and 0 <= idle <= minutes <= 1440):
            raise BadExample
        try:
            at = _moment(self.try_begins, zone) if self.try_begins else begins
        except ValueError, OverflowError:
            raise BadExample from None
        return Usage.steady(begin=at, mwh=int(kwh * 1_000_000), supply_s=int(minutes * 60), idle_s=int(idle * 60))

    def wanted(self, currency: str) -> WantedTariff:
        """Read it. Raises a subclass of `BadTariff`; the catalogue checks the rest."""
        return WantedTariff(
            name=self.of or " ".join(self.name.split()),
            rates=self._rates(currency),
            currency=currency,
            tax_included=self.tax_included,
            following=self._following(currency),
            min_minor=_minor(self.minimum, currency),
            max_minor=_minor(self.maximum, currency),
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
            at = _moment(self.begins, zone)
        except ValueError, OverflowError:
            raise BadBegin from None
        if not now < at <= now + FARTHEST:
            raise BadBegin
        return at

    def _following(self, currency: str) -> Following | None:
        match self.follows:
            case Follows.WINDOWS:
                return FollowsWindows(inside=_price(self.inside, currency))
            case Follows.SPOT:
                factor = _number(typed.plain(self.factor))
                if factor is None:
                    raise BadFactor(most=HIGHEST_FACTOR)
                return FollowsSpot(
                    factor=factor.normalize() + 0,
                    plus=_price(self.plus, currency, BadPlus),
                    floor=_price(self.floor, currency, BadFloorAndCap),
                    cap=_price(self.cap, currency, BadFloorAndCap),
                )
        return None

    def _rates(self, currency: str) -> tuple[Rate, ...]:
        def read(text: str) -> Decimal:
            return _price(text, currency)

        free_s = _free_s(self.idle_free)
        base = {
            Component.ENERGY: self.unit_price,
            Component.TIME: self.per_minute,
            Component.SESSION: self.per_session,
            Component.IDLE: self.idle,
        }
        rates = [
            Rate(component=component, price=read(text), free_s=free_s if component is Component.IDLE else 0)
            for component, text in base.items()
            if text.strip()
        ]
        for row in self._rows():
            rates += row.rates(free_s, read)
        return tuple(rates)


def _columns(rows: list[BandRow]) -> dict[str, list[str]]:
    """Return rows as the fields of the form."""
    columns = {f"band_{name}": [str(getattr(row, of)) for row in rows] for name, of in _BAND_COLUMNS.items()}
    return columns | {"band_days": [f"{at}-{day}" for at, row in enumerate(rows) for day in sorted(row.weekdays)]}


def _moment(text: str, zone: str) -> datetime:
    at = datetime.fromisoformat(typed.plain(text))
    return at.replace(tzinfo=at.tzinfo or ZoneInfo(zone)).astimezone(UTC)


def _free_s(text: str) -> int:
    number = _number(typed.plain(text)) if text.strip() else Decimal(0)
    if number is None or not 0 <= number <= 1440 or number != number.to_integral_value():
        raise BadFreeTime
    return int(number) * 60


def _minor(text: str, currency: str) -> int | None:
    """Read an amount; nothing typed is none. Raises `BadFixedAmount`."""
    if not text.strip():
        return None
    try:
        amount = _price(text, currency)
        if 0 <= amount < PRICES_BELOW:
            return minor_from_major(amount, currency)
    except BadPrice, ValueError:
        pass
    raise BadFixedAmount(below=PRICES_BELOW)


def _major(minor: int | None, currency: str) -> str:
    return f"{major_from_minor(minor, currency):f}" if minor is not None else ""


def _price(text: str, currency: str, wrong: type[BadTariff] = BadPrice) -> Decimal:
    """Read a number with or without the currency's sign. Raises `wrong`."""
    said = typed.plain(text)
    for beside in ("/kWh", "/min", currency, *(language.currency_sign(currency) for language in LANGUAGES)):
        said = said.removesuffix(beside).removeprefix(beside).strip()
    number = _number(said) if not typed.TWO_READINGS.fullmatch(said) else None
    if number is None:
        raise wrong(below=PRICES_BELOW, digits=PRICE_DIGITS)
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


def _number(said: str) -> Decimal | None:
    # No exponents: 1e999999 would be reckoned with for a long time.
    if len(said) > _LONGEST_NUMBER or "e" in said.lower():
        return None
    try:
        return typed.decimal(said)
    except ValueError:
        return None


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}"
