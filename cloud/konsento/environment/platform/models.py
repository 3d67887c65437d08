"""The tables of the platform."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from konsento.environment.base import (
    CODE,
    MeasurementRow,
    OutletRow,
    RegionRow,
    SeenRow,
    SupplierRow,
    TokenRow,
)
from konsento.environment.platform.settings import Form
from konsento.environment.wire import PowerType, Reason, Use
from konsento.kit.db import TYPES, named_metadata, words
from konsento.kit.work_table import WorkRow


class Base(DeclarativeBase):
    """Base of the platform's models, in a database of its own."""

    type_annotation_map = TYPES
    metadata = named_metadata()


class Token(TokenRow, Base):
    """Tokens of sites, readers and operators."""


class RegionEntry(RegionRow, Base):
    """Imported regions."""


class Supplier(SupplierRow, Base):
    """Known suppliers."""


class Seen(SeenRow, Base):
    """Measurements that were taken."""


class Outlet(OutletRow, Base):
    """References of outlets."""


class Work(WorkRow, Base):
    """Due work."""


class Delivery(Base):
    """What goes to the computation system in one request, under one id and with one content, until it is answered."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    form: Mapped[Form] = mapped_column(words(Form))
    region: Mapped[str | None] = mapped_column(CODE)
    """Of a set."""
    measurements: Mapped[int]
    """How many went into it."""
    rows: Mapped[int]
    """Items of the request."""
    body: Mapped[str] = mapped_column(Text)
    """As it is sent; emptied when it was taken."""
    created_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(64), default="")
    """Why the last attempt failed: an HTTP status or the class of an error."""
    answered_at: Mapped[datetime | None] = mapped_column(index=True)
    """When the computation system took it."""
    refused: Mapped[int] = mapped_column(default=0)
    """Items that it did not take."""


class Measurement(MeasurementRow, Base):
    """A measurement, and in which delivery it went on."""

    delivery_id: Mapped[UUID | None] = mapped_column(ForeignKey("deliveries.id"), index=True)
    refusal: Mapped[Reason | None] = mapped_column(words(Reason))
    """Why the computation system did not take it."""


class Total(Base):
    """The energy of a region, power type, supplier and use in one half hour; outlasts its measurements."""

    __tablename__ = "totals"

    region: Mapped[str] = mapped_column(CODE, primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    power_type: Mapped[PowerType] = mapped_column(words(PowerType), primary_key=True)
    supplier: Mapped[str] = mapped_column(String(32), primary_key=True)
    use: Mapped[Use] = mapped_column(words(Use), primary_key=True)
    wh: Mapped[int] = mapped_column(BigInteger)
    measurements: Mapped[int]
    """Those that began in this half hour, so that no sum counts one twice."""


class Refusal(Base):
    """An item that was not taken from a sender."""

    __tablename__ = "refusals"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    token_id: Mapped[UUID] = mapped_column(ForeignKey("tokens.id"))
    measurement_id: Mapped[UUID | None]
    """As the sender called it; None where that could not be read."""
    region: Mapped[str | None] = mapped_column(CODE)
    """None where it is none of the tree."""
    reason: Mapped[Reason] = mapped_column(words(Reason))


class Egress(Base):
    """The ledger of what left: one row for each attempt to send, written before it. Nothing is ever removed."""

    __tablename__ = "egress"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    delivery_id: Mapped[UUID]
    recipient: Mapped[str] = mapped_column(String(200))
    form: Mapped[Form] = mapped_column(words(Form))
    rows: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the body, in hexadecimal."""
    status: Mapped[int | None]
    """HTTP status of the answer; None where none came."""
