"""The bands of a price as operators type them: a row for each, rows without anything in them are nothing."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from pydantic import BaseModel

from konsento.catalogue.errors import BadBand, BandWithoutPrice
from konsento.kit import typed
from konsento.pricing import Band, Component, Rate
from konsento.pricing.price import EVERY_DAY, plain
from konsento.web.price_view import clock

FREE_ROWS: Final = 2
"""Empty rows beyond those that are filled in."""
MOST_ROWS: Final = 20
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_DAY: Final = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})")


class BandRow(BaseModel):
    """A band, as typed."""

    begins: str = ""
    ends: str = ""
    weekdays: frozenset[int] = frozenset()
    """None ticked: every day."""
    from_day: str = ""
    to_day: str = ""
    energy: str = ""
    time: str = ""
    session: str = ""
    idle: str = ""

    def prices(self) -> dict[Component, str]:
        """Return what is typed for each component."""
        return {component: getattr(self, component) for component in Component}

    @property
    def blank(self) -> bool:
        """Whether nothing is typed at all."""
        return not any(text.strip() for text in (*self.prices().values(), *self._when())) and not self.weekdays

    def _when(self) -> tuple[str, ...]:
        return self.begins, self.ends, self.from_day, self.to_day

    def rates(self, free_s: int, read: Callable[[str], Decimal]) -> list[Rate]:
        """Read it; `read` reads a price. Raises `BadBand`, `BandWithoutPrice` and what `read` raises."""
        band = Band(
            from_minute=_minute(self.begins, 0),
            to_minute=_minute(self.ends, 1440),
            weekdays=self.weekdays or EVERY_DAY,
            from_day=_day(self.from_day, "01-01"),
            to_day=_day(self.to_day, "12-31"),
        )
        rates = [
            Rate(
                component=component,
                price=read(text),
                band=band,
                free_s=free_s if component is Component.IDLE else 0,
            )
            for component, text in self.prices().items()
            if text.strip()
        ]
        if not rates:
            raise BandWithoutPrice
        return rates


def rows_of(rates: tuple[Rate, ...]) -> list[BandRow]:
    """Return the rows of the bands that a price has."""
    bands = list(dict.fromkeys(rate.band for rate in rates if rate.band is not None))
    return [
        BandRow(
            begins=clock(band.from_minute),
            ends=clock(band.to_minute),
            weekdays=band.weekdays if band.weekdays != EVERY_DAY else frozenset(),
            from_day="" if _whole_year(band) else band.from_day,
            to_day="" if _whole_year(band) else band.to_day,
            **{str(rate.component): plain(rate.price) for rate in rates if rate.band == band},
        )
        for band in bands
    ]


def _whole_year(band: Band) -> bool:
    return (band.from_day, band.to_day) == ("01-01", "12-31")


def _minute(text: str, without: int) -> int:
    plain_text = typed.plain(text)
    if not plain_text:
        return without
    parts = _CLOCK.fullmatch(plain_text)
    if parts is None or int(parts[2]) > 59:
        raise BadBand
    minute = int(parts[1]) * 60 + int(parts[2])
    # Midnight is the end of a day where it stands for an end: browsers know no 24:00.
    return 1440 if minute == 0 and without == 1440 else minute


def _day(text: str, without: str) -> str:
    plain_text = typed.plain(text)
    if not plain_text:
        return without
    parts = _DAY.fullmatch(plain_text)
    if parts is None:
        raise BadBand
    return f"{int(parts[1]):02}-{int(parts[2]):02}"
