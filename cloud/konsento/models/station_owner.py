"""Which process holds a station's connection."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class StationOwner(Base):
    """The process that holds a station's newest connection: the truth that all processes go by.

    The row stays when the connection goes, so that `epoch` only grows.
    """

    __tablename__ = "station_owners"

    station_id: Mapped[str] = mapped_column(String(48), primary_key=True)
    replica_id: Mapped[UUID | None] = mapped_column(index=True)
    """None: it has no connection."""
    epoch: Mapped[int] = mapped_column(BigInteger)
    """Grows with every connection, at whatever process: who holds an older one is out of date."""
    version: Mapped[str] = mapped_column(String(16))
    """The OCPP version that it speaks, as the subprotocol names it."""
    since: Mapped[datetime]
