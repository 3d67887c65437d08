"""What a page is made of. Lengths are mm, from the top left corner."""

from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Final, Literal

import segno
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from konsento.kit import fonts

POINT_MM: Final = 25.4 / 72
GREY: Final = "#56645c"
"""Of what explains, beside what counts."""
_NOT_AT_LINE_START: Final = frozenset("、。，．：；！？）」』】・ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ,.:;!?)")


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """A QR code: black bars on a grid."""

    x: float
    y: float
    module: float
    """Side of a square of the grid, mm."""
    bars: tuple[tuple[int, int, int], ...]
    """Column, row and length of each bar, which is one square high."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """One line of text."""

    x: float
    y: float
    """Of the base line."""
    size: float
    """Of the letters, mm."""
    text: str
    bold: bool = False
    grey: bool = False
    anchor: Literal["start", "middle", "end"] = "start"

    @property
    def width(self) -> float:
        """How wide it is in the embedded typeface."""
        return width_of(self.text, self.size, bold=self.bold)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A rule, by default a hairline."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float = 0.1


QUIET: Final = 4
"""Modules around a QR code that stay white (ISO/IEC 18004)."""


def blocks_of(code: segno.QRCode, x: float, y: float, side: float) -> Blocks:
    """Draw a QR code with its white border in a square."""
    rows = [list(row) for row in code.matrix]
    bars: list[tuple[int, int, int]] = []
    for number, row in enumerate(rows):
        column = 0
        for dark, squares in groupby(row):
            length = len(list(squares))
            if dark:
                bars.append((QUIET + column, QUIET + number, length))
            column += length
    return Blocks(x=x, y=y, module=side / (len(rows) + 2 * QUIET), bars=tuple(bars))


type Element = Blocks | Text | Line


@dataclass(kw_only=True)
class Page:
    """One page."""

    width: float
    height: float
    elements: list[Element] = field(default_factory=list)


@cache
def _typeface(*, bold: bool) -> TTFont:
    path = fonts.BOLD if bold else fonts.REGULAR
    font = TTFont(path.stem, str(path))
    pdfmetrics.registerFont(font)
    return font


def font_name(*, bold: bool) -> str:
    """Return the name of the embedded typeface, loading it the first time."""
    return str(_typeface(bold=bold).fontName)


def printable(text: str) -> str:
    """Return a text with a mark (U+3013) for each letter that the embedded typeface does not have.

    It has Japanese, Latin, Greek and Cyrillic letters. Without a mark such a letter would vanish.
    """
    glyphs = _typeface(bold=False).face.charToGlyph
    return "".join(letter if ord(letter) in glyphs else "〓" for letter in text)


def width_of(text: str, size: float, *, bold: bool) -> float:
    """Return how wide a text is, in the unit of `size`."""
    return float(pdfmetrics.stringWidth(text, font_name(bold=bold), size))


def wrapped(text: str, size: float, width: float, *, bold: bool) -> list[str]:
    """Return a text in lines that fit: broken between words, in Japanese between letters but before no full stop."""
    lines = [""]
    for piece in _pieces(text):
        if not lines[-1] or width_of((lines[-1] + piece).rstrip(), size, bold=bold) <= width:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.strip() for line in lines if line.strip()]


def _pieces(text: str) -> list[str]:
    """Cut a text where a line may end."""
    pieces: list[str] = []
    for letter in text:
        joins = (
            pieces
            and pieces[-1][-1] != " "
            and (letter in _NOT_AT_LINE_START or letter == " " or (_is_latin(letter) and _is_latin(pieces[-1][-1])))
        )
        if joins:
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _is_latin(letter: str) -> bool:
    return ord(letter) < 0x2E80
