"""The tree of regions: country, grid areas, prefectures, municipalities. Pure: made from rows, wherever they are kept.

A prefecture whose grid is split between areas has a part of its own in each further area (`JP-22A03` is Shizuoka's in
the area of Tokyo), so that every region lies in exactly one other and sums go up the tree without counting twice.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from konsento.environment.errors import BadRegionsFile

_CODE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})?")
_COLUMNS: Final = ("code", "parent", "kind", "name_en", "name_ja", "municipalities")


class RegionKind(StrEnum):
    """What kind of region."""

    COUNTRY = "country"
    AREA = "area"
    """Grid area: what one transmission system operator runs."""
    PREFECTURE = "prefecture"
    """A prefecture, or its part in one grid area."""
    MUNICIPALITY = "municipality"


@dataclass(frozen=True, kw_only=True)
class Region:
    """One node of the tree."""

    code: str
    parent: str | None
    kind: RegionKind
    name_en: str
    name_ja: str
    municipalities: frozenset[str] = frozenset()
    """JIS X 0402 numbers of those in this part of a split prefecture."""

    def name(self, language: str) -> str:
        """Return the name in a language, as far as there is one."""
        return self.name_ja if language == "ja" else self.name_en


class Tree:
    """Regions by their codes. Raises ValueError where they are no tree."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self._regions = {region.code: region for region in regions}
        self._paths: dict[str, tuple[str, ...]] = {}
        for code in self._regions:
            self._paths[code] = self._path(code)

    def _path(self, code: str) -> tuple[str, ...]:
        path: list[str] = []
        at: str | None = code
        while at is not None:
            if at in path:
                raise ValueError(f"{code} lies in itself")
            if at not in self._regions:
                raise ValueError(f"{path[-1]} lies in {at}, which is not there")
            path.append(at)
            at = self._regions[at].parent
        return tuple(path)

    def __contains__(self, code: str) -> bool:
        return code in self._regions

    def __getitem__(self, code: str) -> Region:
        return self._regions[code]

    def __iter__(self) -> Iterator[Region]:
        return iter(self._regions.values())

    def path(self, code: str) -> tuple[str, ...]:
        """Return the region, the one that it lies in, and so on up to the root. KeyError for an unknown one."""
        return self._paths[code]

    def children(self, code: str) -> list[Region]:
        """Return what lies directly in a region."""
        return [region for region in self if region.parent == code]

    def within(self, code: str) -> frozenset[str]:
        """Return the codes of a region and of all that lies in it."""
        return frozenset(one for one, path in self._paths.items() if code in path)

    def above(self, code: str, kind: RegionKind) -> str | None:
        """Return the region of that kind that a region lies in, itself included; None where there is none."""
        return next((one for one in self.path(code) if self._regions[one].kind is kind), None)

    def joined(self, regions: Iterable[Region]) -> Tree:
        """Return a tree with further regions; one of the same code replaces the one that is here."""
        return Tree((self._regions | {region.code: region for region in regions}).values())


@cache
def shipped() -> Tree:
    """Return the tree that comes with the program: Japan's ten grid areas and 47 prefectures."""
    text = files("konsento.environment").joinpath("data/regions-jp.csv").read_text(encoding="utf-8")
    return Tree(read(text))


def read(text: str) -> list[Region]:
    """Read regions from CSV with the columns of the shipped file. Raises `BadRegionsFile`."""
    rows = csv.DictReader(io.StringIO(text))
    if tuple(rows.fieldnames or ()) != _COLUMNS:
        raise BadRegionsFile(line=1, reason=f"the columns are not {', '.join(_COLUMNS)}")
    found = []
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values() or not _CODE.fullmatch(row["code"]):
            raise BadRegionsFile(line=line, reason="a column is missing or too many, or the code is none")
        if row["kind"] not in RegionKind:
            raise BadRegionsFile(line=line, reason=f"a kind is one of {', '.join(RegionKind)}")
        found.append(
            Region(
                code=row["code"],
                parent=row["parent"] or None,
                kind=RegionKind(row["kind"]),
                name_en=row["name_en"][:100],
                name_ja=row["name_ja"][:100],
                municipalities=frozenset(row["municipalities"].split()),
            )
        )
    return found


def read_municipalities(text: str, tree: Tree) -> list[Region]:
    """Read municipalities from the ministry's list 全国地方公共団体コード, saved as CSV. Raises `BadRegionsFile`.

    Its columns: 団体コード (six digits, the last one a check digit), 都道府県名, 市区町村名, and both in kana.
    A prefecture's own row has no 市区町村名 and is passed over; leading zeros that a spreadsheet dropped are put back.
    """
    parts = {number: region.code for region in tree for number in region.municipalities}
    found: list[Region] = []
    for line, row in enumerate(csv.reader(io.StringIO(text.removeprefix("\ufeff"))), start=1):
        cells = [cell.strip().replace("\n", "") for cell in row]
        if not any(cells) or not cells[0].isascii() or not cells[0].isdigit():
            if found:
                raise BadRegionsFile(line=line, reason="the first column is not a code")
            continue  # the heading
        if len(cells) < 3:
            raise BadRegionsFile(line=line, reason="code, prefecture and municipality are expected")
        digits = cells[0].zfill(6)
        if len(digits) != 6 or not _checked(digits):
            raise BadRegionsFile(line=line, reason="the code's check digit is wrong (JIS X 0402)")
        if not cells[2]:
            continue
        number = digits[:5]
        parent = parts.get(number, f"JP-{number[:2]}")
        if parent not in tree:
            raise BadRegionsFile(line=line, reason=f"there is no prefecture {number[:2]}")
        found.append(
            Region(
                code=f"JP-{number}",
                parent=parent,
                kind=RegionKind.MUNICIPALITY,
                name_en=cells[2][:100],
                name_ja=cells[2][:100],
            )
        )
    if not found:
        raise BadRegionsFile(line=1, reason="no municipality is in it")
    return found


def _checked(digits: str) -> bool:
    # JIS X 0402: weights 6 to 2, eleven minus the rest of their sum by eleven, of which the last digit counts.
    total = sum(int(digit) * weight for digit, weight in zip(digits[:5], range(6, 1, -1), strict=True))
    return int(digits[5]) == (11 - total % 11) % 10
