"""Who sells power where and on what terms, and the kinds of power that an operator has added."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from konsento.kit.db import Base


class PowerType(Base):
    """A kind of power of the operator's own, below another one. The standard ones are in `catalogue.power`."""

    __tablename__ = "power_types"

    word: Mapped[str] = mapped_column(String(20), primary_key=True)
    """What tariffs name it by."""
    parent: Mapped[str] = mapped_column(String(20))
    """The kind that it is a part of: a standard one, or another of the operator's own."""
    name_en: Mapped[str] = mapped_column(String(60))
    name_ja: Mapped[str] = mapped_column(String(60))


class Supplier(Base):
    """A company that sells power at the operator's outlets. Tariffs name it by its code."""

    __tablename__ = "suppliers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    """Registration number (A0269); by it tariffs, measurements and the ledger name it. It stays."""
    name: Mapped[str] = mapped_column(String(100))
    contact: Mapped[str] = mapped_column(String(200), default="")
    """Whom the operator asks there; for the operator alone."""
    invoice_number: Mapped[str] = mapped_column(String(14), default="")
    """Registration number of a qualified invoice issuer (T and 13 digits); empty for none."""
    is_operator: Mapped[bool] = mapped_column(default=False)
    """It is the operator itself: its own power is sold without a contract."""


class Contract(Base):
    """From when until when a supplier may sell at a site, or at all of them, and who gets what of the sales."""

    __tablename__ = "contracts"
    __table_args__ = (Index("ix_contracts_supplier_id_valid_from", "supplier_id", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("suppliers.id"))
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("sites.id"), index=True)
    """None: all sites, but those with a contract of their own with the same supplier."""
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    """Not in force any more at this moment; open without."""
    supplier_share: Mapped[Decimal]
    """What the supplier gets of the net amount of a session, 0 to 1."""
    owner_share: Mapped[Decimal]
    """Likewise the site's owner; both together are 1 at most, the rest is the operator's."""

    supplier: Mapped[Supplier] = relationship(lazy="raise")
