"""Reads what grid operators and markets publish. A file is read for certain, or refused with the reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

from konsento.grid.errors import NoData, NotThisFormat, TooLarge, UnknownFormat, Unreadable
from konsento.grid.readers import (
    archive,
    electricity_maps,
    entsoe,
    jepx,
    jp_area,
    jp_forecast_today,
    jp_mix,
    occto,
    own_csv,
    own_json,
    uk_carbon,
)
from konsento.grid.readers.cells import shown
from konsento.grid.readers.file import LARGEST, File
from konsento.grid.readers.gathering import joined
from konsento.grid.reading import Reading
from konsento.kit.i18n import marked


class Reader(Protocol):
    """What the module of a format has."""

    def is_it(self, file: File, /) -> bool:
        """Tell whether a file is of this format, by what it holds and not by its name."""

    def read(self, file: File, /) -> Reading:
        """Return what a file of this format says. Raises Unreadable."""


FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        jp_area.FORMAT: marked("Japan: a day of an area, by its grid operator (CSV, zip)"),
        jp_forecast_today.FORMAT: marked("Japan: an area's power today, juyo-j (CSV)"),
        jp_mix.FORMAT: marked("Japan: a month of an area by source, eria_jukyu (CSV)"),
        occto.FORMAT: marked("Japan: demand and capacity of all areas, OCCTO (CSV)"),
        jepx.FORMAT: marked("Japan: spot prices, JEPX (CSV)"),
        entsoe.FORMAT: marked("Europe: ENTSO-E transparency platform (XML)"),
        uk_carbon.FORMAT: marked("Great Britain: Carbon Intensity API (JSON)"),
        electricity_maps.FORMAT: marked("Electricity Maps: power breakdown (JSON)"),
        own_csv.FORMAT: marked("Own table (CSV)"),
        own_json.FORMAT: marked("Own document (JSON)"),
    }
)
"""By word: what an operator reads (English, and the key of its translation)."""

# In the order in which they are asked: a day of an area is known by its rows too, which another table may be like.
_READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        entsoe.FORMAT: entsoe,
        own_json.FORMAT: own_json,
        electricity_maps.FORMAT: electricity_maps,
        uk_carbon.FORMAT: uk_carbon,
        occto.FORMAT: occto,
        jepx.FORMAT: jepx,
        jp_mix.FORMAT: jp_mix,
        jp_forecast_today.FORMAT: jp_forecast_today,
        own_csv.FORMAT: own_csv,
        jp_area.FORMAT: jp_area,
    }
)


def read(
    content: bytes,
    *,
    name: str = "",
    format: str | None = None,  # noqa: A002  # the word that operators and the command line use
    region: str | None = None,
    time_zone: str | None = None,
) -> Reading:
    """Return what a file or an answer of a source says.

    `name` is the file's name or address: it may tell area, series and day, and has to agree with what the file says of
    them. `format` is a word of `FORMATS`; without it the format is found out by the content. `region` is the code of
    the region that the file has to be about; without it the file or its name must say so. `time_zone` is the IANA name
    of the clock of times that have no offset; without it they are of the region's clock.

    Raises a subclass of Unreadable, and nothing else, for whatever bytes: then nothing is known from the file.
    A year of prices takes seconds: large files are read in a thread.
    """
    if not content.startswith(archive.MAGIC):
        return _read(File(raw=content, name=name, region=region, time_zone=time_zone), format)
    if len(content) > LARGEST:
        raise TooLarge(megabytes=LARGEST // 1_000_000)
    whole = File(raw=content, name=name, region=region, time_zone=time_zone)
    readings: list[Reading] = []
    refused: Unreadable | None = None
    for member, raw in archive.members(content):
        try:
            inner = File(raw=raw, name=f"{name}/{member}", region=region, time_zone=time_zone)
            readings.append(_read(inner, format))
        except Unreadable as error:
            # The other days of the month are still good.
            refused = error
            whole.warn(f"{shown(member, 100)} was left out: {error}")
    if not readings:
        raise refused or NoData(said=shown(name))
    for one in readings:
        for warning in one.warnings:
            whole.warn(warning)
    return joined(readings, whole)


def _read(file: File, word: str | None) -> Reading:
    if word is not None:
        reader = _READERS[word]
        if not reader.is_it(file):
            raise NotThisFormat(wanted=FORMATS[word], beginning=file.beginning)
        return reader.read(file)
    for reader in _READERS.values():
        if reader.is_it(file):
            return reader.read(file)
    raise UnknownFormat(beginning=file.beginning)
