"""Partners: other suppliers' servers at the same sites, and portals; and what each of them said last."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from konsento.kit.db import Base, words


class PartnerKind(StrEnum):
    """What a partner is."""

    SUPPLIER = "supplier"
    """Runs a management server at the same sites; drivers are shown its prices and may go over to it."""
    PORTAL = "portal"
    """Shows the suppliers side by side and sends drivers here; sells nothing."""


class Partner(Base):
    """Somebody with whom drivers are exchanged, by contract."""

    __tablename__ = "partners"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[PartnerKind] = mapped_column(words(PartnerKind))
    name: Mapped[str] = mapped_column(String(100), unique=True)
    """As drivers read it."""
    base_url: Mapped[str] = mapped_column(String(200), unique=True)
    """Address of its pages, without a slash at the end: it is who it is."""
    key: Mapped[str] = mapped_column(String(80))
    """Signs and checks the links over which drivers go, so it has to be readable; `kps_…`."""
    created_at: Mapped[datetime]


class PartnerSite(Base):
    """A site at which a partner sells as well, and what its server said about it last."""

    __tablename__ = "partner_sites"

    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partners.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True, index=True)
    tried_at: Mapped[datetime | None]
    """When its server was asked last."""
    told_at: Mapped[datetime | None]
    """When it last gave an answer that could be used."""
    told: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """That answer (`kit.offers.Told`); None where it knows no such site."""
    problem: Mapped[str] = mapped_column(String(50), default="")
    """Why the last attempt failed (`kit.asking.NoAnswer`, or `NoName`, `NotAllowed`); empty where it did not."""

    partner: Mapped[Partner] = relationship(lazy="raise")
