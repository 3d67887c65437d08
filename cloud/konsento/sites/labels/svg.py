"""A page of labels as an SVG drawing in mm, for those who go on with it in a program of their own."""

from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from konsento.kit import fonts
from konsento.kit.paper.drawing import GREY, Blocks, Line, Page, Text

_FAMILIES: Final = f"'{fonts.FAMILY}', 'BIZ UDGothic', 'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic', sans-serif"


def as_svg(page: Page, title: str) -> bytes:
    """Return the file. The typeface is the reader's; every line is as wide as in the PDF all the same."""
    size = {"width": f"{_n(page.width)}mm", "height": f"{_n(page.height)}mm"}
    box = f"0 0 {_n(page.width)} {_n(page.height)}"
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": box, **size})
    SubElement(svg, "title").text = title
    SubElement(svg, "rect", {"width": _n(page.width), "height": _n(page.height), "fill": "#fff"})
    for element in page.elements:
        match element:
            case Blocks():
                path = "".join(f"M{column} {row}h{length}v1h-{length}z" for column, row, length in element.bars)
                place = f"translate({_n(element.x)} {_n(element.y)}) scale({element.module:.6f})"
                SubElement(svg, "path", {"transform": place, "d": path})
            case Text():
                at = {"x": _n(element.x), "y": _n(element.y), "font-size": _n(element.size)}
                look = {"font-family": _FAMILIES, "text-anchor": element.anchor}
                if element.grey:
                    look["fill"] = GREY
                if element.bold:
                    look["font-weight"] = "bold"
                fit = {"textLength": _n(element.width), "lengthAdjust": "spacingAndGlyphs"}
                SubElement(svg, "text", {**at, **look, **fit}).text = element.text
            case Line():
                ends = {name: _n(getattr(element, name)) for name in ("x1", "y1", "x2", "y2")}
                SubElement(svg, "line", {**ends, "stroke": "#000", "stroke-width": _n(element.width)})
    file: bytes = tostring(svg, encoding="utf-8", xml_declaration=True)
    return file


def _n(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
