"""XML as a tree, without what makes XML dangerous: document types, entities, depth."""

from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from konsento.grid.errors import BrokenDocument, UnsafeDocument

_DEEPEST: Final = 20
_MOST: Final = 1_500_000
"""Elements; a year of quarter hours of three types has a third of it."""
_LINE: Final = "line"


def parsed(raw: bytes) -> Element:
    """Return the root; names have no namespace. Raises BrokenDocument, UnsafeDocument."""
    parser = expat.ParserCreate(namespace_separator="}")
    builder = TreeBuilder()
    depth = count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > _DEEPEST or count > _MOST:
            raise UnsafeDocument
        builder.start(name.rpartition("}")[2], {**attributes, _LINE: str(parser.CurrentLineNumber)})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name.rpartition("}")[2])

    def refuse(*_: object) -> None:
        raise UnsafeDocument

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # also encodings that there are not
        raise BrokenDocument(line=parser.CurrentLineNumber) from error
    return builder.close()


def line_of(element: Element) -> int:
    """Return the line in which an element begins."""
    return int(element.get(_LINE, "0"))


def said(element: Element, path: str) -> str:
    """Return the text of the first element at a path, empty where there is none."""
    return (element.findtext(path) or "").strip()
