"""What is printed: everything the rules want, in both languages, readable and the same every time."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import pypdfium2
import pytest

from konsento.invoices import layout
from konsento.invoices.content import Line, from_json
from konsento.invoices.service import Document
from konsento.kit.i18n import LANGUAGES, Language
from konsento.settings import InvoiceCountry

from .papers import CHARGING, CONTENT, CREDIT_NOTE, GERMAN, INVOICE, ISSUER, with_content

ENGLISH, JAPANESE = LANGUAGES


def words(document: Document, language: Language) -> str:
    """Return what a reader of the PDF can copy out of it."""
    file = pypdfium2.PdfDocument(BytesIO(layout.pdf(language, document)))
    return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in file).split())


def test_a_japanese_invoice_has_every_item_of_a_qualified_simplified_invoice() -> None:
    said = words(INVOICE, JAPANESE)

    for item in (
        "適格簡易請求書 兼 領収書",
        "さくらエナジー株式会社",
        "登録番号 T7000012050002",
        "2026/11/22",
        "充電用電力：太陽光",
        "10%対象（税込）",
        "231円",
        "うち消費税（10%）",
        "21円",
        "K-2026-000123",
    ):
        assert item in said, item


def test_a_credit_note_names_its_invoice_and_is_below_zero() -> None:
    said = words(CREDIT_NOTE, JAPANESE)

    for item in ("適格返還請求書", "KC-2026-000004", "K-2026-000123", "登録番号 T7000012050002", "-100円", "-9円"):
        assert item in said, item
    assert "後から届いた計量値" in said


@pytest.mark.parametrize("document", [INVOICE, CREDIT_NOTE])
def test_without_a_registration_number_nothing_is_called_qualified(document: Document) -> None:
    plain = with_content(document, issuer=replace(ISSUER, registration_number=""))

    assert "適格" not in words(plain, JAPANESE)
    assert "ualified" not in words(plain, ENGLISH)


def test_an_invoice_of_the_european_union_has_net_tax_and_gross() -> None:
    line = Line(kind="energy", quantity=2_500_000, unit_price=Decimal("0.4938"), amount_minor=123456)
    german = replace(INVOICE, currency="EUR", total_minor=123456, tax_minor=19711, tax_rate=Decimal("0.19"))
    said = words(with_content(german, issuer=GERMAN, lines=(line,)), ENGLISH)

    for item in (
        "VAT invoice and receipt",
        "VAT number DE136695976",
        "€1,037.45",
        "€197.11",
        "€1,234.56",
        "Łódzka-Straße",
    ):
        assert item in said, item


def test_three_decimals_are_three_decimals() -> None:
    line = Line(kind="energy", quantity=123_400, unit_price=Decimal("0.01"), amount_minor=1234)
    dinar = replace(INVOICE, currency="KWD", total_minor=1234, tax_minor=0, tax_rate=Decimal(0))
    said = words(with_content(dinar, lines=(line,), issuer=replace(ISSUER, country=InvoiceCountry.OTHER)), ENGLISH)

    assert "KWD 1.234" in said
    assert "KWD 0.010 / kWh" in said


def test_an_invoice_says_what_was_charged_where_and_with_what_effect() -> None:
    said = words(INVOICE, ENGLISH)

    for item in (
        "Sakura Mall car park, Setagaya, Tokyo",
        "Outlet 1, north wall (K7F29Q)",
        "22 Nov 2026 08:58 – 10:58 (Asia/Tokyo)",
        "1,204.3180 → 1,210.3182 kWh",
        "Sakura Energy",
        "240 g",
        "Prepaid balance",
        "¥300, of which ¥69 was not needed",
    ):
        assert item in said, item


def test_what_nobody_knows_is_not_printed() -> None:
    unknown = replace(CHARGING, carbon_g=None, begin_mwh=None, end_mwh=None, started_at=None)

    said = words(with_content(INVOICE, charging=unknown), ENGLISH)

    assert "CO2" not in said
    assert "→" not in said


def test_estimated_energy_is_called_an_equivalent() -> None:
    estimated = with_content(INVOICE, charging=replace(CHARGING, is_estimate=True))

    assert words(estimated, ENGLISH).count("6.00 kWh equivalent") == 2


def test_an_invoice_that_is_not_paid_is_no_receipt() -> None:
    open_one = with_content(INVOICE, paid=replace(CONTENT.paid, provider="", is_taken=False))

    assert "receipt" not in words(open_one, ENGLISH)
    assert "Not paid yet on the day of issue." in words(open_one, ENGLISH)


def test_a_copy_names_whom_it_is_for() -> None:
    said = words(replace(INVOICE, recipient=("株式会社さくら商事", "〒100-0001\n東京都千代田区1-1-1")), JAPANESE)

    assert "株式会社さくら商事 様" in said
    assert "〒100-0001" in said


def test_lines_have_their_band_and_discounts_their_name() -> None:
    night = {
        "from_minute": 1320,
        "to_minute": 360,
        "weekdays": [0, 1, 2, 3, 4, 5, 6],
        "from_day": "01-01",
        "to_day": "12-31",
    }
    lines = (
        Line(kind="energy", quantity=4000, unit_price=Decimal(30), amount_minor=120, band=night),
        Line(kind="energy", quantity=2000, unit_price=Decimal(40), amount_minor=80),
        Line(kind="time", quantity=5400, unit_price=Decimal("1.2"), amount_minor=108),
        Line(kind="discount", quantity=1, unit_price=Decimal(-77), amount_minor=-77, note="HARU-2026"),
    )
    said = words(with_content(INVOICE, lines=lines), ENGLISH)

    for item in ("Charging energy: Solar (22:00–06:00)", "1 h 30 min", "¥1.20 / min", "Discount: HARU-2026", "-¥77"):
        assert item in said, item


def test_a_long_invoice_goes_on_over_pages_that_are_numbered() -> None:
    file = pypdfium2.PdfDocument(BytesIO(layout.pdf(ENGLISH, with_content(INVOICE, lines=CONTENT.lines * 60))))

    pages = [page.get_textpage().get_text_bounded() for page in file]

    assert len(pages) == 3
    assert all(f"{number} / 3" in text for number, text in enumerate(pages, start=1))
    assert all("Description" in text for text in pages[:2])
    assert sum(text.count("Charging energy: Solar") for text in pages) == 60


@pytest.mark.parametrize("language", list(LANGUAGES))
@pytest.mark.parametrize("name", ["A very long name of a site " * 8, "Withoutanyspace" * 20, "北側壁面コンセント" * 15])
def test_long_names_stay_within_the_margins(language: Language, name: str) -> None:
    charging = replace(CHARGING, site=name, outlet=name, supplier=name)
    long_one = with_content(INVOICE, charging=charging, issuer=replace(ISSUER, name=name[:90], address=name[:300]))
    file = pypdfium2.PdfDocument(BytesIO(layout.pdf(language, replace(long_one, recipient=(name[:100], name[:300])))))

    for page in file:
        text = page.get_textpage()
        right = max(text.get_charbox(at)[2] for at in range(text.count_chars()))
        assert right <= (210 - 19.5) * 72 / 25.4


@pytest.mark.parametrize("language", list(LANGUAGES))
@pytest.mark.parametrize("document", [INVOICE, CREDIT_NOTE])
def test_the_same_document_is_the_same_bytes(language: Language, document: Document) -> None:
    kept = replace(document, content=from_json(document.content.to_json()))

    assert layout.pdf(language, document) == layout.pdf(language, kept)


def test_the_file_says_nothing_that_is_not_printed() -> None:
    file = layout.pdf(ENGLISH, replace(INVOICE, recipient=("Acme Ltd", "")))
    about = pypdfium2.PdfDocument(BytesIO(file)).get_metadata_dict(skip_empty=True)

    assert about.pop("Title") == "Qualified simplified invoice and receipt K-2026-000123"
    assert about.pop("Author") == ISSUER.name
    assert not {key: value for key, value in about.items() if key not in {"CreationDate", "ModDate", "Trapped"}}
    assert b"2026" not in b"".join(re.findall(rb"/(?:Creation|Mod)Date \(.*?\)", file))


def test_the_typeface_is_in_the_file() -> None:
    file = layout.pdf(JAPANESE, INVOICE)

    assert len(re.findall(rb"/FontFile2", file)) >= 2
    assert not re.search(rb"/BaseFont /(Helvetica|Times|Courier)", file) or b"BIZ" in file


def test_a_letter_that_the_typeface_lacks_leaves_a_mark() -> None:
    said = words(replace(INVOICE, recipient=("한국 Ltd", "")), ENGLISH)

    assert "〓〓 Ltd" in said


def test_documents_that_are_drawn_at_once_do_not_disturb_each_other() -> None:
    alone = layout.pdf(JAPANESE, INVOICE)
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda _: layout.pdf(JAPANESE, INVOICE), range(16)))

    assert set(together) == {alone}
