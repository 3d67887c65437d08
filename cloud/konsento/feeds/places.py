"""Addresses of sources with places for dates, filled by the clock where the data are from. Pure."""

import re
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_DATE: Final = re.compile(r"(yyyy([-/]?)mm\2dd|yyyymm|yyyy|mm|dd|fiscal_year)([+-][1-9])?")
KEY: Final = "key"


def good(url: str) -> bool:
    """Tell whether all places of an address are known."""
    places = _PLACE.findall(url)
    return all(place == KEY or _DATE.fullmatch(place) for place in places) and not re.search(
        r"[{}]", _PLACE.sub("", url)
    )


def filled(url: str, today: date, secret: str) -> str:
    """Return the address of today's file."""

    def fill(place: re.Match[str]) -> str:
        if place[1] == KEY:
            return quote(secret, safe="")
        matched = _DATE.fullmatch(place[1])
        if matched is None:
            return place[0]
        word, between, days = matched[1], matched[2] or "", int(matched[3] or 0)
        day = today + timedelta(days=days)
        if word == "fiscal_year":  # of Japan: from April
            return str(day.year if day.month >= 4 else day.year - 1)
        written = f"{day:%Y{between}%m{between}%d}"
        return {"yyyymm": f"{day:%Y%m}", "yyyy": f"{day:%Y}", "mm": f"{day:%m}", "dd": f"{day:%d}"}.get(word, written)

    return _PLACE.sub(fill, url)
