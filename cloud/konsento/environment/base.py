"""What the tables of both applications have in common, and what an application works with.

Each application has its own declarative base (with the types and names of `kit.db`), so its own metadata and database;
a table of both is a class here that each makes its own: `class Token(TokenRow, Base)`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from konsento.environment.regions import Region, RegionKind, Tree, shipped
from konsento.environment.wire import PowerType, Use
from konsento.kit.clock import Clock
from konsento.kit.db import Database, words
from konsento.kit.work import WorkQueue

CODE = String(11)
"""The code of a region: `JP-13112`."""


class TokenRow:
    """A token; the system or person holds it, this row only its hash."""

    __tablename__ = "tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256: a copy of the database lets nobody in."""
    name: Mapped[str] = mapped_column(String(100), index=True)
    role: Mapped[str] = mapped_column(String(32))
    """A word of `access.Role`."""
    regions: Mapped[str] = mapped_column(String(1000))
    """Codes of the regions that it is bound to, separated by spaces; empty for all."""
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    wanted_at: Mapped[datetime | None]
    """Since when its holder is asked for what is outstanding; None when it is not."""
    delivered_at: Mapped[datetime | None]
    """When its holder delivered last."""


class RegionRow:
    """A region that was imported, beside those that come with the program."""

    __tablename__ = "regions"

    code: Mapped[str] = mapped_column(CODE, primary_key=True)
    parent: Mapped[str | None] = mapped_column(CODE)
    kind: Mapped[RegionKind] = mapped_column(words(RegionKind))
    name_en: Mapped[str] = mapped_column(String(100))
    name_ja: Mapped[str] = mapped_column(String(100))
    imported_at: Mapped[datetime]


class SupplierRow:
    """A supplier that the operator knows."""

    __tablename__ = "suppliers"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))


class SeenRow:
    """A measurement that was taken: remembered longer than its content, so that it is never taken twice."""

    __tablename__ = "seen"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    """SHA-256 of the content."""
    ended_at: Mapped[datetime] = mapped_column(index=True)
    """When the measurement ended: it is forgotten when the contract calls it too old."""


class OutletRow:
    """An outlet's reference of one month, and who used it first."""

    __tablename__ = "outlets"

    reference: Mapped[str] = mapped_column(String(26), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(index=True)
    """When it was last used."""

    @declared_attr
    @classmethod
    def token_id(cls) -> Mapped[UUID | None]:
        """Name the site that used it first; None as long as only platforms passed on what was measured at it."""
        return mapped_column(ForeignKey("tokens.id"))


class MeasurementRow:
    """A measurement as it was delivered."""

    __tablename__ = "measurements"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        return (Index("ix_measurements_outlet_end_at", "outlet", "end_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    outlet: Mapped[str] = mapped_column(String(26))
    region: Mapped[str] = mapped_column(CODE, index=True)
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    wh: Mapped[int]
    slices: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """As on the wire; None where none were sent."""
    power_type: Mapped[PowerType] = mapped_column(words(PowerType))
    supplier: Mapped[str] = mapped_column(String(32))
    use: Mapped[Use] = mapped_column(words(Use))
    received_at: Mapped[datetime]

    @declared_attr
    @classmethod
    def token_id(cls) -> Mapped[UUID]:
        """Name who delivered it."""
        return mapped_column(ForeignKey("tokens.id"))


class Trees:
    """The tree of regions of an application, read again when regions were imported."""

    def __init__(self, table: type[RegionRow]) -> None:
        self._table = table
        self._stamp: tuple[int, datetime | None] = (0, None)
        self._tree = shipped()

    async def now(self, session: AsyncSession) -> Tree:
        """Return the tree as it is now."""
        table = self._table
        count, newest = (await session.execute(select(func.count(), func.max(table.imported_at)))).one()
        if (count, newest) != self._stamp:
            rows = await session.scalars(select(table))
            self._tree = shipped().joined(
                Region(code=row.code, parent=row.parent, kind=row.kind, name_en=row.name_en, name_ja=row.name_ja)
                for row in rows
            )
            self._stamp = (count, newest)
        return self._tree


@dataclass(frozen=True, kw_only=True)
class Office:
    """What the endpoints of an application work with, and the tables that both applications have."""

    database: Database
    clock: Clock
    work: WorkQueue
    tokens: type[TokenRow]
    seen: type[SeenRow]
    outlets: type[OutletRow]
    measurements: type[MeasurementRow]
    suppliers: type[SupplierRow]
    trees: Trees
    """The tree of regions."""
    any_supplier: bool
    """Any well-formed code of a supplier is taken; otherwise only those of the register."""
