"""Eco points: by which rules they are earned, the lots that a driver has of them, and what sessions take."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base

POINTS = "PTS"
"""The unit of points in the ledger. ISO 4217 has no such currency."""


class PointRule(Base):
    """So many points for a kWh of what the rule is about. Rules that fit the same kWh add up.

    A rule is never changed: it is stopped, and another one made, so that old points can always be explained.
    """

    __tablename__ = "point_rules"
    __table_args__ = (
        CheckConstraint("(from_minute IS NULL) = (to_minute IS NULL)", name="band"),
        Index("ix_point_rules_valid_to", "valid_to"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    points_per_kwh: Mapped[Decimal]
    power_type: Mapped[str] = mapped_column(String(20), default="")
    """A power type, or one above it (`renewable`); empty for any."""
    tariff_name: Mapped[str] = mapped_column(String(64), default="")
    """Empty for any."""
    supplier_code: Mapped[str] = mapped_column(String(32), default="")
    """Empty for any."""
    from_minute: Mapped[int | None]
    """Of the day where the outlet is; None for the whole day."""
    to_minute: Mapped[int | None]
    """The first minute that does not count; before `from_minute` it is one of the next day."""
    in_windows: Mapped[bool] = mapped_column(default=False)
    """Only energy that flows in recommended windows of the site's region counts."""
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    """Energy from this moment on earns nothing by it; None for no end."""
    created_at: Mapped[datetime]


class PointLot(Base):
    """Points that a driver got at once. Its id is that of the transfer that brought them.

    The ledger says how many points a driver has; the lots say which of them expire when. They are used up in the order
    of their expiry, when points are taken, not when they are reserved.
    """

    __tablename__ = "point_lots"
    __table_args__ = (
        Index("ix_point_lots_driver_id_earned_at", "driver_id", "earned_at"),
        Index(
            "ix_point_lots_expires_at",
            "expires_at",
            sqlite_where=text("points_left > 0"),
            postgresql_where=text("points_left > 0"),
        ),
        CheckConstraint("points_left >= 0 AND points_left <= points", name="left"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"))
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("charging_sessions.id"), index=True)
    """By which they were earned; None where the back office gave them."""
    points: Mapped[int] = mapped_column(BigInteger)
    points_left: Mapped[int] = mapped_column(BigInteger)
    earned_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """None for never."""


class PointUse(Base):
    """The points that a driver lets a session take: reserved at its start by a pending transfer."""

    __tablename__ = "point_uses"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"), index=True)
    points: Mapped[int] = mapped_column(BigInteger)
    """Reserved: the most that the session takes."""
    value_minor: Mapped[Decimal]
    """What one point was worth when the driver agreed, in minor units."""
    points_used: Mapped[int | None] = mapped_column(BigInteger)
    """None while the session runs; 0 where it gave them back."""
    discount_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """What they took off the bill."""
    reserved_at: Mapped[datetime]
