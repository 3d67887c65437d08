"""Sites: the facilities with outlets. On the OCPP wire a site is a charging station."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


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
    connected: Mapped[bool] = mapped_column(default=False)
    last_seen: Mapped[datetime | None]
    """When it last sent anything that is kept."""
