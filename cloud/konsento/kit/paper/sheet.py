"""A4 pages that are filled from the top: titles, pairs, tables that go on over pages. Lengths are mm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import segno

from konsento.kit.paper.drawing import Line, Page, Text, blocks_of, printable, width_of, wrapped

WIDTH: Final = 210.0
HEIGHT: Final = 297.0
LEFT: Final = 20.0
RIGHT: Final = WIDTH - 20.0
INNER: Final = RIGHT - LEFT
BODY: Final = 3.4
"""Size of what is read."""
SMALL: Final = 2.8
_TOP: Final = 20.0
_BOTTOM: Final = HEIGHT - 22.0
_LEAD: Final = 1.5
"""From one base line to the next, by the size."""
_ASCENT: Final = 0.86
_FOOT: Final = HEIGHT - 12.0
_GAP: Final = 3.0
"""Between two columns."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table."""

    head: str
    share: float
    """Of the width between the margins."""
    anchor: Literal["start", "end"] = "start"


class Sheet:
    """Pages that grow downwards; `y` is the upper edge of what comes next."""

    def __init__(self, foot: str = "") -> None:
        self._foot = _lines(foot, SMALL, INNER * 0.8, bold=False)[0]
        self._pages = [Page(width=WIDTH, height=HEIGHT)]
        self.y = _TOP

    def pages(self) -> list[Page]:
        """Return the pages with their feet: what was given, and which of how many they are."""
        for number, page in enumerate(self._pages, start=1):
            texts = ((LEFT, self._foot, "start"), (RIGHT, f"{number} / {len(self._pages)}", "end"))
            for x, text, anchor in texts:
                page.elements.append(
                    _text(x, _FOOT, SMALL, text, anchor="end" if anchor == "end" else "start", grey=True)
                )
        return self._pages

    def space(self, height: float) -> None:
        """Leave a gap."""
        self.y += height

    def room(self, height: float) -> None:
        """Begin a new page where less than this is left of the present one."""
        if self.y + height > _BOTTOM:
            self._new_page()

    def _new_page(self) -> None:
        self._pages.append(Page(width=WIDTH, height=HEIGHT))
        self.y = _TOP

    def rule(self, width: float = 0.1) -> None:
        """Draw a line from margin to margin."""
        self._pages[-1].elements.append(Line(x1=LEFT, y1=self.y, x2=RIGHT, y2=self.y, width=width))

    def code(self, code: segno.QRCode, *, x: float, side: float) -> None:
        """Draw a QR code, with its white border, beside what is written next: `y` stays as it is."""
        self._pages[-1].elements.append(blocks_of(code, x, self.y, side))

    def text(
        self,
        text: str,
        *,
        size: float = BODY,
        bold: bool = False,
        grey: bool = False,
        x: float = LEFT,
        width: float = INNER,
        anchor: Literal["start", "end"] = "start",
    ) -> None:
        """Write a text in as many lines as it needs within `width`; `x` is its left edge, or the right one."""
        for line in _lines(text, size, width, bold=bold):
            self.room(size * _LEAD)
            self._write(x, size, line, bold=bold, grey=grey, anchor=anchor)
            self.y += size * _LEAD

    def pair(self, name: str, value: str, *, x: float = LEFT, width: float = INNER, share: float = 0.3) -> None:
        """Write a name in grey and beside it a value; both may need several lines."""
        left = _lines(name, BODY, width * share - _GAP, bold=False)
        right = _lines(value, BODY, width * (1 - share), bold=False)
        self.room(max(len(left), len(right)) * BODY * _LEAD)
        top = self.y
        for line in left:
            self._write(x, BODY, line, grey=True)
            self.y += BODY * _LEAD
        low, self.y = self.y, top
        for line in right:
            self._write(x + width * share, BODY, line)
            self.y += BODY * _LEAD
        self.y = max(low, self.y)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, size: float = BODY) -> None:
        """Write rows under their heads, which are written again on every page; a row is never cut."""
        self._heads(columns, size)
        for row in rows:
            cells = [
                _lines(text, size, column.share * INNER - _GAP, bold=False)
                for column, text in zip(columns, row, strict=True)
            ]
            height = max(map(len, cells)) * size * _LEAD
            if self.y + height > _BOTTOM:
                self._new_page()
                self._heads(columns, size)
            self._row(columns, cells, size)
            self.y += size * 0.35
        self.rule()
        self.y += size * 0.6

    def _heads(self, columns: Sequence[Column], size: float) -> None:
        # With room for one row below: heads alone at the end of a page say nothing.
        self.room(size * _LEAD * 4)
        cells = [_lines(column.head, size, column.share * INNER - _GAP, bold=False) for column in columns]
        self._row(columns, cells, size, grey=True)
        self.y += size * 0.2
        self.rule(0.3)
        self.y += size * 0.5

    def _row(
        self, columns: Sequence[Column], cells: Sequence[Sequence[str]], size: float, *, grey: bool = False
    ) -> None:
        top, x = self.y, LEFT
        for column, lines in zip(columns, cells, strict=True):
            self.y = top
            for line in lines:
                at = x if column.anchor == "start" else x + column.share * INNER
                self._write(at, size, line, grey=grey, anchor=column.anchor)
                self.y += size * _LEAD
            x += column.share * INNER
        self.y = top + max(map(len, cells)) * size * _LEAD

    def _write(
        self,
        x: float,
        size: float,
        line: str,
        *,
        bold: bool = False,
        grey: bool = False,
        anchor: Literal["start", "end"] = "start",
    ) -> None:
        base = self.y + size * _ASCENT
        self._pages[-1].elements.append(_text(x, base, size, line, bold=bold, grey=grey, anchor=anchor))


def _text(
    x: float,
    y: float,
    size: float,
    text: str,
    *,
    bold: bool = False,
    grey: bool = False,
    anchor: Literal["start", "end"] = "start",
) -> Text:
    return Text(x=x, y=y, size=size, text=text, bold=bold, grey=grey, anchor=anchor)


def _lines(text: str, size: float, width: float, *, bold: bool) -> list[str]:
    """Return the lines of a text, which may have line breaks of its own; at least one."""
    lines = [line for part in text.splitlines() for line in wrapped(printable(part), size, width, bold=bold)]
    return [piece for line in lines for piece in _cut(line, size, width, bold=bold)] or [""]


def _cut(line: str, size: float, width: float, *, bold: bool) -> list[str]:
    """Cut a line that is one long word, for example an address of the internet."""
    pieces = [""]
    for letter in line:
        if pieces[-1] and width_of(pieces[-1] + letter, size, bold=bold) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces
