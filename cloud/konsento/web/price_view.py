"""A price in words: all that it consists of, in the order in which drivers are told, with all digits of the rates."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from babel.dates import format_skeleton, get_day_names

from konsento.kit.i18n import NBSP, Language, marked
from konsento.pricing import Adjustment, Band, Component, Line, Price, Rate
from konsento.pricing.price import EVERY_DAY, MINUTES

_TITLES: Final = {
    Component.ENERGY: marked("Energy"),
    Component.TIME: marked("Time of supply"),
    Component.SESSION: marked("Each charging"),
    Component.IDLE: marked("Standing idle"),
}
_RATES: Final = {
    Component.ENERGY: marked("{price} / kWh"),
    Component.TIME: marked("{price} / min"),
    Component.SESSION: marked("{price} per charging"),
    Component.IDLE: marked("{price} / min idle"),
}

_BESIDE_TITLE: Final = _RATES | {Component.SESSION: "{price}", Component.IDLE: _RATES[Component.TIME]}
_ADJUSTMENTS: Final[dict[Component | Adjustment, str]] = {
    Adjustment.MINIMUM: marked("Up to the least that a charging costs"),
    Adjustment.MAXIMUM: marked("Above the most that a charging costs, not billed"),
    Adjustment.DISCOUNT: marked("Discount {code}"),
}


class PriceLine(NamedTuple):
    """A row of a price."""

    title: str
    text: str


def price_text(language: Language, price: Price) -> str:
    """Return a price in one line: its rates outside of bands, and that there are others."""
    parts = [rate_text(language, price, rate) for rate in in_order(price) if rate.band is None]
    if any(rate.band is not None for rate in price.rates):
        parts.append(language.text("other rates at some times"))
    return " · ".join(parts)


def price_lines(language: Language, price: Price) -> list[PriceLine]:
    """Return a price with all that it consists of, a row for each rate, and the least and the most of a charging."""
    lines = []
    for component in Component:
        title = language.text(_TITLES[component])
        for rate in in_order(price):
            if rate.component is component:
                name = title if rate.band is None else f"{title}, {band_text(language, rate.band)}"
                lines.append(PriceLine(name, _asked(language, price, rate, _BESIDE_TITLE)))
    for name, amount in (
        (language.text("A charging costs at least"), price.min_minor),
        (language.text("A charging costs at most"), price.max_minor),
    ):
        if amount is not None:
            lines.append(PriceLine(name, language.money(amount, price.currency)))
    return lines


def in_order(price: Price) -> list[Rate]:
    """Return the rates as drivers are told them: by component, those of all times first."""
    order = list(Component)
    return sorted(price.rates, key=lambda rate: (order.index(rate.component), rate.band is not None))


def rate_text(language: Language, price: Price, rate: Rate) -> str:
    """Return what a rate asks for, with the tax in it: `¥30 / kWh`, `¥10 / min idle after 15 min`."""
    return _asked(language, price, rate, _RATES)


def _asked(language: Language, price: Price, rate: Rate, words: Mapping[Component, str]) -> str:
    gross = language.unit_price(price.gross(rate), price.currency)
    text = language.text(words[rate.component], price=gross)
    if rate.free_s:
        return language.text("{rate} after {time}", rate=text, time=language.duration(rate.free_s))
    return text


def line_text(language: Language, line: Line, currency: str) -> str:
    """Return what a line of a bill is for: `6.00 kWh × ¥30 / kWh`."""
    name = _ADJUSTMENTS.get(line.component)
    if name is not None:
        return language.text(name, code=line.code)
    component = Component(line.component)
    each = language.text(_RATES[component], price=language.unit_price(line.unit_price, currency))
    if component is Component.SESSION:
        return each
    quantity = language.energy(line.quantity) if component is Component.ENERGY else language.duration(line.quantity)
    said = language.text("{energy} × {price}", energy=quantity, price=each)
    return f"{said} ({band_text(language, line.band)})" if line.band is not None else said


def idle_note(language: Language, price: Price) -> str:
    """Return what standing idle is, where it costs something; empty where it does not."""
    if not any(rate.component is Component.IDLE and rate.price for rate in price.rates):
        return ""
    return language.text(
        "Standing idle: the car takes no power and the outlet is still on. It ends when you stop the charging."
    )


def band_text(language: Language, band: Band) -> str:
    """Return when a band holds: `22:00–06:00, Sat, Sun, 1 Dec – 28 Feb`."""
    parts = []
    if (band.from_minute, band.to_minute) != (0, MINUTES):
        parts.append(f"{clock(band.from_minute)}–{clock(band.to_minute)}")
    if band.weekdays != EVERY_DAY:
        parts.append(_weekdays(language, band.weekdays))
    if (band.from_day, band.to_day) != ("01-01", "12-31"):
        parts.append(f"{_day(language, band.from_day)}{NBSP}– {_day(language, band.to_day)}")
    return ", ".join(parts) or language.text("always")


def clock(minute: int) -> str:
    """Return a minute of the day as clocks show it, 24:00 for its end."""
    return f"{minute // 60:02}:{minute % 60:02}"


def weekday_names(language: Language) -> list[str]:
    """Return the weekdays in short, from Monday on."""
    names = get_day_names("abbreviated", locale=language.dates)
    return [str(names[day]) for day in range(7)]


def _weekdays(language: Language, weekdays: frozenset[int]) -> str:
    names = weekday_names(language)
    days = sorted(weekdays)
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{names[days[0]]}–{names[days[-1]]}"
    return ", ".join(names[day] for day in days)


def _day(language: Language, of_year: str) -> str:
    month, day = (int(part) for part in of_year.split("-"))
    # A leap year, so that 29 February is a day.
    return format_skeleton("MMMd", datetime(2024, month, day, tzinfo=UTC), tzinfo=UTC, locale=language.dates)
