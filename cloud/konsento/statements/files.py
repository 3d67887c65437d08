"""Statements of all whom a month moved, written into a folder."""

from pathlib import Path

from konsento.kit.db import Database
from konsento.kit.i18n import Language
from konsento.kit.tables import MARK, lines
from konsento.settings import Settings
from konsento.statements import layout
from konsento.statements import service as statements
from konsento.statements.months import Month


async def write(database: Database, settings: Settings, folder: Path, month: Month, language: Language) -> list[Path]:
    """Write a table and a PDF for each who got something, was paid or is owed; returns the files.

    The same month is written again into the same files.
    """
    async with database.transaction() as session:
        payees = await statements.payees(session)
    files: list[Path] = []
    for payee in payees:
        made = await statements.statement(database, payee.account_id, month)
        if not (made.days or made.payouts or made.opening_minor):
            continue
        name = layout.file_name(payee, month.name)
        table, pdf = folder / f"{name}.csv", folder / f"{name}.pdf"
        with table.open("w", encoding="utf-8", newline="") as file:
            file.write(MARK + lines([[language.text(head) for head in layout.COLUMNS]]))
            async for row in statements.rows(database, payee.account_id, month):
                file.write(lines([layout.cells(language, payee, month.time_zone, row)]))
        pdf.write_bytes(layout.pdf(language, made, settings))
        files += [table, pdf]
    return files
