"""Factors in the project's own layout: one CSV column for each field, so that any source can be brought in."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Final

from konsento.environment.computation.factors.factor import SHARE, UNITS, Factor, Kind
from konsento.environment.computation.reading import BadFileError, Told, decoded, number, rows_of

COLUMNS: Final = (
    "kind", "region", "power_type", "retailer", "menu", "value", "unit", "delivered", "gases", "valid_from", "valid_to",
    "provisional", "title", "url", "edition", "licence", "processed_by", "name", "note",
)  # fmt: skip
NUMBER: Final = "id"
"""Column in front of the others in what is exported; passed over when it is imported."""
SHIPPED: Final = ("ipcc.csv", "japan.csv", "defaults.csv")
_LARGEST_G: Final = Decimal(3000)
"""g/kWh; hydro-electricity of the worst reservoir has 2,200 over its life."""


def is_table(raw: bytes) -> bool:
    """Tell whether a file claims this layout, by its first word."""
    return raw.removeprefix(b"\xef\xbb\xbf").startswith((f"{COLUMNS[0]},".encode(), f"{NUMBER},".encode()))


def read_table(raw: bytes) -> tuple[list[Factor], list[Told]]:
    """Return the factors of a file and what is to be told about its rows. Raises BadFileError for another layout."""
    rows = rows_of(decoded(raw))
    if rows and rows[0][:1] == [NUMBER]:
        rows = [row[1:] for row in rows]
    if not rows or [cell.strip() for cell in rows[0]] != list(COLUMNS):
        raise BadFileError(1, f"the first row has to be {','.join(COLUMNS)}")
    factors, told = [], []
    for line, cells in enumerate(rows[1:], start=2):
        if not any(cells):
            continue
        if len(cells) != len(COLUMNS):
            told.append(
                Told(row=line, reason="WrongWidth", detail=f"{len(cells)} cells, not {len(COLUMNS)}", refused=True)
            )
            continue
        try:
            factors.append(_factor(dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=True))))
        except ValueError as error:
            told.append(Told(row=line, reason="BadRow", detail=str(error), refused=True))
    return factors, told


def shipped() -> list[Factor]:
    """Return the factors that come with the program."""
    folder = files("konsento.environment.computation.factors") / "data"
    return [factor for name in SHIPPED for factor in _whole((folder / name).read_bytes())]


def _whole(raw: bytes) -> Sequence[Factor]:
    factors, told = read_table(raw)
    if told:
        raise ValueError(f"a shipped table is broken: {told}")
    return factors


def _factor(row: dict[str, str]) -> Factor:
    value = number(row["value"])
    if value is None:
        raise ValueError("there is no value")
    factor = Factor(
        kind=Kind(row["kind"]),
        region=row["region"],
        power_type=row["power_type"],
        retailer=row["retailer"],
        menu=row["menu"],
        value=value,
        unit=row["unit"],
        delivered=_yes(row["delivered"]),
        gases=row["gases"],
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        provisional=_yes(row["provisional"]),
        title=row["title"],
        url=row["url"],
        edition=row["edition"],
        licence=row["licence"],
        processed_by=row["processed_by"],
        name=row["name"],
        note=row["note"],
    )
    check(factor)
    return factor


def check(factor: Factor) -> None:
    """Raise ValueError with the reason for a factor that nobody can have meant."""
    if factor.kind is Kind.LOSS:
        if factor.unit != SHARE or not 0 <= factor.value < 1:
            raise ValueError("a loss is a share of what is fed in, 0 <= value < 1, with the unit share")
    elif factor.unit not in UNITS:
        raise ValueError(f"the unit {factor.unit!r} is none of {', '.join(UNITS)}")
    elif not 0 <= factor.value * UNITS[factor.unit] <= _LARGEST_G:
        raise ValueError(f"{factor.value} {factor.unit} cannot be: a unit mistake?")
    if factor.valid_to is not None and factor.valid_to < factor.valid_from:
        raise ValueError("the validity ends before it begins")
    if not (factor.title and factor.edition and factor.licence):
        raise ValueError("title, edition and licence of the source have to be stated")


def _yes(cell: str) -> bool:
    if cell not in {"", "yes", "no"}:
        raise ValueError(f"{cell!r} is neither yes nor no")
    return cell == "yes"
