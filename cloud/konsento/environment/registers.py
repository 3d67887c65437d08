"""The regions and suppliers that an application knows: what comes with it and what its operator imported."""

import csv
import io
import re
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.base import Office, RegionRow, SupplierRow, Trees
from konsento.environment.errors import BadRegionsFile, BadSuppliersFile
from konsento.environment.regions import Region

_SUPPLIER: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}")
_ENCODINGS: Final = ("utf-8-sig", "cp932")
"""Of files that people import: what offices publish is often still in the second."""


def decoded(content: bytes) -> str:
    """Return the text of a file of either encoding. Raises UnicodeDecodeError."""
    try:
        return content.decode(_ENCODINGS[0])
    except UnicodeDecodeError:
        return content.decode(_ENCODINGS[1])


async def import_regions(session: AsyncSession, table: type[RegionRow], regions: list[Region], now: datetime) -> int:
    """Add regions, replacing those of the same codes; returns how many. Raises `BadRegionsFile`."""
    tree = await Trees(table).now(session)
    try:
        tree.joined(regions)
    except ValueError as error:
        raise BadRegionsFile(line=0, reason=str(error)) from error
    by_code = {region.code: region for region in regions}
    await session.execute(delete(table).where(table.code.in_(list(by_code))))
    for region in by_code.values():
        row = table()
        row.code, row.parent, row.kind = region.code, region.parent, region.kind
        row.name_en, row.name_ja, row.imported_at = region.name_en, region.name_ja, now
        session.add(row)
    await session.flush()
    return len(by_code)


async def suppliers(session: AsyncSession, office: Office) -> frozenset[str] | None:
    """Return the codes of the suppliers that are taken; None where any is."""
    if office.any_supplier:
        return None
    return frozenset(await session.scalars(select(office.suppliers.code)))


def read_suppliers(text: str) -> dict[str, str]:
    """Read suppliers from CSV: code and name, with or without a heading. Raises `BadSuppliersFile`.

    Further columns are passed over, and a code may come again (the ministry's table of emission factors has one row for
    each menu), so that such a table can be taken as it is.
    """
    found: dict[str, str] = {}
    for line, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) < 2:
            raise BadSuppliersFile(line=line, reason="code and name are expected")
        if not _SUPPLIER.fullmatch(cells[0]):
            if found:
                raise BadSuppliersFile(line=line, reason="the first column is not the code of a supplier")
            continue  # the heading
        found.setdefault(cells[0], cells[1][:200])
    if not found:
        raise BadSuppliersFile(line=1, reason="no supplier is in it")
    return found


async def import_suppliers(session: AsyncSession, table: type[SupplierRow], found: dict[str, str]) -> int:
    """Add suppliers, replacing the names of those that are there; returns how many there are now."""
    for code, name in found.items():
        row = await session.get(table, code)
        if row is None:
            row = table()
            row.code = code
            session.add(row)
        row.name = name
    await session.flush()
    return await session.scalar(select(func.count()).select_from(table)) or 0
