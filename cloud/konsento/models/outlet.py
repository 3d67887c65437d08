"""Outlets: on the OCPP wire an EVSE with connector 1."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from konsento.kit.db import Base, words
from konsento.models.site import Site


class OutletStatus(StrEnum):
    """What the site last said about an outlet (StatusNotification); unknown until it has said anything."""

    UNKNOWN = "unknown"
    AVAILABLE = "available"
    OCCUPIED = "occupied"
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"


class Outlet(Base):
    """One socket on a wall."""

    __tablename__ = "outlets"
    __table_args__ = (UniqueConstraint("site_id", "evse_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    evse_id: Mapped[int]
    """Its number at the site, from 1."""
    code: Mapped[str] = mapped_column(String(16), unique=True)
    """On the label and in the QR code; capitals and digits without dashes (`sites.codes`)."""
    name: Mapped[str] = mapped_column(String(100))
    rated_w: Mapped[int]
    """The most that it supplies, W."""
    volts: Mapped[int]
    reported_w: Mapped[int | None]
    """What the site last reported as `rated_w`, None for never. Where the two differ the operator's counts."""
    reported_volts: Mapped[int | None]
    """Likewise, of `volts`."""
    most_wh: Mapped[int | None]
    """The operator's maximum of one session, Wh; None for the general one (`charging.limits`)."""
    most_s: Mapped[int | None]
    """The operator's maximum of one session, s; None for the general one."""
    tariff_name: Mapped[str | None] = mapped_column(String(64))
    """Which tariff counts; the row in force is the catalogue's business. None: nothing is sold here yet."""
    closed_note: Mapped[str | None] = mapped_column(String(200))
    """The operator has put it out of order, and says this to drivers; empty: nothing more. None: it is in order."""
    plan_x: Mapped[int | None]
    """Where it is on the site's floor plan, in thousandths of the width from the left."""
    plan_y: Mapped[int | None]
    """Likewise, of the height from the top."""
    model: Mapped[str] = mapped_column(String(50), default="")
    """What the site's report calls the device; empty where it has told nothing."""
    firmware: Mapped[str] = mapped_column(String(50), default="")
    """Version of the device's firmware, from the site's report."""
    status: Mapped[OutletStatus] = mapped_column(words(OutletStatus), default=OutletStatus.UNKNOWN)
    status_reason: Mapped[str] = mapped_column(String(50), default="")
    """For `unavailable`: `offline` or `disabled`; empty where the site gave none."""
    last_seen: Mapped[datetime | None]
    """When the site last told its status."""

    site: Mapped[Site] = relationship(lazy="raise")
