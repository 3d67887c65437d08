"""Results and factors as CSV, for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from konsento.environment.computation.factors.choice import Numbered
from konsento.environment.computation.factors.table import COLUMNS, NUMBER
from konsento.environment.computation.results import By, Line
from konsento.environment.computation.runs import NUMBERS

UNITS: Final = {name: f"{name}_wh" if name == "hourly" else f"{name}_mg" for name in NUMBERS} | {
    "wh": "wh",
    "hourly_wh": "hourly_wh",
}
"""Headings of the figures, with their units: masses are mg CO2e."""


def results_csv(found: Iterable[Line], by: Sequence[By]) -> str:
    """Return figures as CSV: what they are split by, then energy in Wh and masses in mg."""
    heading = [*by, "rest", "merged", "outlets", *(UNITS[name] for name in NUMBERS), "provisional", "factors"]
    return _csv(
        heading,
        (
            [
                *(line.about[one.value] for one in by),
                "yes" if line.rest else "no",
                line.merged,
                "" if line.outlets is None else line.outlets,
                *(getattr(line.figures, name) for name in NUMBERS),
                "yes" if line.figures.provisional else "no",
                " ".join(str(number) for number in sorted(line.figures.factors)),
            ]
            for line in found
        ),
    )


def factors_csv(found: Iterable[Numbered]) -> str:
    """Return factors as CSV, in the layout that can be imported, with their numbers in front."""
    rows = ([one.id, *(_cell(getattr(one.factor, name)) for name in COLUMNS)] for one in found)
    return _csv([NUMBER, *COLUMNS], rows)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else value


def _csv(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(heading)
    for row in rows:
        writer.writerow([_harmless(str(cell)) for cell in row])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; names come from files that others made."""
    return (
        f"'{cell}" if cell[:1] in {"=", "+", "@", "\t", "\r"} or (cell[:1] == "-" and not cell[1:].isdigit()) else cell
    )
