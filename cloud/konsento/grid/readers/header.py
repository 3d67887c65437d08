"""Headers whose columns are found by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from konsento.grid.errors import ChangedHeader
from konsento.grid.readers.cells import plain, shown


def find(rows: Sequence[Sequence[str]], *names: str, within: int = 12) -> int | None:
    """Return the index of the first row that has cells which begin with all of `names`; None if there is none."""
    for index, row in enumerate(rows[:within]):
        cells = [plain(cell) for cell in row]
        if all(any(cell.startswith(name) for cell in cells) for name in names):
            return index
    return None


def places(row: Sequence[str], wanted: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return where the columns are, by a word of ours for each: its heading is one of those given, in ordinary signs.

    Raises ChangedHeader where one of them is missing; what stands there that is not wanted is told as found.
    """
    cells = [plain(cell) for cell in row]
    known = {name for names in wanted.values() for name in names}
    found: dict[str, int] = {}
    for word, names in wanted.items():
        index = next((cells.index(name) for name in names if name in cells), None)
        if index is None:
            others = [cell for cell in cells if cell and cell not in known]
            raise ChangedHeader(expected=next(iter(names)), found=shown(", ".join(others)))
        found[word] = index
    return found


def match(row: Sequence[str], is_it: Callable[[str], bool]) -> int | None:
    """Return the place of the first column whose heading is the one; None if there is none."""
    return next((index for index, cell in enumerate(row) if is_it(plain(cell))), None)
