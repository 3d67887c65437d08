"""A statement on paper, and as a table."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date

from konsento.kit.i18n import Language, marked
from konsento.kit.money import major_from_minor
from konsento.kit.paper.pdf import as_pdf
from konsento.kit.paper.sheet import INNER, LEFT, RIGHT, Column, Sheet
from konsento.models import AccountKind
from konsento.settings import Settings
from konsento.statements.repository import Row
from konsento.statements.service import Payee, Statement, Sums

KINDS: Final = {
    AccountKind.SUPPLIER: marked("Supplier"),
    AccountKind.SITE_OWNER: marked("Site owner"),
}
COLUMNS: Final = (
    marked("Billed at"), marked("Session"), marked("Receipt"), marked("Site"), marked("Outlet"), marked("What"),
    marked("Energy (Wh)"), marked("Gross"), marked("Tax"), marked("Net"), marked("Share"), marked("Currency"),
)  # fmt: skip
_SIDE: Final = INNER * 0.46


def title(language: Language, statement: Statement) -> str:
    """Return what a statement is called."""
    return language.text("Statement {month}", month=language.month(statement.month.local))


def cells(language: Language, payee: Payee, time_zone: str, row: Row) -> Sequence[object]:
    """Return a row of the table: money in major units with all the digits of its currency."""
    at = row.at.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M:%S")
    money = (row.gross_minor, row.tax_minor, row.net_minor, row.share_minor)
    return (
        at,
        str(row.session_id or ""),
        row.receipt,
        row.site,
        row.outlet,
        language.text("correction") if row.is_correction else language.text("billed"),
        row.wh,
        *(major_from_minor(minor, payee.currency) for minor in money),
        payee.currency,
    )


def balances(language: Language, statement: Statement) -> list[tuple[str, str]]:
    """Return what the month did to what is owed, by name: the last is the sum of the others."""
    text, currency = language.text, statement.payee.currency
    return [
        (text("Owed before"), language.money(statement.opening_minor, currency)),
        (text("Shares of this month"), language.money(statement.sums.share_minor, currency)),
        (text("Paid out"), language.money(-statement.paid_minor, currency)),
        (text("Owed afterwards"), language.money(statement.closing_minor, currency)),
    ]


def totals(language: Language, statement: Statement) -> list[tuple[str, str]]:
    """Return what was sold in the month, by name."""
    names = [column.head for column in _columns(language)[1:]]
    return list(zip(names, _sums(language, statement.payee.currency, statement.sums), strict=True))


def pdf(language: Language, statement: Statement, settings: Settings) -> bytes:
    """Return a statement as a PDF: its days, not its sessions, which are in the table."""
    payee, text = statement.payee, language.text
    name = title(language, statement)
    sheet = Sheet(foot=f"{settings.operator_name} · {payee.name} · {statement.month.name}")
    sheet.text(name, size=5.6, bold=True)
    sheet.space(5)
    top = sheet.y
    sheet.text(text(KINDS[payee.kind]), grey=True, width=INNER - _SIDE - 6)
    sheet.text(payee.name, size=4.2, bold=True, width=INNER - _SIDE - 6)
    if payee.kind is AccountKind.SUPPLIER and payee.owner:
        sheet.text(payee.owner, width=INNER - _SIDE - 6)
    left, sheet.y = sheet.y, top
    sheet.text(settings.operator_name, bold=True, x=RIGHT - _SIDE, width=_SIDE)
    if settings.operator_address:
        sheet.text(settings.operator_address, x=RIGHT - _SIDE, width=_SIDE)
    sheet.y = max(left, sheet.y) + 8
    for what, amount in balances(language, statement):
        sheet.pair(what, amount, x=LEFT, share=0.34)
        sheet.space(0.6)
    sheet.space(6)
    sheet.table(_columns(language), _days(language, statement), size=3)
    _payouts(sheet, language, statement)
    return as_pdf(sheet.pages(), f"{name} {payee.name}", settings.operator_name)


def _columns(language: Language) -> tuple[Column, ...]:
    text = language.text
    return (
        Column(head=text("Day"), share=0.19),
        Column(head=text("Sessions"), share=0.11, anchor="end"),
        Column(head=text("Energy"), share=0.16, anchor="end"),
        Column(head=text("Gross"), share=0.14, anchor="end"),
        Column(head=text("Tax"), share=0.12, anchor="end"),
        Column(head=text("Net"), share=0.14, anchor="end"),
        Column(head=text("Share"), share=0.14, anchor="end"),
    )


def _days(language: Language, statement: Statement) -> list[list[str]]:
    currency = statement.payee.currency
    days = [
        [format_date(day, format="medium", locale=language.dates), *_sums(language, currency, sums)]
        for day, sums in sorted(statement.days.items())
    ]
    return [*days, [language.text("Together"), *_sums(language, currency, statement.sums)]]


def _sums(language: Language, currency: str, sums: Sums) -> list[str]:
    money = (sums.gross_minor, sums.tax_minor, sums.net_minor, sums.share_minor)
    return [
        language.number(sums.sessions),
        language.energy(sums.wh),
        *(language.money(minor, currency) for minor in money),
    ]


def _payouts(sheet: Sheet, language: Language, statement: Statement) -> None:
    if not statement.payouts:
        return
    text = language.text
    sheet.space(6)
    sheet.room(20)
    sheet.text(text("Payouts"), bold=True)
    sheet.space(2)
    sheet.table(
        (
            Column(head=text("Paid on"), share=0.22),
            Column(head=text("Reference"), share=0.58),
            Column(head=text("Paid out"), share=0.2, anchor="end"),
        ),
        [
            (
                format_date(one.paid_on, format="medium", locale=language.dates),
                one.reference,
                language.money(one.amount_minor, statement.payee.currency),
            )
            for one in statement.payouts
        ],
        size=3,
    )


def file_name(payee: Payee, month: str) -> str:
    """Return the name of a file of a statement, without its ending: plain letters alone."""
    who = payee.owner if payee.kind is AccountKind.SUPPLIER else str(payee.owner)
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in who) or "none"
    return f"statement-{month}-{payee.kind.value.replace('_', '-')}-{plain}-{payee.currency}"
