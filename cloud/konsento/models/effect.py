"""What recommending brings about: how much of each session flowed within the windows of its region."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class WindowShare(Base):
    """How much of a billed session's energy flowed while charging was recommended. Counted once."""

    __tablename__ = "window_shares"
    __table_args__ = (Index("ix_window_shares_region_began_at", "region", "began_at"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"), index=True)
    region: Mapped[str] = mapped_column(String(12))
    began_at: Mapped[datetime]
    """When supply began."""
    billed_at: Mapped[datetime] = mapped_column(index=True)
    had_windows: Mapped[bool]
    """Whether charging was recommended at all on the day on which it began: only then it tells anything."""
    mwh: Mapped[int] = mapped_column(BigInteger)
    inside_mwh: Mapped[int] = mapped_column(BigInteger)
    """Rounded down."""
