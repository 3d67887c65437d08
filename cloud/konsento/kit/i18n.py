"""Languages: the texts of a gettext catalogue, and numbers, money, energy and times as a language writes them.

Messages are English sentences and their own keys; a language's `.po` files are read at start-up, so a translator
edits text and nothing is compiled.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.messages.pofile import read_po
from babel.numbers import (
    format_currency,
    format_decimal,
    format_percent,
    get_currency_name,
    get_currency_symbol,
    get_currency_unit_pattern,
)

from konsento.kit.errors import KonsentoError
from konsento.kit.money import Amount, exponent, major_from_minor

NBSP = "\u00a0"
"""Keeps a number and its unit on one line."""


def marked(message: str) -> str:
    """Return `message` as it is; marks a text for translation that is translated elsewhere."""
    return message


@dataclass(frozen=True, kw_only=True)
class Language:
    """One language: its texts and how it writes quantities."""

    code: str
    """ISO 639-1, for example `ja`; goes into the page's `lang`."""
    name: str
    """What its readers call it."""
    numbers: Locale
    dates: Locale
    """Differs from `numbers` for English: the 24-hour clock and the day before the month, of en-GB."""
    messages: Mapping[str, str]
    equivalents: bool = False
    """Energy that it writes is only estimated, and is called an equivalent (Japan's metering law)."""

    def estimating(self, *, estimated: bool = True) -> Language:
        """Return this language as it writes energy that is only estimated; itself where it is measured."""
        return replace(self, equivalents=True) if estimated else self

    def text(self, message: str, /, **values: object) -> str:
        """Return a message in this language with its `{placeholders}` filled; untranslated it stays English."""
        translated = self.messages.get(message, message)
        return (
            translated.format(**{name: self._shown(value) for name, value in values.items()}) if values else translated
        )

    def error(self, error: KonsentoError) -> str:
        """Return the sentence of an error in this language."""
        return self.text(error.message, **error.values)

    def number(self, value: Decimal | int, digits: int = 0) -> str:
        """Return a number with exactly `digits` decimals, rounded down: a meter shows what was reached."""
        quantised = Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR)
        pattern = "#,##0." + "0" * digits if digits else "#,##0"
        return format_decimal(quantised, format=pattern, locale=self.numbers)

    def percent(self, share: Decimal) -> str:
        """Return a share of 1 in percent with the digits that it has."""
        return format_percent(share, locale=self.numbers, decimal_quantization=False)

    def money(self, minor: int, currency: str) -> str:
        """Return an amount in minor units with as many digits as the currency has."""
        return self._currency(major_from_minor(minor, currency), currency, exponent(currency))

    def unit_price(self, price: Decimal, currency: str) -> str:
        """Return a price per unit with all its digits, which may be more than the currency has."""
        plain = price.normalize()
        digits = max(0, -int(plain.as_tuple().exponent))
        # 38.5 reads as a slip, 38.50 as a price; 40 is a price by itself where the currency has no decimals.
        digits = max(digits, exponent(currency), 2 if digits else 0)
        return self._currency(plain, currency, digits)

    def currency_sign(self, currency: str) -> str:
        """Return the sign that stands beside a field for an amount of money."""
        if self.code == "ja":
            return str(get_currency_name(currency, count=2, locale=self.numbers))
        return str(get_currency_symbol(currency, locale=self.numbers))

    def energy(self, wh: Decimal | int) -> str:
        """Return an amount of energy exactly: `10 Wh`, from 1 kWh on `6.00 kWh`."""
        value = Decimal(wh)
        if abs(value) < 1000:
            digits = min(3, max(0, -int(value.normalize().as_tuple().exponent)))
            return f"{self.number(value, digits)}{NBSP}{self.energy_unit('Wh')}"
        kwh = value / 1000
        digits = min(6, max(2, -int(kwh.normalize().as_tuple().exponent)))
        return f"{self.number(kwh, digits)}{NBSP}{self.energy_unit('kWh')}"

    def energy_unit(self, unit: str) -> str:
        """Return a unit of energy as it is written: the unit, or the equivalent of it."""
        return self.text("{unit} equivalent", unit=unit) if self.equivalents else unit

    def energy_so_far(self, mwh: int) -> tuple[str, str]:
        """Return the number and the unit of a running meter, with as many digits as an eye can follow."""
        if mwh < 100_000:
            return self.number(Decimal(mwh) / 1000, 1), self.energy_unit("Wh")
        if mwh < 1_000_000:
            return self.number(Decimal(mwh) / 1000), self.energy_unit("Wh")
        return self.number(Decimal(mwh) / 1_000_000, 2), self.energy_unit("kWh")

    def power(self, watts: Decimal | int) -> str:
        """Return a power: `820 W`, `2.91 kW`."""
        value = Decimal(watts)
        if value < 1000:
            return f"{self.number(value)}{NBSP}W"
        return f"{self.number(value / 1000, 2)}{NBSP}kW"

    def duration(self, seconds: int) -> str:
        """Return a time span with its two largest units."""
        minutes, s = divmod(max(0, seconds), 60)
        hours, minutes = divmod(minutes, 60)
        if hours and minutes:
            return self.text("{hours} h {minutes} min", hours=hours, minutes=minutes)
        if hours:
            return self.text("{hours} h", hours=hours)
        if minutes and s:
            return self.text("{minutes} min {seconds} s", minutes=minutes, seconds=s)
        if minutes:
            return self.text("{minutes} min", minutes=minutes)
        return self.text("{seconds} s", seconds=s)

    def day(self, at: datetime, zone: ZoneInfo) -> str:
        """Return the day of a moment where the outlet is."""
        return format_date(at.astimezone(zone), format="medium", locale=self.dates)

    def month(self, at: datetime) -> str:
        """Return a month with its year, by the zone of `at`."""
        return format_skeleton("yMMMM", at, tzinfo=at.tzinfo, locale=self.dates)

    def weekday(self, at: datetime, zone: ZoneInfo) -> str:
        """Return the day of the week of a moment where the outlet is, in short."""
        return format_date(at.astimezone(zone), format="EEE", locale=self.dates)

    def clock(self, at: datetime, zone: ZoneInfo) -> str:
        """Return the hour and minute of a moment where the outlet is."""
        return format_time(at, format="short", tzinfo=zone, locale=self.dates)

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        """Return day and time of a moment where the outlet is."""
        day = format_skeleton("MMMd", at, tzinfo=zone, locale=self.dates)
        return f"{day}, {self.clock(at, zone)}" if self.code != "ja" else f"{day} {self.clock(at, zone)}"

    def _currency(self, amount: Decimal, currency: str, digits: int) -> str:
        quantised = amount.quantize(Decimal(1).scaleb(-digits))
        if self.code == "ja":
            # A price on a Japanese label reads 38.50円; CLDR's full-width yen sign in front is for accounting.
            pattern: str = get_currency_unit_pattern(currency, count=quantised, locale=self.numbers)
            name = get_currency_name(currency, count=quantised, locale=self.numbers)
            return pattern.format(self.number(quantised, digits), name)
        standard: str = self.numbers.currency_formats["standard"].pattern
        fitted = standard.replace("0.00", "0." + "0" * digits if digits else "0")
        written = format_currency(quantised, currency, format=fitted, locale=self.numbers, currency_digits=False)
        # CLDR wants a space between a sign that is letters and the number: KWD 1.250, but €1.25.
        sign = get_currency_symbol(currency, locale=self.numbers)
        return written.replace(sign, f"{sign}{NBSP}") if sign[-1].isalpha() else written

    def _shown(self, value: object) -> object:
        """Format what errors and pages put into a sentence; texts and what formats itself stay as they are."""
        if isinstance(value, bool | str):
            return value
        if isinstance(value, datetime) and isinstance(value.tzinfo, ZoneInfo):
            return self.moment(value, value.tzinfo)
        if isinstance(value, Amount):
            return self.money(value.minor, value.currency)
        if isinstance(value, int):
            return self.number(value)
        if isinstance(value, Decimal):
            return format_decimal(value, locale=self.numbers, decimal_quantization=False)
        return value


class Languages:
    """All languages of the pages; the first one is the language of the messages themselves."""

    def __init__(self, languages: Iterable[Language]) -> None:
        self._by_code = {language.code: language for language in languages}
        self.default = next(iter(self._by_code.values()))

    def __iter__(self) -> Iterator[Language]:
        return iter(self._by_code.values())

    def get(self, code: str | None) -> Language | None:
        """Return the language of this code, None for one that there is no catalogue of."""
        return self._by_code.get(code or "")

    def accepted(self, header: str) -> Language:
        """Return the best language for an `Accept-Language` header (RFC 9110, 12.5.4); the default if none fits."""
        best, best_weight = self.default, 0.0
        for part in header.split(",")[:20]:
            tag, *parameters = part.strip().split(";")
            language = self.get(tag.strip().lower().split("-")[0])
            weight = _weight(parameters)
            if language is not None and weight > best_weight:
                best, best_weight = language, weight
        return best


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def load_languages(directory: Path) -> Languages:
    """Read `<directory>/<language>/LC_MESSAGES/*.po`, one file for each part of the program; English needs none."""
    japanese: dict[str, str] = {}
    for path in sorted((directory / "ja" / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale="ja")
        japanese |= {str(m.id): str(m.string) for m in catalogue if m.id and m.string and not m.fuzzy}
    return Languages(
        (
            Language(code="en", name="English", numbers=Locale("en"), dates=Locale("en", "GB"), messages={}),
            Language(code="ja", name="日本語", numbers=Locale("ja"), dates=Locale("ja"), messages=japanese),
        )
    )


LANGUAGES: Final[Languages] = load_languages(Path(__file__).parent / "locales")
"""The languages of everything that a person reads: pages, mails, notices."""
