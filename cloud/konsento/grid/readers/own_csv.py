"""Our own layout as CSV: a header with names of `own.COLUMNS`, then a row for each slot."""

from typing import Final

from konsento.grid.readers import own
from konsento.grid.readers.cells import plain
from konsento.grid.readers.file import File
from konsento.grid.reading import Reading

FORMAT: Final = "csv"


def is_it(file: File) -> bool:
    """Tell whether a file is of this layout, by its header."""
    return "begin" in _names(file)


def read(file: File) -> Reading:
    """Return what the rows say. Raises Unreadable."""
    names = _names(file)
    own.check_columns(filter(None, names))
    rows = [
        own.Row(line=line, said=dict(zip(names, row, strict=False)))
        for line, row in enumerate(file.rows[1:], start=2)
        if any(plain(cell) for cell in row)
    ]
    if file.ends_open and rows:
        rows.pop()  # its last number may be cut
        file.warn("the last line has no end; it was left out")
    return own.gathered(file, FORMAT, rows)


def _names(file: File) -> list[str]:
    try:
        return [own.name_of(cell) for cell in file.rows[0]]
    except IndexError:
        return []
