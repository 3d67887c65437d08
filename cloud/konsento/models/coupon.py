"""Coupons: what they give and to whom, their codes, and the sessions that use them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class CouponKind(StrEnum):
    """What a coupon takes off a bill."""

    ENERGY = "energy"
    """So many Wh cost nothing."""
    PERCENT = "percent"
    AMOUNT = "amount"


class Coupon(Base):
    """The terms of a coupon. They never change; a coupon is stopped, and sessions that have it keep it."""

    __tablename__ = "coupons"
    __table_args__ = (
        CheckConstraint("taken >= 0 AND (most_uses IS NULL OR taken <= most_uses)", name="taken"),
        CheckConstraint("grant_wh IS NULL OR grant_wh > 0", name="grant"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    """What the operator calls it; drivers never read it."""
    kind: Mapped[CouponKind] = mapped_column(words(CouponKind))
    value: Mapped[Decimal]
    """Wh, a share of 1, or minor units."""
    currency: Mapped[str] = mapped_column(String(3))
    """Of an amount and of the least amount; it is only used in sessions of this currency."""
    most_uses: Mapped[int | None]
    """Of all its codes together; None for no bound."""
    most_uses_each: Mapped[int | None]
    """By one driver; None for no bound. Needs an account."""
    first_only: Mapped[bool]
    """Only for a driver's first charging. Needs an account."""
    least_minor: Mapped[int] = mapped_column(BigInteger)
    """Bills below it get nothing off; 0 for none."""
    site_ids: Mapped[list[str]] = mapped_column(JSON)
    """Only at these; empty for any."""
    outlet_ids: Mapped[list[str]] = mapped_column(JSON)
    tariff_names: Mapped[list[str]] = mapped_column(JSON)
    power_types: Mapped[list[str]] = mapped_column(JSON)
    """These, or what stands below them in the tree of power types."""
    public: Mapped[bool]
    """Has one code for everybody, and is told of where power is chosen."""
    grant_wh: Mapped[int | None]
    """A driver with an account gets one after every so many Wh; None for not by itself."""
    grant_power_type: Mapped[str] = mapped_column(String(20))
    """Which Wh count for that; empty for any."""
    grant_days: Mapped[int | None]
    """A code that was given to a driver is good for so many days; None for as long as the coupon."""
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    """A session that starts from this moment on cannot have it; None for no end."""
    taken: Mapped[int]
    """How many sessions have it or had it: counted up when it is reserved, down when it is given back."""
    created_at: Mapped[datetime]


class CouponCode(Base):
    """What a driver types."""

    __tablename__ = "coupon_codes"
    __table_args__ = (
        UniqueConstraint("coupon_id", "driver_id", "ordinal"),
        CheckConstraint("taken >= 0 AND (most_uses IS NULL OR taken <= most_uses)", name="taken"),
    )

    code: Mapped[str] = mapped_column(String(24), primary_key=True)
    """As `rewards.codes.normal` writes it."""
    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("coupons.id"), index=True)
    batch_id: Mapped[UUID | None] = mapped_column(index=True)
    """Made together with others."""
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("drivers.id"), index=True)
    """Only for this driver; None for whoever has it."""
    ordinal: Mapped[int | None]
    """The how many-eth that this driver got by the coupon's own rule."""
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("charging_sessions.id"), index=True)
    """After which the driver got it."""
    most_uses: Mapped[int | None]
    taken: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class CouponUseState(StrEnum):
    """What has become of a coupon in a session."""

    RESERVED = "reserved"
    USED = "used"
    RETURNED = "returned"
    """The session failed, cost nothing, or got nothing off by it: it can be used again."""


class CouponUse(Base):
    """The coupon of a session; a session has one at most."""

    __tablename__ = "coupon_uses"
    __table_args__ = (Index("ix_coupon_uses_coupon_id_driver_id", "coupon_id", "driver_id"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), primary_key=True)
    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("coupons.id"))
    code: Mapped[str] = mapped_column(ForeignKey("coupon_codes.code"))
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"), index=True)
    state: Mapped[CouponUseState] = mapped_column(words(CouponUseState))
    discount_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """What it took off the bill."""
    reserved_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class CouponProgress(Base):
    """How much a driver has charged towards the next coupon that is given by itself."""

    __tablename__ = "coupon_progress"

    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("coupons.id"), primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), primary_key=True, index=True)
    wh: Mapped[int] = mapped_column(BigInteger)
    """All of it since the coupon began."""
