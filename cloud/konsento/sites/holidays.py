"""Public holidays where a site is, by the country of its time zone."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from babel.core import get_global

from konsento.sites.hours import IsHoliday

if TYPE_CHECKING:
    from holidays import HolidayBase

_NOWHERE: Final = "001"
"""What Babel says of a zone that lies in no country."""


def holidays_in(time_zone: str) -> IsHoliday:
    """Tell of a day whether it is a nationwide public holiday there; none is where the country is not known."""

    def is_holiday(day: date) -> bool:
        # Looked up when a rule for holidays first asks: most sites have none.
        known = _of(country_of(time_zone))
        return known is not None and day in known

    return is_holiday


def country_of(time_zone: str) -> str | None:
    """Return the country (ISO 3166-1) of a time zone, None where it has none."""
    zones = cast("Mapping[str, str]", get_global("zone_territories"))
    territory = zones.get(time_zone)
    return None if territory == _NOWHERE else territory


def load() -> None:
    """Load what every question needs, which takes more than a second: for start-up, in a thread."""
    _of("JP")


@cache
def _of(country: str | None) -> HolidayBase | None:
    from holidays import country_holidays  # noqa: PLC0415  # see `load`

    if country is None:
        return None
    try:
        # Years are added as they are asked for.
        return country_holidays(country)
    except NotImplementedError:
        return None
