"""Sheets of labels as they are sold, and labels on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final

from konsento.kit.i18n import marked
from konsento.kit.paper.drawing import Line, Page
from konsento.sites.labels.label import Label, drawn

_INCH: Final = 25.4
_TICK: Final = 2.0
"""Length of a cut mark, mm."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A sheet and the labels on it; lengths in mm."""

    title: str
    """Marked for translation."""
    page_w: float
    page_h: float
    columns: int
    rows: int
    label_w: float
    label_h: float
    gap_x: float = 0.0
    gap_y: float = 0.0

    @property
    def count(self) -> int:
        """Labels on a sheet."""
        return self.columns * self.rows

    def place(self, number: int) -> tuple[float, float]:
        """Return the top left corner of a label, counted from 0 by rows. The sheet lies in the middle of its page."""
        row, column = divmod(number, self.columns)
        left = (self.page_w - self.columns * self.label_w - (self.columns - 1) * self.gap_x) / 2
        top = (self.page_h - self.rows * self.label_h - (self.rows - 1) * self.gap_y) / 2
        return left + column * (self.label_w + self.gap_x), top + row * (self.label_h + self.gap_y)


_A4: Final = (210.0, 297.0)
_LETTER: Final = (8.5 * _INCH, 11 * _INCH)
LAYOUTS: Final[dict[str, Layout]] = {
    "a4-3x7": Layout(
        title=marked("A4, 21 labels of 70 × 42.3 mm"),
        page_w=_A4[0],
        page_h=_A4[1],
        columns=3,
        rows=7,
        label_w=70.0,
        label_h=42.3,
    ),
    "a4-2x4": Layout(
        title=marked("A4, 8 labels of 105 × 74 mm"),
        page_w=_A4[0],
        page_h=_A4[1],
        columns=2,
        rows=4,
        label_w=105.0,
        label_h=74.0,
    ),
    "letter-2x5": Layout(
        title=marked("Letter, 10 labels of 4 × 2 inches"),
        page_w=_LETTER[0],
        page_h=_LETTER[1],
        columns=2,
        rows=5,
        label_w=4 * _INCH,
        label_h=2 * _INCH,
        gap_x=0.1875 * _INCH,
    ),
    "letter-2x3": Layout(
        title=marked("Letter, 6 labels of 4 × 3⅓ inches"),
        page_w=_LETTER[0],
        page_h=_LETTER[1],
        columns=2,
        rows=3,
        label_w=4 * _INCH,
        label_h=10 / 3 * _INCH,
        gap_x=0.1875 * _INCH,
    ),
    "a6": Layout(
        title=marked("A6, one large label on each page"),
        page_w=105.0,
        page_h=148.0,
        columns=1,
        rows=1,
        label_w=95.0,
        label_h=138.0,
    ),
}
DEFAULT: Final = "a4-3x7"


def pages_of(labels: Sequence[Label], layout: Layout, *, start: int = 1, cut_marks: bool = False) -> list[Page]:
    """Return the pages; `start` is the first label that is still there on a sheet that was begun, from 1."""
    taken: list[Label | None] = [None] * (start - 1)
    return [
        _page(sheet, layout, cut_marks=cut_marks) for sheet in batched([*taken, *labels], layout.count, strict=False)
    ]


def _page(sheet: Sequence[Label | None], layout: Layout, *, cut_marks: bool) -> Page:
    page = Page(width=layout.page_w, height=layout.page_h)
    for number, label in enumerate(sheet):
        if label is None:
            continue
        x, y = layout.place(number)
        page.elements += drawn(label, x, y, layout.label_w, layout.label_h)
        if cut_marks:
            page.elements += _marks(x, y, layout)
    return page


def _marks(x: float, y: float, layout: Layout) -> list[Line]:
    """Return two ticks in each corner, inside of the label: outside there may be no paper."""
    return [
        line
        for corner_x, step_x in ((x, _TICK), (x + layout.label_w, -_TICK))
        for corner_y, step_y in ((y, _TICK), (y + layout.label_h, -_TICK))
        for line in (
            Line(x1=corner_x, y1=corner_y, x2=corner_x + step_x, y2=corner_y),
            Line(x1=corner_x, y1=corner_y, x2=corner_x, y2=corner_y + step_y),
        )
    ]
