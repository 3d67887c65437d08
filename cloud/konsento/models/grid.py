"""Regions of the grid: what is published about them, and the windows for which charging is recommended."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class GridRegion(Base):
    """A region with one balance of supply and demand, and the rule by which windows are found in it."""

    __tablename__ = "grid_regions"

    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    """`JP-A03`, `GB`, `DE`: as the environment side names regions."""
    name_en: Mapped[str] = mapped_column(String(60))
    name_ja: Mapped[str] = mapped_column(String(60), default="")
    """Empty: the English one is shown."""
    time_zone: Mapped[str] = mapped_column(String(64))
    """IANA name: its days begin by this clock."""
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    """As `grid.rule.Rule.to_dict` gives it."""
    advises: Mapped[bool] = mapped_column(default=False)
    """Whether windows are found and drivers are told of them."""


class SourceState(StrEnum):
    """How a source is."""

    NEW = "new"
    """Nothing has come from it yet."""
    GOOD = "good"
    """What came last could be read."""
    BAD = "bad"
    """What came last could not be read, or nothing came; the last good data is kept."""
    OFF = "off"
    """The operator has switched it off."""


class GridSource(Base):
    """Where data of the grid come from."""

    __tablename__ = "grid_sources"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    format: Mapped[str] = mapped_column(String(32))
    """A word of `grid.readers`."""
    region: Mapped[str | None] = mapped_column(ForeignKey("grid_regions.code"))
    """Whose data it brings; None where its files say it themselves."""
    url: Mapped[str] = mapped_column(String(500), default="")
    """Address to fetch, with places for dates (`{yyyymmdd}`); empty for files that are uploaded or dropped."""
    folder: Mapped[str] = mapped_column(String(200), default="")
    """Name of the folder below `KONSENTO_FEEDS_FOLDER` in which files are dropped; empty for none."""
    secret: Mapped[str] = mapped_column(String(200), default="")
    """Key that the source asks for; it stays out of pages and of the log."""
    every_s: Mapped[int] = mapped_column(default=3600)
    """Seconds between fetches."""
    stale_after_s: Mapped[int] = mapped_column(default=129_600)
    """An alarm is raised when the newest good data is older than that, s."""
    state: Mapped[SourceState] = mapped_column(words(SourceState), default=SourceState.NEW)
    problem: Mapped[str] = mapped_column(String(500), default="")
    """Why it is bad, in English with its facts; empty where it is not."""
    reason: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The same for translation: `message` and its `values`; empty where it is not bad."""
    bad_since: Mapped[datetime | None]
    """When it became bad; None while it is not."""
    tried_at: Mapped[datetime | None]
    good_at: Mapped[datetime | None]
    """When data of it could last be read."""
    data_until: Mapped[datetime | None]
    """The end of the last slot that it brought."""


class GridFile(Base):
    """A file as it came from a source: the last good one, and the last one if that is bad."""

    __tablename__ = "grid_files"
    __table_args__ = (UniqueConstraint("source_id", "good"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("grid_sources.id", ondelete="CASCADE"), index=True)
    good: Mapped[bool]
    name: Mapped[str] = mapped_column(String(200))
    """Of the file, or the end of its address."""
    content: Mapped[bytes]
    sha256: Mapped[str] = mapped_column(String(64))
    came_at: Mapped[datetime]
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What was read in it: format, region, number of slots, what is missing, warnings, error."""


class GridSlot(Base):
    """The balance of a region in a slot as one source told it last (`grid.records.BalanceSlot`)."""

    __tablename__ = "grid_slots"
    __table_args__ = (
        UniqueConstraint("source_id", "region", "series", "begin"),
        Index("ix_grid_slots_region_begin", "region", "begin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("grid_sources.id", ondelete="CASCADE"))
    region: Mapped[str] = mapped_column(String(12))
    series: Mapped[str] = mapped_column(String(10))
    begin: Mapped[datetime]
    end: Mapped[datetime]
    minutes: Mapped[int]
    demand_kwh: Mapped[int | None] = mapped_column(BigInteger)
    supply_kwh: Mapped[int | None] = mapped_column(BigInteger)
    supply: Mapped[str | None] = mapped_column(String(12))
    first_kwh: Mapped[int | None] = mapped_column(BigInteger)
    first_share: Mapped[Decimal | None]
    first: Mapped[str | None] = mapped_column(String(12))
    issued_at: Mapped[datetime | None]
    received_at: Mapped[datetime]


class SpotPrice(Base):
    """What power costs on the spot market (`grid.records.SpotSlot`)."""

    __tablename__ = "spot_prices"

    region: Mapped[str] = mapped_column(String(12), primary_key=True)
    begin: Mapped[datetime] = mapped_column(primary_key=True)
    end: Mapped[datetime]
    minutes: Mapped[int]
    price: Mapped[Decimal]
    """Major units per kWh, without tax; may be negative."""
    currency: Mapped[str] = mapped_column(String(3))
    received_at: Mapped[datetime]


class WindowDecision(Base):
    """Which windows were found in a region's day, by what rule, from what. Never changed."""

    __tablename__ = "window_decisions"
    __table_args__ = (Index("ix_window_decisions_region_day", "region", "day"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    day: Mapped[date]
    """By the region's clock."""
    decided_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(12))
    """`new`, `same`, `changed`, `withdrawn` (compared with the decision before), `none`, or `undecided`."""
    reason: Mapped[str] = mapped_column(String(40))
    """A word that says why there are none, or why it is undecided; empty where there are windows."""
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON)
    """All that the rule was given: the slots, and the numbers that automatic references came to."""
    inputs_sha256: Mapped[str] = mapped_column(String(64))
    windows: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class GridWindow(Base):
    """A window that is in force: the decision made last for its day."""

    __tablename__ = "grid_windows"
    __table_args__ = (Index("ix_grid_windows_region_begin", "region", "begin"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("window_decisions.id"), index=True)
    region: Mapped[str] = mapped_column(String(12))
    day: Mapped[date]
    begin: Mapped[datetime]
    end: Mapped[datetime]
    share_most: Mapped[Decimal | None]
    surplus_most: Mapped[Decimal | None]
