"""Charging that starts by itself while it is recommended."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words
from konsento.models.charging import LimitKind


class PlannedState(StrEnum):
    """What has become of a planned charging."""

    PLANNED = "planned"
    STARTED = "started"
    """Its session has begun, or was asked for."""
    FAILED = "failed"
    """It did not start; nothing was charged."""
    CANCELLED = "cancelled"


class PlannedCharge(Base):
    """What a driver who has plugged in wants to charge when a recommended window begins.

    It holds neither money nor the outlet: both are taken when it starts.
    """

    __tablename__ = "planned_charges"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlets.id"), index=True)
    session_id: Mapped[UUID]
    """The session that it starts, named beforehand, so that it is started once."""
    limit_kind: Mapped[LimitKind] = mapped_column(words(LimitKind))
    limit_amount: Mapped[int] = mapped_column(BigInteger)
    """Wh, s or minor units; as `ChargingSession` has it."""
    offer: Mapped[str] = mapped_column(String(64))
    way: Mapped[str] = mapped_column(String(320))
    """How it is paid (`payments.ways.Way`): one that needs nobody when it starts."""
    coupon: Mapped[str] = mapped_column(String(64), default="")
    points: Mapped[int] = mapped_column(BigInteger, default=0)
    agreed_unit_price: Mapped[Decimal]
    """The most that a kWh may cost when it starts: what the driver was shown. Major units, tax included."""
    agreed_most_minor: Mapped[int] = mapped_column(BigInteger)
    """The most that all of it may cost."""
    window_begin: Mapped[datetime]
    window_end: Mapped[datetime]
    inside: Mapped[bool] = mapped_column(default=False)
    """Whether supply ends with the window, whatever is still missing then."""
    start_at: Mapped[datetime]
    """Within the window, a little apart for everybody: not all cars of a region start in one second."""
    state: Mapped[PlannedState] = mapped_column(words(PlannedState), default=PlannedState.PLANNED)
    reason: Mapped[str] = mapped_column(String(50), default="")
    """Why it failed: the code of an error."""
    created_at: Mapped[datetime]
    over_at: Mapped[datetime | None]
    """When it was started, failed or was cancelled."""
