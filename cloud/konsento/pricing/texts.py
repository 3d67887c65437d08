"""Bands, and what prices follow, in words."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, get_day_names

from konsento.kit.i18n import NBSP, Language, marked
from konsento.pricing.price import EVERY_DAY, MINUTES, Band, Basis, Why

_BASES: Final = {
    Why.WINDOW: marked("in a recommended window"),
    Why.OUTSIDE: marked("outside of recommended windows"),
    Why.SPOT: marked("spot price of {time}"),
    Why.UNKNOWN: marked("spot price not known"),
}


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


def basis_text(language: Language, basis: Basis, zone: ZoneInfo) -> str:
    """Return why a kWh cost what it did, in a few words, by the clock of `zone`: spot price of 10:00."""
    time = language.clock(basis.begin, zone) if basis.begin is not None else ""
    return language.text(_BASES[basis.why], time=time)


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
