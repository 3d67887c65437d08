"""Sites: the facilities with outlets. On the OCPP wire a site is a charging station."""

from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class PresenceCheck(StrEnum):
    """How a driver shows that they stand before the outlet that they name: a copied sticker leads to another one."""

    NONE = "none"
    BUTTON = "button"
    """They press the outlet's button."""
    LAMP = "lamp"
    """They see the outlet's lamp blink."""


class SecurityProfile(IntEnum):
    """How a station proves who it is (OCPP 2.1 part 2, A00): what is asked of it at least."""

    NONE = 0
    """Nothing: whoever knows the address and the identity comes in. No profile of OCPP 2.x."""
    BASIC = 1
    """A password; encrypted or not."""
    TLS_BASIC = 2
    """A password over TLS."""
    TLS_CERTIFICATE = 3
    """A certificate of its own over TLS; a password does not help it in."""


class Site(Base):
    """A facility with outlets and one control system."""

    __tablename__ = "sites"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    station_id: Mapped[str] = mapped_column(String(48), unique=True)
    """Its identity on the OCPP wire, the last part of the address that it dials."""
    password_hash: Mapped[str] = mapped_column(String(200))
    """As `sites.proofs` stores it."""
    next_password_hashes: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Passwords that were sent to it and that it may have taken, oldest first: each lets it in, and the one with which
    it comes becomes `password_hash` and ends those before it."""
    password_changed_at: Mapped[datetime | None]
    """When a password was last made for it; None where that is not known."""
    security_profile: Mapped[int] = mapped_column(default=SecurityProfile.BASIC)
    """A `SecurityProfile`."""
    name: Mapped[str] = mapped_column(String(100))
    place: Mapped[str] = mapped_column(String(200), default="")
    """Where it is, as drivers read it."""
    time_zone: Mapped[str] = mapped_column(String(64))
    """IANA name; times are shown in it."""
    latitude: Mapped[float | None]
    """Degrees north, WGS 84; None: not on the map."""
    longitude: Mapped[float | None]
    """Degrees east, WGS 84; given together with the latitude."""
    region: Mapped[str | None] = mapped_column(ForeignKey("grid_regions.code"), index=True)
    """The region of the grid in which it lies; None: nothing is advised for it."""
    opening_hours: Mapped[str] = mapped_column(String(500), default="")
    """When sessions may start, by its own clock (`sites.hours`); empty: always."""
    common_name: Mapped[str | None] = mapped_column(String(32), unique=True)
    """What all management servers of the site call it (contracts, 5): the site's own word, or the operators'; None
    until either was said."""
    presence: Mapped[PresenceCheck] = mapped_column(words(PresenceCheck), default=PresenceCheck.NONE)
    ours: Mapped[bool] = mapped_column(default=True)
    """Whether it is a Konsento site, by its own word at its last start: then it executes no start request after its
    expiry, and answers a repeated one with what became of the first (contracts, 2)."""
    connected: Mapped[bool] = mapped_column(default=False)
    last_seen: Mapped[datetime | None]
    """When it last sent anything that is kept."""


class PendingStation(Base):
    """A station that dialled in although no site is known for it, held until the operator has decided."""

    __tablename__ = "pending_stations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    station_id: Mapped[str] = mapped_column(String(48), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    """Of the password with which it came first; empty for one that came with a certificate."""
    security_profile: Mapped[int]
    """How it came: the `SecurityProfile` that it would have as a site."""
    address: Mapped[str] = mapped_column(String(64))
    """From where it came last."""
    version: Mapped[str] = mapped_column(String(16), default="")
    """OCPP version, as the subprotocol names it; empty before its first BootNotification."""
    vendor: Mapped[str] = mapped_column(String(50), default="")
    model: Mapped[str] = mapped_column(String(50), default="")
    serial: Mapped[str] = mapped_column(String(50), default="")
    firmware: Mapped[str] = mapped_column(String(50), default="")
    rejected_at: Mapped[datetime | None]
    """When the operator rejected it; it is kept out until that is taken back."""
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    """When it last dialled or booted."""


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
