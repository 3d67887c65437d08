"""Whose data a Japanese file holds, and whether they are forecasts: by what it says, by its name, by what was told."""

import re
import unicodedata
from datetime import date
from typing import Final

from konsento.grid import areas
from konsento.grid.errors import OtherArea, UnknownArea, Unreadable
from konsento.grid.readers.cells import day, shown
from konsento.grid.readers.file import File
from konsento.grid.records import Series

_ITEMS: Final = re.compile(r"[AB]-([1-6])")
"""Items of the disclosure rules: A-1, B-1, B-4 are actual values, A-2, B-2, B-5 forecasts, A-3, B-3, B-6 plans."""
_BY_ITEM: Final = (Series.ACTUAL, Series.FORECAST, Series.PLAN)
_WORDS: Final = {Series.ACTUAL: r"実績", Series.FORECAST: r"予測|予想", Series.PLAN: r"計画"}
_NAMES: Final = {
    Series.ACTUAL: r"jiss?eki|actual|実績",
    Series.FORECAST: r"yosoku|forecast|予測|21110_tso",
    Series.PLAN: r"bgkei|keikaku|plan|計画",
}

_DATED: Final = re.compile(r"(?<!\d)20\d{6}(?!\d)")


def region_of(file: File, said: str | None) -> str:
    """Return the code of the region that a file is about. Raises UnknownArea, and OtherArea where it is another one.

    What the file says is certain. Its name counts where nothing was told: another operator's file may go by it.
    """
    if said is not None and file.region is not None and said != file.region:
        raise OtherArea(found=said, wanted=file.region)
    named = areas.of_file_name(file.name) if file.region is None else areas.of_certain_name(file.name)
    if file.region is not None and named is not None and named != file.region:
        raise OtherArea(found=named, wanted=file.region)
    region = said or file.region or named
    if region is None:
        raise UnknownArea(name=shown(file.name))
    if named is not None and named != region:
        file.warn(f"the name {shown(file.name)} is one of {named}; the file itself says {region}")
    return region


def series_of(file: File, text: str) -> Series:
    """Return what the values are: by the words and item numbers above them, then by the file's name."""
    said = {_BY_ITEM[(int(item) - 1) % 3] for item in _ITEMS.findall(text.replace("−", "-"))}
    said |= {series for series, words in _WORDS.items() if re.search(words, text)}
    name = unicodedata.normalize("NFKC", file.name.rpartition("/")[2]).lower()
    named = {series for series, words in _NAMES.items() if re.search(words, name)}
    if len(said) == 1:
        (series,) = said
        if named and series not in named:
            file.warn(f"the file's name says {', '.join(sorted(named))}; the file itself says {series}")
        return series
    if len(named) == 1:
        return named.pop()
    file.warn("nothing says whether these are forecasts or actual values; they are taken as forecasts")
    return Series.FORECAST


def day_of_name(file: File) -> date | None:
    """Return the day that a file's own name tells (`20260401_yosoku.csv`); None if it does not."""
    found = _DATED.search(file.name.rpartition("/")[2])
    if found is None:
        return None
    try:
        return day(found[0], 0)
    except Unreadable:  # eight other digits
        return None
