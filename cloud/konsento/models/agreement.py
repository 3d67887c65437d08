"""What drivers have agreed to beside a price."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class MeteringAgreement(Base):
    """A driver, guest or not, has read how notified meters measure, and agreed to be billed by them."""

    __tablename__ = "metering_agreements"

    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Of the text that was read (`charging.metering`)."""
    agreed_at: Mapped[datetime]
