"""Tables as files for a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from starlette.responses import Response

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return a CSV file (RFC 4180, UTF-8 with a mark that spreadsheets look for)."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return Response(
        "\ufeff" + text.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    # A spreadsheet would take what a person typed for a formula.
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
