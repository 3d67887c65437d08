"""The tables of the computation system."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
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
from konsento.environment.computation.factors.factor import Kind
from konsento.environment.wire import PowerType, Use
from konsento.kit.db import TYPES, named_metadata, words
from konsento.kit.work_table import WorkRow


class Base(DeclarativeBase):
    """Base of the computation system's models, in a database of its own."""

    type_annotation_map = TYPES
    metadata = named_metadata()


class Token(TokenRow, Base):
    """Tokens of sites, platforms, readers and operators."""


class RegionEntry(RegionRow, Base):
    """Imported regions."""


class Supplier(SupplierRow, Base):
    """Known suppliers."""


class Seen(SeenRow, Base):
    """Measurements that were taken."""


class Outlet(OutletRow, Base):
    """References of outlets."""


class Measurement(MeasurementRow, Base):
    """Measurements as they were delivered."""


class Work(WorkRow, Base):
    """Due work."""


class Group(Base):
    """Region x power type x supplier x use: what energy is added up by."""

    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("region", "power_type", "supplier", "use"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    region: Mapped[str] = mapped_column(CODE)
    power_type: Mapped[PowerType] = mapped_column(words(PowerType))
    supplier: Mapped[str] = mapped_column(String(32))
    use: Mapped[Use] = mapped_column(words(Use))
    mix_region: Mapped[str] = mapped_column(CODE, default="")
    """The nearest region up the tree whose fuel mix is known; empty for none."""


class Energy(Base):
    """Energy of a group in a half hour, kept up to date with every delivery."""

    __tablename__ = "energy"
    # Ordered by its key, so that a span of time is read in one go.
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # SQLAlchemy's own declaration is not a ClassVar

    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Half hours since 1970-01-01T00:00Z."""
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    wh: Mapped[int] = mapped_column(BigInteger)


class OutletDay(Base):
    """Energy of one outlet of a group in a day: what privacy is judged by, kept up to date with every delivery."""

    __tablename__ = "outlet_days"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # SQLAlchemy's own declaration is not a ClassVar

    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Ordinal of the day (`date.toordinal`) in the settings' time zone."""
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    month: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Of the reference, UTC: an outlet has another one in another month, which is not another outlet."""
    outlet: Mapped[str] = mapped_column(String(26), primary_key=True)
    wh: Mapped[int] = mapped_column(BigInteger)


class SumDelivery(Base):
    """A delivery of sums that was taken."""

    __tablename__ = "sum_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(index=True)
    token_id: Mapped[UUID] = mapped_column(ForeignKey("tokens.id"))


class SumRow(Base):
    """A row of a delivery of sums."""

    __tablename__ = "sums"
    __table_args__ = (Index("ix_sums_slot", "slot"),)

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("sum_deliveries.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(Integer)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    wh: Mapped[int] = mapped_column(BigInteger)
    measurements: Mapped[int] = mapped_column(Integer)
    outlets: Mapped[int] = mapped_column(Integer)
    largest_wh: Mapped[int] = mapped_column(BigInteger)


class FactorRow(Base):
    """A factor of an edition. Rows are never changed: another edition brings others."""

    __tablename__ = "factors"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    imported_at: Mapped[datetime]
    kind: Mapped[Kind] = mapped_column(words(Kind), index=True)
    region: Mapped[str] = mapped_column(CODE)
    power_type: Mapped[str] = mapped_column(String(32))
    retailer: Mapped[str] = mapped_column(String(32))
    menu: Mapped[str] = mapped_column(String(100))
    value: Mapped[Decimal]
    unit: Mapped[str] = mapped_column(String(16))
    delivered: Mapped[bool]
    gases: Mapped[str] = mapped_column(String(16))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    provisional: Mapped[bool]
    title: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    edition: Mapped[str] = mapped_column(String(64))
    licence: Mapped[str] = mapped_column(Text)
    processed_by: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)


class MixSlotRow(Base):
    """What fed a region's grid in a half hour."""

    __tablename__ = "mix_slots"

    region: Mapped[str] = mapped_column(CODE, primary_key=True)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kwh: Mapped[dict[str, int]] = mapped_column(JSON)
    """By source."""
    imported_at: Mapped[datetime]
    direct: Mapped[int | None] = mapped_column(Integer)
    """mg CO2e per kWh fed in, by the factors of today; None until the next run."""
    upstream: Mapped[int | None] = mapped_column(Integer)


class Run(Base):
    """One computation of everything. Runs are never changed."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(32))
    """`measurements`, `factors`, `mix` or `asked`."""
    period: Mapped[str] = mapped_column(String(8))
    privacy: Mapped[str] = mapped_column(String(16))
    mix_factors: Mapped[list[int]] = mapped_column(JSON)
    """Numbers of the factors that fuel mixes were valued with."""
    left_out: Mapped[int]
    """Cells that were too small to be published even together."""
    without_factors: Mapped[int]
    """Groups and periods with energy that no factor is known for; they are in no result."""
    wh: Mapped[int] = mapped_column(BigInteger)
    """Of all results, for whoever may see exact figures."""
    open_from: Mapped[date | None] = mapped_column(Date)
    """From this period on nothing is published yet; None where all is."""


class _Figures:
    """What results and published cells have in common. Masses in mg CO2e."""

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    period: Mapped[date] = mapped_column(Date)
    """Its first day."""
    region: Mapped[str] = mapped_column(CODE)
    power_type: Mapped[PowerType] = mapped_column(words(PowerType))
    supplier: Mapped[str] = mapped_column(String(32))
    use: Mapped[Use] = mapped_column(words(Use))
    outlets: Mapped[int]
    """At least so many."""
    wh: Mapped[int] = mapped_column(BigInteger)
    hourly_wh: Mapped[int] = mapped_column(BigInteger)
    """Energy whose half hours' fuel mix is known."""
    scope1: Mapped[int] = mapped_column(BigInteger)
    scope2_location: Mapped[int] = mapped_column(BigInteger)
    scope2_market: Mapped[int] = mapped_column(BigInteger)
    scope2_hourly: Mapped[int] = mapped_column(BigInteger)
    """Location-based with each half hour's mix; with the average of the year where that is not known."""
    scope3_location: Mapped[int] = mapped_column(BigInteger)
    scope3_market: Mapped[int] = mapped_column(BigInteger)
    scope3_hourly: Mapped[int] = mapped_column(BigInteger)
    factors: Mapped[list[int]] = mapped_column(JSON)
    """Numbers of the factors that were used."""
    provisional: Mapped[bool]
    """A factor stands in for one that is still to be published."""


class Result(_Figures, Base):
    """An exact figure."""

    __tablename__ = "results"

    largest_wh: Mapped[int] = mapped_column(BigInteger)
    """Of the outlet with most, at most."""


class PublishedCell(_Figures, Base):
    """A figure that may be published."""

    __tablename__ = "published"

    rest: Mapped[bool]
    """The rest of the region, put together of cells that are too small by themselves."""
    merged: Mapped[int]
    """Of how many."""
