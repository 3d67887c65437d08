"""Labels: what is printed leads to the outlet, and a person can read and check it."""

import re
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, fromstring

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageDraw

from konsento.kit import fonts
from konsento.kit.paper.drawing import Blocks, Line, Page, Text, width_of, wrapped
from konsento.sites import labels
from konsento.sites.labels.label import address_of, qr

if TYPE_CHECKING:
    from konsento.sites.labels import Layout

SVG = "{http://www.w3.org/2000/svg}"
LONG = "A very long name of an outlet that an operator has typed, level B2, beside the lift, north"


def label(code: str = "K7F29Q", name: str = "Outlet 1, north wall", **more: str) -> labels.Label:
    return labels.Label(
        address=address_of(code, "https://charge.sakura-energy.example"),
        code=f"{code[:3]}-{code[3:]}",
        name=name,
        where="さくらモール駐車場 · 1",
        host="charge.sakura-energy.example",
        evse_id=more.get("evse_id", "JP*KNS*EK7F29Q"),
        operator="Sakura Energy",
        support=more.get("support", "03-1234-5678"),
    )


LABELS = [label(), label("M4XR8T", "北側壁面コンセント2番"), label("P9WC3K", LONG), label("EYVFHG", "柱", support="")]
LAYOUTS = pytest.mark.parametrize("layout", labels.LAYOUTS.values(), ids=labels.LAYOUTS)


def seen(picture: Image.Image) -> list[str]:
    return sorted(found.text for found in zxingcpp.read_barcodes(picture))


def texts(page: Page) -> list[Text]:
    return [element for element in page.elements if isinstance(element, Text)]


@LAYOUTS
def test_a_phone_reads_every_code_from_the_printed_page(layout: Layout) -> None:
    pages = labels.pages_of(LABELS, layout, cut_marks=True)
    document = pypdfium2.PdfDocument(labels.as_pdf(pages, "Labels"))

    found = [text for page in document for text in seen(page.render(scale=150 / 72).to_pil())]

    assert sorted(found) == sorted(one.address for one in LABELS)


@LAYOUTS
def test_the_pdf_holds_the_words_its_typeface_and_the_size_of_the_paper(layout: Layout) -> None:
    file = labels.as_pdf(labels.pages_of(LABELS[:2], layout), "Labels")
    document = pypdfium2.PdfDocument(file)
    # Without spaces and line ends: a long name may stand in two lines.
    text = "".join("".join(page.get_textpage().get_text_range().split()) for page in document)

    for words in (
        "K7F-29Q",
        "北側壁面コンセント2番",
        "さくらモール駐車場",
        "charge.sakura-energy.example",
        "03-1234-5678",
    ):
        assert words in text
    assert "QRの読み取りかコード入力で充電" in text
    assert "Scanortypethecodetocharge" in text
    assert file.count(b"/FontFile2") == 2  # both weights are in it
    width, height = document[0].get_size()
    assert (width, height) == pytest.approx((layout.page_w / 25.4 * 72, layout.page_h / 25.4 * 72))


def test_the_same_labels_are_the_same_file() -> None:
    pages = labels.pages_of(LABELS, labels.LAYOUTS["a4-3x7"])

    assert labels.as_pdf(pages, "Labels") == labels.as_pdf(pages, "Labels")


def test_the_drawing_holds_the_same_codes_and_words() -> None:
    (page,) = labels.pages_of(LABELS, labels.LAYOUTS["a4-2x4"])
    svg = fromstring(labels.as_svg(page, "Labels & more"))  # noqa: S314  # our own

    assert seen(_drawn(svg)) == sorted(one.address for one in LABELS)
    assert [one.text for one in svg.iter(f"{SVG}text")] == [one.text for one in texts(page)]
    assert svg.get("width") == "210mm"


def _drawn(svg: Element, dots_per_mm: float = 6) -> Image.Image:
    """Draw the codes of a page as any program would that knows `M`, `h`, `v` and a transform."""
    _, _, width, height = (float(number) for number in svg.attrib["viewBox"].split())
    picture = Image.new("L", (round(width * dots_per_mm), round(height * dots_per_mm)), 255)
    pen = ImageDraw.Draw(picture)
    for path in svg.iter(f"{SVG}path"):
        x, y, scale = (float(n) for n in re.findall(r"-?[\d.]+", path.attrib["transform"]))
        for column, row, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path.attrib["d"]):
            left, top = x + int(column) * scale, y + int(row) * scale
            corners = (left, top, left + int(length) * scale, top + scale)
            pen.rectangle([round(corner * dots_per_mm) - (n > 1) for n, corner in enumerate(corners)], fill=0)
    return picture


@LAYOUTS
def test_everything_stays_on_its_label(layout: Layout) -> None:
    for number, one in enumerate(LABELS[: layout.count]):
        (page,) = labels.pages_of([one], layout, start=number + 1)
        x, y = layout.place(number)
        for text in texts(page):
            left = text.x if text.anchor == "start" else text.x - text.width / 2
            assert x <= left
            assert left + text.width <= x + layout.label_w + 0.01
            assert y <= text.y - 0.8 * text.size
            assert text.y + 0.2 * text.size <= y + layout.label_h
        (code,) = (element for element in page.elements if isinstance(element, Blocks))
        side = code.module * (len(list(qr(one.address).matrix)) + 8)
        assert x <= code.x <= code.x + side <= x + layout.label_w
        assert y <= code.y <= code.y + side <= y + layout.label_h


@LAYOUTS
def test_lines_do_not_run_into_each_other_and_can_be_read(layout: Layout) -> None:
    (page, *_) = labels.pages_of([label(name=LONG)], layout)
    lines = texts(page)

    for above, below in pairwise(lines):
        assert below.y - above.y >= below.size
    # 1.3 mm is a small print of 4 points; usual names are set larger.
    assert min(text.size for text in lines) > 1.3
    assert min(text.size for text in texts(labels.pages_of([label()], layout)[0])) > 1.7


@LAYOUTS
def test_a_sheet_that_was_begun_is_used_up(layout: Layout) -> None:
    many = [label(code) for code in ("K7F29Q", "M4XR8T")] * layout.count
    pages = labels.pages_of(many, layout, start=layout.count)
    first = [element for element in pages[0].elements if isinstance(element, Blocks)]

    assert len(first) == 1
    assert (first[0].x, first[0].y) >= layout.place(layout.count - 1)
    assert sum(isinstance(e, Blocks) for page in pages for e in page.elements) == len(many)


def test_cut_marks_are_drawn_where_they_are_wanted() -> None:
    layout = labels.LAYOUTS["a4-3x7"]
    (without,) = labels.pages_of(LABELS, layout)
    (marked,) = labels.pages_of(LABELS, layout, cut_marks=True)

    assert not [e for e in without.elements if isinstance(e, Line)]
    assert len([e for e in marked.elements if isinstance(e, Line)]) == 8 * len(LABELS)


def test_capitals_make_the_code_smaller_and_are_kept_from_paths_of_others() -> None:
    address = address_of("K7F29Q", "https://charge.example.com/")

    assert address == "HTTPS://CHARGE.EXAMPLE.COM/O/K7F29Q"
    assert qr(address).mode == "alphanumeric"
    assert len(list(qr(address).matrix)) < len(list(qr(address.lower()).matrix))
    assert qr(address).error == "Q"
    assert address_of("K7F29Q", "https://example.com/Charge") == "https://example.com/Charge/o/K7F29Q"


def test_japanese_breaks_between_letters_but_before_no_full_stop() -> None:
    size = 10.0
    lines = wrapped("充電できます。ください", size, width_of("充電できます", size, bold=False), bold=False)

    assert lines[0] == "充電できま"
    assert lines[1].startswith("す。")
    assert wrapped("one two three", size, width_of("one two", size, bold=False), bold=False) == ["one two", "three"]
    assert wrapped("", size, 10, bold=False) == []


@pytest.mark.parametrize("path", [fonts.REGULAR, fonts.BOLD], ids=["regular", "bold"])
def test_the_typeface_has_the_letters_of_both_languages(path: Path) -> None:
    from reportlab.pdfbase.ttfonts import TTFontFile  # noqa: PLC0415  # has no types of its own

    letters = TTFontFile(BytesIO(path.read_bytes())).charToGlyph

    for letter in "Aéß€·：、。ぁんァヶ一腕龠髙﨑①":
        assert ord(letter) in letters, letter
