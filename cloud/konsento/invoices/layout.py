"""Where everything stands on a document: one A4 layout for all countries, whose words and items are in `words`."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from konsento.invoices import words
from konsento.invoices.content import Charging, Line
from konsento.invoices.service import Document
from konsento.kit.i18n import NBSP, Language
from konsento.kit.paper.drawing import Page
from konsento.kit.paper.pdf import as_pdf
from konsento.kit.paper.sheet import INNER, LEFT, RIGHT, Column, Sheet
from konsento.kit.power_words import power_text
from konsento.models import InvoiceKind
from konsento.pricing import Band, Basis
from konsento.pricing.texts import band_text, basis_text

_TITLE = 5.6
_TOTAL = 5.0
_SIDE = INNER * 0.46
"""Width of the column on the right of the head."""
_SUMS = INNER * 0.55
"""Width of the sums, which stand on the right."""
_NAMES = 0.62
"""Share of it for what they are called."""


def pdf(language: Language, document: Document) -> bytes:
    """Return a document as a PDF: the same document in the same language is the same bytes."""
    issuer = document.content.issuer
    return as_pdf(pages(language, document), f"{title(language, document)} {document.label}", issuer.name)


def title(language: Language, document: Document) -> str:
    """Return what a document is called by the rules of its country, or plainly where its issuer is not registered."""
    issuer = document.content.issuer
    country = words.COUNTRIES[issuer.country]
    if document.kind is InvoiceKind.CREDIT_NOTE:
        return language.text(country.credit_note if issuer.registration_number else words.PLAIN_CREDIT_NOTE)
    is_paid = document.content.paid.is_taken or document.total_minor == 0
    if issuer.registration_number:
        return language.text(country.invoice_and_receipt if is_paid else country.invoice)
    return language.text(words.RECEIPT if is_paid else words.BILL)


def pages(language: Language, document: Document) -> list[Page]:
    """Return the pages of a document."""
    content = document.content
    sheet = Sheet(foot=f"{content.issuer.name} · {document.label}")
    _head(sheet, language, document)
    _total(sheet, language, document)
    sheet.table(
        (
            Column(head=language.text("Description"), share=0.4),
            Column(head=language.text("Quantity"), share=0.19, anchor="end"),
            Column(head=language.text("Price"), share=0.23, anchor="end"),
            Column(head=language.text("Sum"), share=0.18, anchor="end"),
        ),
        [_row(language, document, line) for line in content.lines] or [_nothing(language, document)],
    )
    _sums(sheet, language, document)
    is_note = document.kind is InvoiceKind.CREDIT_NOTE
    about = language.text("Refers to") if is_note else language.text("Payment")
    _facts(sheet, about, payment_facts(language, document))
    _facts(sheet, language.text("The charging"), charging_facts(language, content.charging))
    return sheet.pages()


def line_words(language: Language, document: Document, line: Line) -> tuple[str, str, str, str]:
    """Return what a line is called, its quantity, its price and its amount; empty what it has not."""
    return _row(language, document, line)


def tax_lines(language: Language, document: Document) -> list[tuple[str, str]]:
    """Return the sums that the rules of the country want, by the rate: there is one."""
    country = words.COUNTRIES[document.content.issuer.country]
    rate = language.percent(document.tax_rate)
    sums = [(country.tax, document.tax_minor), (country.taxable, document.total_minor)]
    if country.net:
        sums.insert(0, (country.net, document.total_minor - document.tax_minor))
    else:
        sums.reverse()  # the tax is a part of what stands above it
    return [(language.text(name, rate=rate), language.money(amount, document.currency)) for name, amount in sums]


def registration(language: Language, document: Document) -> str:
    """Return the issuer's number as the rules call it; empty for none."""
    issuer = document.content.issuer
    if not issuer.registration_number:
        return ""
    return language.text(words.COUNTRIES[issuer.country].registration, number=issuer.registration_number)


def payment_facts(language: Language, document: Document) -> list[tuple[str, str]]:
    """Return how it was paid, or what it takes back, by name."""
    text, content = language.text, document.content
    zone = ZoneInfo(content.issuer.time_zone)
    if document.kind is InvoiceKind.CREDIT_NOTE:
        facts = [(text("Invoice number"), content.credits_label)]
        if content.credits_issued_at is not None:
            facts.append((text("Issued on"), language.day(content.credits_issued_at, zone)))
        return facts
    paid = content.paid
    said = words.PAID.get(paid.method) or words.PAID.get(paid.provider)
    method = text(said) if said is not None else paid.method or paid.provider or text("not chosen yet")
    facts = [(text("Paid by"), method)]
    if document.total_minor == 0:
        state = text("There is nothing to pay.")
    elif paid.is_taken:
        state = text("Paid.")
    else:
        state = text("Not paid yet on the day of issue.")
    facts.append((text("State"), state))
    if paid.hold_minor:
        held = language.money(paid.hold_minor, document.currency)
        if paid.released_minor:
            released = language.money(paid.released_minor, document.currency)
            held = text("{held}, of which {released} was not needed", held=held, released=released)
        facts.append((text("Held"), held))
    return facts


def charging_facts(language: Language, charging: Charging) -> list[tuple[str, str]]:
    """Return where, when and what was charged, by name."""
    language = language.estimating(estimated=charging.is_estimate)
    text, zone = language.text, ZoneInfo(charging.time_zone)
    power = power_text(language, charging.power_type, charging.power_name)
    facts = [
        (text("Place"), ", ".join(part for part in (charging.site, charging.place) if part)),
        (text("Outlet"), f"{charging.outlet} ({charging.outlet_code})"),
    ]
    if charging.started_at is not None and charging.ended_at is not None:
        begin = f"{language.day(charging.started_at, zone)} {language.clock(charging.started_at, zone)}"
        same_day = charging.started_at.astimezone(zone).date() == charging.ended_at.astimezone(zone).date()
        end = "" if same_day else f"{language.day(charging.ended_at, zone)} "
        facts.append(
            (text("Begin and end"), f"{begin} – {end}{language.clock(charging.ended_at, zone)} ({charging.time_zone})")
        )
    facts.append((text("Time of supply"), language.duration(charging.seconds)))
    facts.append((text("Energy"), language.energy(charging.wh)))
    if charging.begin_mwh is not None and charging.end_mwh is not None:
        facts.append((text("Meter"), meter(language, charging.begin_mwh, charging.end_mwh)))
    facts += [(text("Power"), power), (text("Supplier"), charging.supplier)]
    if charging.carbon_g is not None:
        facts.append((text("CO2"), carbon(language, charging.carbon_g)))
    return facts


def carbon(language: Language, grams: int) -> str:
    """Return an amount of carbon dioxide: grams, from 1 kg on kilograms."""
    return (
        f"{language.number(grams)}{NBSP}g" if grams < 1000 else f"{language.number(Decimal(grams) / 1000, 2)}{NBSP}kg"
    )


def meter(language: Language, begin_mwh: int, end_mwh: int) -> str:
    """Return both registers with as many digits as the longer one needs, so that they can be subtracted at sight."""
    registers = [Decimal(mwh) / 1_000_000 for mwh in (begin_mwh, end_mwh)]
    digits = max(3, *(-int(register.normalize().as_tuple().exponent) for register in registers))
    begin, end = (language.number(register, digits) for register in registers)
    return f"{begin} → {end}{NBSP}{language.energy_unit('kWh')}"


def _head(sheet: Sheet, language: Language, document: Document) -> None:
    content, text = document.content, language.text
    sheet.text(title(language, document), size=_TITLE, bold=True)
    sheet.space(5)
    top = sheet.y
    if document.recipient is not None:
        name, address = document.recipient
        sheet.text(text("To {name}", name=name), size=4.2, bold=True, width=INNER - _SIDE - 6)
        sheet.space(0.6)
        if address:
            sheet.text(address, width=INNER - _SIDE - 6)
    left, sheet.y = sheet.y, top
    side = RIGHT - _SIDE
    zone = ZoneInfo(content.issuer.time_zone)
    sheet.pair(text("Number"), document.label, x=side, width=_SIDE, share=0.34)
    sheet.pair(text("Issued on"), language.day(document.issued_at, zone), x=side, width=_SIDE, share=0.34)
    sheet.space(3)
    sheet.text(content.issuer.name, bold=True, x=side, width=_SIDE)
    sheet.space(0.6)
    for line in (content.issuer.address, registration(language, document)):
        if line:
            sheet.text(line, x=side, width=_SIDE)
    sheet.y = max(left, sheet.y) + 8


def _total(sheet: Sheet, language: Language, document: Document) -> None:
    sheet.rule(0.4)
    sheet.space(2.4)
    top = sheet.y
    is_note = document.kind is InvoiceKind.CREDIT_NOTE
    name = language.text("Given back, tax included") if is_note else language.text("Total, tax included")
    sheet.text(name, size=_TOTAL, bold=True, width=INNER * 0.6)
    sheet.y = top
    total = language.money(document.total_minor, document.currency)
    sheet.text(total, size=_TOTAL, bold=True, x=RIGHT, width=INNER * 0.4, anchor="end")
    sheet.space(2)
    sheet.rule(0.4)
    sheet.space(8)


def _row(language: Language, document: Document, line: Line) -> tuple[str, str, str, str]:
    what = language.text(words.LINES.get(line.kind, line.kind))
    note = line.note
    if line.kind == "discount" and not note:
        note = language.text(words.POINTS)
    if line.kind == "refund" and note in words.REASONS:
        note = language.text(words.REASONS[note])
    if line.kind == "energy" and not note:
        charging = document.content.charging
        note = power_text(language, charging.power_type, charging.power_name)
    if note:
        what = language.text("{what}: {note}", what=what, note=note)
    if line.band is not None:
        what = f"{what} ({band_text(language, Band.from_dict(line.band))})"
    if line.basis is not None:
        zone = ZoneInfo(document.content.charging.time_zone)
        what = f"{what} ({basis_text(language, Basis.from_dict(line.basis), zone)})"
    price = ""
    if line.kind in words.UNITS:
        price = language.text(words.UNITS[line.kind], price=language.unit_price(line.unit_price, document.currency))
    return (
        what,
        _quantity(language, document.content.charging, line),
        price,
        language.money(line.amount_minor, document.currency),
    )


def _nothing(language: Language, document: Document) -> tuple[str, str, str, str]:
    """Return the row of a charging that came to nothing: a table without rows would look like a mistake."""
    charging = document.content.charging
    language = language.estimating(estimated=charging.is_estimate)
    what = language.text(words.LINES["energy"])
    return what, language.energy(charging.wh), "", language.money(0, document.currency)


def _quantity(language: Language, charging: Charging, line: Line) -> str:
    match line.kind:
        case "energy":
            return language.estimating(estimated=charging.is_estimate).energy(line.quantity)
        case "time" | "idle":
            return language.duration(line.quantity)
        case _:
            return ""


def _sums(sheet: Sheet, language: Language, document: Document) -> None:
    sums = tax_lines(language, document)
    sheet.room(len(sums) * 6)
    for name, amount in sums:
        top = sheet.y
        sheet.text(name, x=RIGHT - _SUMS, width=_SUMS * _NAMES, grey=True)
        low, sheet.y = sheet.y, top
        sheet.text(amount, x=RIGHT, width=_SUMS * (1 - _NAMES), anchor="end")
        sheet.y = max(low, sheet.y) + 0.6
    sheet.space(5)


def _facts(sheet: Sheet, head: str, facts: list[tuple[str, str]]) -> None:
    sheet.room(16)
    sheet.text(head, bold=True)
    sheet.space(1)
    sheet.rule()
    sheet.space(1.6)
    for name, value in facts:
        sheet.pair(name, value, x=LEFT, share=0.22)
        sheet.space(0.4)
    sheet.space(5)
