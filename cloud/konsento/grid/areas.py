"""Regions of the grid that files name, and by which words, numbers and codes they name them. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from babel import Locale


@dataclass(frozen=True, kw_only=True)
class Area:
    """A region with one balance of supply and demand."""

    code: str
    """`JP-A03`, `GB`, `DK-DK2`."""
    name_en: str
    name_ja: str
    time_zone: str
    """IANA name: its days begin by this clock."""
    peak_mw: int | None = None
    """About the highest demand ever; only to tell numbers in a wrong unit. None where none is needed."""


@dataclass(frozen=True, kw_only=True)
class _Japanese:
    code: str
    name_en: str
    name_ja: str
    peak_mw: int
    zone: str
    """As Electricity Maps names it."""
    named: str
    """Regular expression of the names and addresses of its operator's files."""
    maybe: str = "(?!)"
    """The same of names that are its operator's, but say so little that any file could go by them."""


_JAPAN: Final = (
    _Japanese(
        code="JP-A01", name_en="Hokkaido", name_ja="北海道", peak_mw=5_800, zone="JP-HKD", named=r"hokkaido|hepco"
    ),
    _Japanese(
        code="JP-A02",
        name_en="Tohoku",
        name_ja="東北",
        peak_mw=15_600,
        zone="JP-TH",
        named=r"tohoku|area_tso_",
    ),
    _Japanese(
        code="JP-A03",
        name_en="Tokyo",
        name_ja="東京",
        peak_mw=64_300,
        zone="JP-TK",
        named=r"tokyo|tepco",
        maybe=r"^area_((once_)?(yosoku|jiseki|bgkei)|\d{6}\.zip)",
    ),
    _Japanese(
        code="JP-A04", name_en="Chubu", name_ja="中部", peak_mw=28_200, zone="JP-CB", named=r"chubu|chuden|cepco"
    ),
    _Japanese(
        code="JP-A05", name_en="Hokuriku", name_ja="北陸", peak_mw=5_700, zone="JP-HR", named=r"hokuriku|rikuden"
    ),
    _Japanese(
        code="JP-A06",
        name_en="Kansai",
        name_ja="関西",
        peak_mw=33_100,
        zone="JP-KN",
        named=r"kansai|kepco",
        maybe=r"^\d{8}_(yosoku|jisseki|bgkeikaku)\.csv|^\d{6}_(yosoku|jisseki|bgkeikaku)\.zip",
    ),
    _Japanese(code="JP-A07", name_en="Chugoku", name_ja="中国", peak_mw=12_300, zone="JP-CG", named=r"chugoku|energia"),
    _Japanese(
        code="JP-A08",
        name_en="Shikoku",
        name_ja="四国",
        peak_mw=6_000,
        zone="JP-SK",
        named=r"shikoku|yonden",
        maybe=r"^(yosoku|jisseki|keikaku)_(today|tomorrow)\.csv",
    ),
    _Japanese(code="JP-A09", name_en="Kyushu", name_ja="九州", peak_mw=17_900, zone="JP-KY", named=r"kyushu|kyuden"),
    _Japanese(
        code="JP-A10",
        name_en="Okinawa",
        name_ja="沖縄",
        peak_mw=1_700,
        zone="JP-ON",
        named=r"okinawa|okiden",
        maybe=r"^jukyu_(yosoku|jisseki|keikaku)_\d{8}\.csv",
    ),
)
_NUMBERED: Final = re.compile(
    r"tso(10|[1-9])_|(?:yosoku|jisseki|keikaku|juyo)_(0[1-9]|10)_\d{8}|_\d{6,8}_(0[1-9]|10)\."
)
"""Names with the operator's number: `21110_TSO9_0_…`, `yosoku_05_20260401`, `eria_jukyu_202604_03.csv`."""
_ZONED: Final = re.compile(r"jp-(?:[a-z]{2,3}|a\d\d)(?![a-z0-9])")
"""Names that begin with the region: `JP-A03_…`, or as Electricity Maps calls it, `JP-TK_…`."""

_UK_REGIONS: Final = (
    "North Scotland", "South Scotland", "North West England", "North East England", "Yorkshire",
    "North Wales and Merseyside", "South Wales", "West Midlands", "East Midlands", "East England",
    "South West England", "South England", "London", "South East England", "England", "Scotland", "Wales",
)  # fmt: skip
"""By their number at the UK's Carbon Intensity API, from 1; its 18 is the whole of Great Britain."""

# Energy Identification Codes of bidding zones and control areas, as the European transparency platform lists them.
EIC: Final = {
    "10YAL-KESH-----5": "AL", "10YAT-APG------L": "AT", "10YBA-JPCC-----D": "BA", "10YBE----------2": "BE",
    "10YCA-BULGARIA-R": "BG", "10YCH-SWISSGRIDZ": "CH", "10YCY-1001A0003J": "CY", "10YCZ-CEPS-----N": "CZ",
    "10Y1001A1001A82H": "DE", "10Y1001A1001A83F": "DE", "10YDK-1--------W": "DK-DK1", "10YDK-2--------M": "DK-DK2",
    "10Y1001A1001A39I": "EE", "10YES-REE------0": "ES", "10YFI-1--------U": "FI", "10YFR-RTE------C": "FR",
    "10YGB----------A": "GB", "10YGR-HTSO-----Y": "GR", "10YHR-HEP------M": "HR", "10YHU-MAVIR----U": "HU",
    "10Y1001A1001A59C": "IE", "10YIE-1001A00010": "IE", "10Y1001A1001A73I": "IT-NO", "10Y1001A1001A70O": "IT-CNO",
    "10Y1001A1001A71M": "IT-CSO", "10Y1001A1001A788": "IT-SO", "10Y1001C--00096J": "IT-CAL",
    "10Y1001A1001A75E": "IT-SIC", "10Y1001A1001A74G": "IT-SAR", "10YIT-GRTN-----B": "IT", "10YLT-1001A0008Q": "LT",
    "10YLU-CEGEDEL-NQ": "LU", "10YLV-1001A00074": "LV", "10YCS-CG-TSO---S": "ME", "10YMK-MEPSO----8": "MK",
    "10YNL----------L": "NL", "10YNO-1--------2": "NO-NO1", "10YNO-2--------T": "NO-NO2", "10YNO-3--------J": "NO-NO3",
    "10YNO-4--------9": "NO-NO4", "10Y1001A1001A48H": "NO-NO5", "10YPL-AREA-----S": "PL", "10YPT-REN------W": "PT",
    "10YRO-TEL------P": "RO", "10YCS-SERBIATSOV": "RS", "10Y1001A1001A44P": "SE-SE1", "10Y1001A1001A45N": "SE-SE2",
    "10Y1001A1001A46L": "SE-SE3", "10Y1001A1001A47J": "SE-SE4", "10YSI-ELES-----O": "SI", "10YSK-SEPS-----K": "SK",
}  # fmt: skip

_GERMANY_AND_LUXEMBOURG: Final = "10Y1001A1001A82H"
"""One bidding zone of two countries."""

_CLOCKS: Final = {
    "AL": "Tirane", "AT": "Vienna", "BA": "Sarajevo", "BE": "Brussels", "BG": "Sofia", "CH": "Zurich",
    "CY": "Nicosia", "CZ": "Prague", "DE": "Berlin", "DK": "Copenhagen", "EE": "Tallinn", "ES": "Madrid",
    "FI": "Helsinki", "FR": "Paris", "GB": "London", "GR": "Athens", "HR": "Zagreb", "HU": "Budapest", "IE": "Dublin",
    "IT": "Rome", "LT": "Vilnius", "LU": "Luxembourg", "LV": "Riga", "ME": "Podgorica", "MK": "Skopje",
    "NL": "Amsterdam", "NO": "Oslo", "PL": "Warsaw", "PT": "Lisbon", "RO": "Bucharest", "RS": "Belgrade",
    "SE": "Stockholm", "SI": "Ljubljana", "SK": "Bratislava",
}  # fmt: skip
"""By country: the city of its IANA time zone in Europe."""


def _all() -> Iterator[Area]:
    for one in _JAPAN:
        yield Area(
            code=one.code,
            name_en=f"{one.name_en} area",
            name_ja=f"{one.name_ja}エリア",
            time_zone="Asia/Tokyo",
            peak_mw=one.peak_mw,
        )
    english, japanese = Locale("en"), Locale("ja")
    for code in dict.fromkeys((*EIC.values(), "GB")):
        country, _, zone = code.partition("-")
        yield Area(
            code=code,
            name_en=f"{english.territories[country]} {zone}".strip(),
            name_ja=f"{japanese.territories[country]} {zone}".strip(),
            time_zone=f"Europe/{_CLOCKS[country]}",
        )
    for number, name in enumerate(_UK_REGIONS, start=1):
        yield Area(code=f"GB-{number}", name_en=name, name_ja="", time_zone="Europe/London")


AREAS: Final[Mapping[str, Area]] = MappingProxyType({area.code: area for area in _all()})
"""By code."""

JAPAN: Final = tuple(one.code for one in _JAPAN)
"""Codes of Japan's ten areas, in the order of their operators' numbers."""


def of_japanese_name(said: str) -> str | None:
    """Return the code of the area that goes by a Japanese name (`東京`, `東京エリア`); None for any other."""
    plain = unicodedata.normalize("NFKC", said).strip().removesuffix("エリア")
    return next((one.code for one in _JAPAN if one.name_ja == plain), None)


def in_japanese_text(text: str) -> str | None:
    """Return the code of the area that a Japanese text names; None where it names none, or several."""
    found = [one.code for one in _JAPAN if one.name_ja in text]
    return found[0] if len(found) == 1 else None


def of_file_name(name: str) -> str | None:
    """Return the code of the Japanese area that a file's name, its folders or its address tell; None if unclear.

    Its own name counts most. One that says no more than `yosoku_today.csv` is used by one operator, but any file could
    go by it: it counts where no folder or host says otherwise.
    """
    *around, own = _parts(name)
    if code := _certain(own):
        return code
    maybe = {one.code for one in _JAPAN if re.search(one.maybe, own)}
    maybe.update([code for part in reversed(around) if (code := _certain(part))][:1])
    return maybe.pop() if len(maybe) == 1 else None


def of_certain_name(name: str) -> str | None:
    """Return the code of the Japanese area that a file's own name tells for certain; None if it does not."""
    return _certain(_parts(name)[-1])


def _parts(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", name).lower().partition("?")[0]
    return [part for part in re.split(r"[/\\]", plain) if part] or [""]


def _certain(part: str) -> str | None:
    zoned = _ZONED.match(part)
    if zoned and (code := of_zone(zoned[0].upper())):
        return code
    if number := _NUMBERED.search(part):
        return JAPAN[int(next(filter(None, number.groups()))) - 1]
    found = [one.code for one in _JAPAN if re.search(one.named, part) or one.name_ja in part]
    return found[0] if len(found) == 1 else None


def of_eic(eic: str) -> tuple[str, ...]:
    """Return the codes of the regions with an Energy Identification Code, the main one first; none if unknown here."""
    if eic == _GERMANY_AND_LUXEMBOURG:
        return ("DE", "LU")
    return (EIC[eic],) if eic in EIC else ()


def of_uk_number(number: str) -> str | None:
    """Return the code of the region that the UK's Carbon Intensity API gives a number; None for no such number."""
    if not re.fullmatch("[0-9]{1,2}", number):
        return None
    if int(number) == len(_UK_REGIONS) + 1:
        return "GB"
    return f"GB-{int(number)}" if 1 <= int(number) <= len(_UK_REGIONS) else None


def of_zone(zone: str) -> str | None:
    """Return the code of the region that Electricity Maps calls `zone`; None if it is not known here."""
    return zone if zone in AREAS else next((one.code for one in _JAPAN if one.zone == zone), None)
