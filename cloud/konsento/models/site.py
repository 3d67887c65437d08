"""Sites: the facilities with outlets. On the OCPP wire a site is a charging station."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class PresenceCheck(StrEnum):
    """How a driver shows that they stand before the outlet that they name: a copied sticker leads to another one."""

    NONE = "none"
    BUTTON = "button"
    """They press the outlet's button."""
    LAMP = "lamp"
    """They see the outlet's lamp blink."""


class Site(Base):
    """A facility with outlets and one control system."""

    __tablename__ = "sites"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    station_id: Mapped[str] = mapped_column(String(48), unique=True)
    """Its identity on the OCPP wire, the last part of the address that it dials."""
    password_hash: Mapped[str] = mapped_column(String(200))
    """Argon2id in the PHC string form."""
    name: Mapped[str] = mapped_column(String(100))
    place: Mapped[str] = mapped_column(String(200), default="")
    """Where it is, as drivers read it."""
    time_zone: Mapped[str] = mapped_column(String(64))
    """IANA name; times are shown in it."""
    latitude: Mapped[float | None]
    """Degrees north, WGS 84; None: not on the map."""
    longitude: Mapped[float | None]
    """Degrees east, WGS 84; given together with the latitude."""
    opening_hours: Mapped[str] = mapped_column(String(500), default="")
    """When sessions may start, by its own clock (`sites.hours`); empty: always."""
    presence: Mapped[PresenceCheck] = mapped_column(words(PresenceCheck), default=PresenceCheck.NONE)
    ours: Mapped[bool] = mapped_column(default=True)
    """Whether it is a Konsento site, by its own word at its last start: then it executes no start request after its
    expiry, and answers a repeated one with what became of the first (contracts, 2)."""
    connected: Mapped[bool] = mapped_column(default=False)
    last_seen: Mapped[datetime | None]
    """When it last sent anything that is kept."""


class FloorPlan(Base):
    """The picture of a site on which its outlets are placed."""

    __tablename__ = "floor_plans"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(32))
    picture: Mapped[bytes]
    """Encoded anew from what was uploaded, so it holds nothing but the picture."""
    width: Mapped[int]
    """Pixels."""
    height: Mapped[int]
    """Pixels."""
    changed_at: Mapped[datetime]
