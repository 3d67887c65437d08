"""Measuring: a benchmark returns rows, or a table with facts beside them, which is printed and kept as JSON."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import cpu_count
from statistics import median, quantiles

from rig.paths import BUILD

type Row = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of the same columns, and the facts that they are measured for; whoever reads the JSON knows their names."""

    rows: Sequence[Row]
    facts: Mapping[str, object]


type Measured = Sequence[Row] | Table


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return the median, the 90th percentile, the least and the most of at least two values."""
    return {
        "median": round(median(values), 1),
        "p90": round(quantiles(values, n=10, method="inclusive")[-1], 1),
        "least": round(min(values), 1),
        "most": round(max(values), 1),
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that so many percent (1 to 99) of at least two values do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def report(name: str, measured: Measured) -> None:
    """Print a table and write it to build/bench/<name>.json, the facts on its top level."""
    table = measured if isinstance(measured, Table) else Table(rows=measured, facts={})
    rows = table.rows
    columns = list(rows[0])
    cells = [columns, *([str(row[column]) for column in columns] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    print(f"\n{name}")
    for row in cells:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    for fact, value in table.facts.items():
        print(f"  {fact} = {value}")
    folder = BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    result = {
        "name": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}",
        **table.facts,
        "rows": rows,
    }
    (folder / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
