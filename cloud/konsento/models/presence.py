"""Presence checks: whether a driver stands before the outlet that they name."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class PresenceMethod(StrEnum):
    """What a check asks of the driver."""

    BUTTON = "button"
    """To press the outlet's button; the site tells the press."""
    LAMP = "lamp"
    """To say whether the outlet's lamp blinks, which it was told to."""
    LABEL = "label"
    """To compare the label: this outlet can be asked neither way."""


class PresenceState(StrEnum):
    """How far a check has come."""

    WAITING = "waiting"
    SHOWN = "shown"
    """The driver is there; one start may follow."""
    USED = "used"
    DENIED = "denied"
    """The driver says that it is another outlet."""
    OVER = "over"
    """Its time ran out, or the driver asked for another one."""


PENDING = (PresenceState.WAITING, PresenceState.SHOWN)
"""States in which a check keeps its outlet from the checks of others."""


class Presence(Base):
    """One check, of one driver at one outlet. Forgotten after an hour."""

    __tablename__ = "presence_checks"
    __table_args__ = (
        Index(
            "uq_presence_checks_pending_outlet",
            "outlet_id",
            unique=True,
            sqlite_where=text("state IN ('waiting', 'shown')"),
            postgresql_where=text("state IN ('waiting', 'shown')"),
        ),
        Index("ix_presence_checks_driver_id_asked_at", "driver_id", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlets.id", ondelete="CASCADE"))
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"))
    method: Mapped[PresenceMethod] = mapped_column(words(PresenceMethod))
    state: Mapped[PresenceState] = mapped_column(words(PresenceState))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """Waiting: until when the driver can show it. Shown: until when a start may follow."""
