"""Pages of labels as a PDF, with the typeface in it."""

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from reportlab.pdfgen.canvas import Canvas

from konsento.sites.labels.drawing import POINT_MM, Blocks, Line, Page, Text, font_name

_HAIRLINE_MM: Final = 0.1
_OVERLAP: Final = 1.02
"""Rows of a QR code overlap by so little, so that no screen shows hairlines between them."""


def as_pdf(pages: Sequence[Page], title: str) -> bytes:
    """Return the file. The same pages are the same bytes."""
    file = BytesIO()
    canvas = Canvas(file, invariant=1)
    canvas.setTitle(title)
    for page in pages:
        canvas.setPageSize((page.width / POINT_MM, page.height / POINT_MM))
        # From here on in mm; the y axis of PDF points upwards.
        canvas.scale(1 / POINT_MM, 1 / POINT_MM)
        for element in page.elements:
            match element:
                case Blocks():
                    # Each by itself: poppler moves the edges of many rectangles in one path until no reader knows them.
                    side = element.module
                    for column, row, length in element.bars:
                        x, y = element.x + column * side, page.height - element.y - (row + _OVERLAP) * side
                        canvas.rect(x, y, length * side, _OVERLAP * side, stroke=0, fill=1)
                case Text():
                    canvas.setFont(font_name(bold=element.bold), element.size)
                    draw = canvas.drawCentredString if element.anchor == "middle" else canvas.drawString
                    draw(element.x, page.height - element.y, element.text)
                case Line():
                    canvas.setLineWidth(_HAIRLINE_MM)
                    canvas.line(element.x1, page.height - element.y1, element.x2, page.height - element.y2)
        canvas.showPage()
    canvas.save()
    return file.getvalue()
