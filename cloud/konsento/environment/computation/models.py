"""The tables of the computation system."""

from sqlalchemy.orm import DeclarativeBase

from konsento.environment.base import MeasurementRow, OutletRow, RegionRow, SeenRow, SupplierRow, TokenRow
from konsento.kit.db import TYPES, named_metadata
from konsento.kit.work_table import WorkRow


class Base(DeclarativeBase):
    """Base of the computation system's models, in a database of its own."""

    type_annotation_map = TYPES
    metadata = named_metadata()


class Token(TokenRow, Base):
    """Tokens of platforms, sites, readers and operators."""


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
