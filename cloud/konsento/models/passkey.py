"""Passkeys of drivers, and the challenges that they answer (WebAuthn, level 3)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class Passkey(Base):
    """One passkey. The key that signs never leaves the driver's device; this row holds what it is checked with."""

    __tablename__ = "passkeys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    """The device's name for it, at most 1,023 bytes."""
    public_key: Mapped[bytes]
    """COSE_Key (RFC 9052)."""
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """How often the device says that it has signed; 0 for ever where it does not count (synchronised ones)."""
    transports: Mapped[str] = mapped_column(String(100), default="")
    """How a browser reaches the device, words of WebAuthn separated by spaces."""
    name: Mapped[str] = mapped_column(String(100))
    """What the driver calls it."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """A random number that was handed out to be signed. Answering deletes it, so it counts once on any replica."""

    __tablename__ = "passkey_challenges"

    challenge: Mapped[bytes] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID | None] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    """For whom a passkey is to be made; None to sign in, when nobody knows yet who it is."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
