"""The list of retailers' factors as Japan's ministries publish it (電気事業者別排出係数), as a workbook or as CSV.

Columns are found by their headings (登録番号, 事業者名, メニュー, 基礎, 調整後). Number and name stand in merged
cells, so an empty one means the retailer of the row above. `－` is a factor that cannot be known and `※` one that was
replaced by the substitute value: neither is taken, and the retailer's energy then counts with the substitute value.
"""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import python_calamine

from konsento.environment.computation.factors.factor import ALL_OF_IT, RESIDUAL_MENU, ZERO_MENUS, Factor, Kind
from konsento.environment.computation.factors.table import check
from konsento.environment.computation.reading import (
    LARGEST_FILE,
    BadFileError,
    Told,
    columns,
    decoded,
    number,
    plain,
    rows_of,
)

_HEADINGS: Final = {
    "retailer": "登録番号",
    "name": "事業者名",
    "menu": "メニュー",
    "base": "基礎",
    "adjusted": "調整後",
}
_RETAILER: Final = re.compile(r"A\d{4}")
_YEAR: Final = re.compile(r"(?:令和|R)(元|\d{1,2})年度?(?:の)?実績")
_PUBLISHED: Final = re.compile(r"(?:令和|R)(\d{1,2})[.年](\d{1,2})[.月](\d{1,2})")
_LOOKED_AT: Final = 40
"""Rows in which the heading has to stand."""
TITLE: Final = "環境省・経済産業省「電気事業者別排出係数（特定排出者の温室効果ガス排出量算定用）」"
LICENCE: Final = "公共データ利用規約（第1.0版）, compatible with CC BY 4.0"
PROCESSED: Final = "imported by Konsento, values as published"


@dataclass(frozen=True, kw_only=True)
class Edition:
    """Which publication a file is, where it does not say so itself."""

    fiscal_year: int | None = None
    """Of the generation: factors of 2024 compute what is used from April 2025 to March 2026."""
    edition: str = ""
    """Day of publication, ISO 8601."""
    url: str = ""


def read_ministry(raw: bytes, given: Edition) -> tuple[list[Factor], list[Told]]:
    """Return the factors of a published file and what is to be told. Raises BadFileError for another layout."""
    rows = _sheet(raw) if raw.startswith(b"PK") else [list[object](row) for row in rows_of(decoded(raw))]
    start, where = _heading(rows)
    head = " ".join(plain(cell) for row in rows[: start + 1] for cell in row)
    year = given.fiscal_year or _year(head)
    if year is None:
        raise BadFileError(1, "the fiscal year (令和…年度実績) does not stand above the table; tell it")
    common = Factor(
        kind=Kind.RETAILER_BASE,
        value=Decimal(0),
        unit="t/kWh",
        delivered=True,
        valid_from=date(year + 1, 4, 1),
        valid_to=date(year + 2, 3, 31),
        title=f"{TITLE}令和{year - 2018}年度実績",
        url=given.url,
        edition=given.edition or _published(head) or f"{year}",
        licence=LICENCE,
        processed_by=PROCESSED,
    )
    factors, told = _rows(rows[start + 1 :], start + 2, where, common)
    if not factors:
        raise BadFileError(start + 2, "no row below the heading holds a factor")
    return [*factors, *_zero_menus(factors)], told


def _sheet(raw: bytes) -> list[list[object]]:
    if len(raw) > LARGEST_FILE:
        raise BadFileError(0, "the file is too large")
    try:
        with python_calamine.load_workbook(io.BytesIO(raw)) as book:
            for name in book.sheet_names:
                rows = [list[object](row) for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]
                if any(columns(row, _HEADINGS) for row in rows[:_LOOKED_AT]):
                    return rows
    except (python_calamine.CalamineError, ValueError) as error:
        raise BadFileError(0, f"the workbook cannot be opened: {error}") from error
    raise BadFileError(1, _no_heading())


def _no_heading() -> str:
    return f"no heading with {', '.join(_HEADINGS.values())} stands in the first {_LOOKED_AT} rows"


def _heading(rows: Sequence[Sequence[object]]) -> tuple[int, dict[str, int]]:
    for index, row in enumerate(rows[:_LOOKED_AT]):
        where = columns(row, _HEADINGS)
        if where is not None:
            return index, where
    raise BadFileError(1, _no_heading())


def _year(head: str) -> int | None:
    found = _YEAR.search(head)
    return None if found is None else 2018 + (1 if found[1] == "元" else int(found[1]))


def _published(head: str) -> str:
    found = _PUBLISHED.search(head)
    if found is None:
        return ""
    try:
        return date(2018 + int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return ""


def _rows(
    rows: Iterable[Sequence[object]], first: int, where: dict[str, int], common: Factor
) -> tuple[list[Factor], list[Told]]:
    factors: dict[tuple[object, ...], Factor] = {}
    told: list[Told] = []
    retailer = name = ""
    for line, row in enumerate(rows, start=first):
        cells = {column: plain(row[at]) if at < len(row) else "" for column, at in where.items()}
        whole = "".join(plain(cell) for cell in row)
        if cells["retailer"] or cells["name"]:
            retailer, name = cells["retailer"], cells["name"]
        if not (cells["base"] or cells["adjusted"]):
            continue
        if "代替値" in whole or "全国平均" in whole:
            kind = Kind.RESIDUAL if "代替値" in whole else Kind.GRID_AVERAGE
            about, kinds = {"region": "JP", "menu": ALL_OF_IT}, {"base": kind}
        elif _RETAILER.fullmatch(retailer):
            about = {"retailer": retailer, "name": name, "menu": _menu(cells["menu"])}
            kinds = {"base": Kind.RETAILER_BASE, "adjusted": Kind.RETAILER_ADJUSTED}
        else:
            detail = f"{retailer!r} is no registration number (A and four digits)"
            told.append(Told(row=line, reason="BadRetailer", detail=detail, refused=True))
            continue
        for column, kind in kinds.items():
            factor = _value(cells[column], line, {**common.__dict__, **about, "kind": kind}, told)
            if factor is None:
                continue
            known = factors.setdefault(factor.key, factor)
            if known.value != factor.value:
                detail = f"{retailer} {cells['menu']}: {factor.value} here, {known.value} above"
                told.append(Told(row=line, reason="Contradiction", detail=detail, refused=True))
    return list(factors.values()), told


def _value(cell: str, line: int, fields: dict[str, object], told: list[Told]) -> Factor | None:
    if "※" in cell:
        detail = "※: the ministry used the substitute value; so does the computation"
        told.append(Told(row=line, reason="Substituted", detail=detail, refused=True))
        return None
    if cell in {"", "-", "－", "―", "—", "ー"}:
        told.append(Told(row=line, reason="Unknown", detail="－: there is no factor", refused=True))
        return None
    try:
        value = number(cell)
        factor = Factor(**{**fields, "value": value})  # type: ignore[arg-type]  # the fields of a factor with others in place
        check(factor)
    except (ValueError, TypeError) as error:
        told.append(Told(row=line, reason="BadValue", detail=str(error), refused=True))
        return None
    return factor


def _menu(cell: str) -> str:
    if "残差" in cell:
        return RESIDUAL_MENU
    if not cell or "事業者全体" in cell or "参考値" in cell:
        return ALL_OF_IT
    return cell


def _zero_menus(factors: Sequence[Factor]) -> Iterable[Factor]:
    """Return, for every retailer that has menus of 0, the one factor that stands for them."""
    seen = set()
    for factor in factors:
        zero = factor.retailer and factor.menu not in {ALL_OF_IT, RESIDUAL_MENU} and factor.value == 0
        if zero and (factor.kind, factor.retailer) not in seen:
            seen.add((factor.kind, factor.retailer))
            yield Factor(**{**factor.__dict__, "menu": ZERO_MENUS, "note": f"for example {factor.menu}"})
