"""Outlets: on the OCPP wire an EVSE with connector 1."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.orderinglist import ordering_list
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

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


class Metering(StrEnum):
    """On what basis an outlet measures energy; what may be sold by the kWh depends on it (Japan's metering law)."""

    VERIFIED = "verified"
    """By a verified meter."""
    NOTIFIED = "notified"
    """By a meter of a stated class whose use was notified; the driver is told, and agrees."""
    ESTIMATED = "estimated"
    """By no meter that counts before the law: nothing is sold by the kWh, and energy is called its equivalent."""


class OutletOffer(Base):
    """A tariff at which an outlet is sold."""

    __tablename__ = "outlet_offers"
    __table_args__ = (Index("ix_outlet_offers_tariff_name", "tariff_name"),)

    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlets.id", ondelete="CASCADE"), primary_key=True)
    tariff_name: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Which tariff; the row in force is the catalogue's business."""
    position: Mapped[int]
    """In the order in which drivers see them; the first one counts for who does not choose."""


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
    metering: Mapped[Metering] = mapped_column(words(Metering), default=Metering.VERIFIED)
    """On what basis energy is measured here, as the operator states it."""
    metering_class: Mapped[str] = mapped_column(String(8), default="")
    """Of a notified meter: n3, n5 or n6 (`sites.metering`); empty otherwise."""
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
    offers: Mapped[list[OutletOffer]] = relationship(
        lazy="raise",
        order_by=OutletOffer.position,
        collection_class=ordering_list("position"),
        cascade="all, delete-orphan",
    )
    """The tariffs at which it is sold, in order; none: nothing is sold here yet."""
    tariff_names: AssociationProxy[list[str]] = association_proxy(
        "offers", "tariff_name", creator=lambda name: OutletOffer(tariff_name=name)
    )
    """Their names."""


WITH_OFFERS = selectinload(Outlet.offers)
"""Option of a query: loads an outlet's offers with it."""
