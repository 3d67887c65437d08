"""Places for dates in the address of a source: publishers put the day into the name of a file. Pure.

`{yyyymmdd}`, `{yyyy/mm/dd}` and the like are the day by the region's clock; `{tomorrow:…}`, `{yesterday:…}`, `{+2:…}`
and `{-7:…}` another day. `{fiscal_year}` begins in April. `{secret}` is the source's key.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

SECRET: Final = "{secret}"  # noqa: S105  # the place of a key, not a key
EXAMPLES: Final = "{yyyymmdd}, {yyyy/mm/dd}, {tomorrow:yyyymmdd}, {fiscal_year}, {secret}"

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_DATE: Final = re.compile(r"(?:(?P<day>today|yesterday|tomorrow|[+-]\d{1,3}):)?(?P<written>.+)", re.DOTALL)
_WRITTEN: Final = re.compile(r"fiscal_year|(?:(?:yyyy|yy|mm|dd)[-/._]?)*(?:yyyy|yy|mm|dd)")
_PART: Final = re.compile("yyyy|yy|mm|dd")
_DAYS: Final = {None: 0, "today": 0, "yesterday": -1, "tomorrow": 1}
_FISCAL_BEGINS: Final = 4
"""Month."""


class BadPlaceError(ValueError):
    """A place that cannot be filled; the message is what stands in it."""


def filled(address: str, today: date) -> str:
    """Return an address with its dates filled in; the place of the key stays. Raises `BadPlaceError`."""
    address = _PLACE.sub(lambda place: _of(place, today), address)
    if "{" in address.replace(SECRET, "") or "}" in address.replace(SECRET, ""):
        raise BadPlaceError(address)
    return address


def _of(place: re.Match[str], today: date) -> str:
    if place[0] == SECRET:
        return SECRET
    found = _DATE.fullmatch(place[1])
    if found is None or not _WRITTEN.fullmatch(found["written"]):
        raise BadPlaceError(place[1])
    ahead = _DAYS[found["day"]] if found["day"] in _DAYS else int(found["day"])
    day = today + timedelta(days=ahead)
    if found["written"] == "fiscal_year":
        return str(day.year - (day.month < _FISCAL_BEGINS))
    return _PART.sub(lambda part: _PARTS[part[0]](day), found["written"])


_PARTS: Final[dict[str, Callable[[date], str]]] = {
    "yyyy": lambda day: f"{day.year:04}",
    "yy": lambda day: f"{day.year % 100:02}",
    "mm": lambda day: f"{day.month:02}",
    "dd": lambda day: f"{day.day:02}",
}
