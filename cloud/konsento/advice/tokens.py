"""What the links of advice carry: an id and what it is for, signed by this server. Nothing is kept of them."""

import base64
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.operations.keys import server_key

_KEY: Final = "advice links"
_SAID: Final = struct.Struct(">B16s")
_SIGNATURE: Final = 16
"""Bytes of it that are kept: 128 bits."""


class Purpose(IntEnum):
    """What a link is for; one for another does nothing."""

    MESSAGE = 1
    """Says from which message somebody came; lets nobody in."""
    NO_MAIL = 2
    """Ends the mails of a driver. It counts for ever: a mail is kept for years."""


@dataclass(frozen=True)
class Signer:
    """Makes tokens with this server's key, thousands for one look at the database."""

    key: bytes

    def make(self, purpose: Purpose, number: UUID) -> str:
        """Return the token of a message, or of a driver."""
        said = _SAID.pack(purpose, number.bytes)
        return base64.urlsafe_b64encode(said + self._signed(said)).decode()

    def read(self, purpose: Purpose, token: str) -> UUID | None:
        """Return whose token it is; None for one that was not made here, or is for something else."""
        raw = _bytes(token)
        if len(raw) != _SAID.size + _SIGNATURE:
            return None
        said, signature = raw[: _SAID.size], raw[_SAID.size :]
        if not hmac.compare_digest(signature, self._signed(said)):
            return None
        is_for, number = _SAID.unpack(said)
        return UUID(bytes=number) if is_for == purpose else None

    def _signed(self, said: bytes) -> bytes:
        return hmac.digest(self.key, said, hashlib.sha256)[:_SIGNATURE]


async def signer(session: AsyncSession) -> Signer:
    """Return the signer; its key is made where there is none yet."""
    return Signer((await server_key(session, _KEY, secrets.token_urlsafe)).encode())


async def make(session: AsyncSession, purpose: Purpose, number: UUID) -> str:
    """Return the token of one message, or of one driver."""
    return (await signer(session)).make(purpose, number)


async def read(session: AsyncSession, purpose: Purpose, token: str) -> UUID | None:
    """Return whose token it is, as `Signer.read` does."""
    return (await signer(session)).read(purpose, token)


def _bytes(token: str) -> bytes:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:  # also for letters that are not ASCII
        return b""
