"""Pages as a PDF, with the typeface in it."""

from collections.abc import Sequence
from io import BytesIO
from threading import Lock
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from konsento.kit.paper.drawing import GREY, POINT_MM, Blocks, Line, Page, Text, font_name

_OVERLAP: Final = 1.02
"""Rows of a QR code overlap by so little, so that no screen shows hairlines between them."""


_ONE: Final = Lock()
"""The typeface is read anew for every file, from one place in it that all threads share."""


def as_pdf(pages: Sequence[Page], title: str, author: str = "") -> bytes:
    """Return the file. The same pages are the same bytes; it says nothing of who made it when, beside these two.

    A long one takes a while: call it in a thread of its own.
    """
    with _ONE:
        return _written(pages, title, author)


def _written(pages: Sequence[Page], title: str, author: str) -> bytes:
    file = BytesIO()
    canvas = Canvas(file, invariant=1)
    canvas.setTitle(title)
    canvas.setAuthor(author)
    canvas.setCreator("")
    canvas.setProducer("")
    canvas.setSubject("")
    for page in pages:
        canvas.setPageSize((page.width / POINT_MM, page.height / POINT_MM))
        # From here on in mm; the y axis of PDF points upwards.
        canvas.scale(1 / POINT_MM, 1 / POINT_MM)
        for element in page.elements:
            match element:
                case Blocks():
                    canvas.setFillColor(HexColor("#000000"))
                    # Each by itself: poppler moves the edges of many rectangles in one path until no reader knows them.
                    side = element.module
                    for column, row, length in element.bars:
                        x, y = element.x + column * side, page.height - element.y - (row + _OVERLAP) * side
                        canvas.rect(x, y, length * side, _OVERLAP * side, stroke=0, fill=1)
                case Text():
                    canvas.setFillColor(HexColor(GREY if element.grey else "#000000"))
                    canvas.setFont(font_name(bold=element.bold), element.size)
                    draw = {
                        "start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString
                    }[element.anchor]  # fmt: skip
                    draw(element.x, page.height - element.y, element.text)
                case Line():
                    canvas.setLineWidth(element.width)
                    canvas.line(element.x1, page.height - element.y1, element.x2, page.height - element.y2)
        canvas.showPage()
    canvas.save()
    return file.getvalue()
