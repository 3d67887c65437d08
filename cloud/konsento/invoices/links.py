"""Links in mails that open one document without signing in: signed, and good for a while.

Nothing is kept of them: the address holds the document's id and until when it counts, and a signature of both.
"""

import base64
import hashlib
import hmac
import secrets
import struct
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.invoices import repository
from konsento.invoices.errors import InvoiceLinkOver, NoInvoice
from konsento.invoices.service import Document, own_document
from konsento.operations.keys import server_key

LIVES: Final = timedelta(days=90)
"""As long as the link of a guest's mail: it is looked for at the end of a quarter."""
_KEY: Final = "invoice links"
_SAID: Final = struct.Struct(">16sI")
"""Id, and the second after which it is over."""
_SIGNATURE: Final = 16
"""Bytes of it that are kept: 128 bits."""


async def make(session: AsyncSession, invoice_id: UUID, now: datetime) -> str:
    """Return the token of a new link."""
    said = _SAID.pack(invoice_id.bytes, int((now + LIVES).timestamp()))
    return base64.urlsafe_b64encode(said + await _signed(session, said)).decode().rstrip("=")


async def follow(session: AsyncSession, token: str, now: datetime) -> Document:
    """Return the document of a link. Raises `InvoiceLinkOver`."""
    raw = _bytes(token)
    if len(raw) != _SAID.size + _SIGNATURE:
        raise InvoiceLinkOver
    said, signature = raw[: _SAID.size], raw[_SAID.size :]
    number, until = _SAID.unpack(said)
    if not hmac.compare_digest(signature, await _signed(session, said)) or now >= datetime.fromtimestamp(until, UTC):
        raise InvoiceLinkOver
    driver_id = await repository.driver_of(session, UUID(bytes=number))
    if driver_id is None:
        raise InvoiceLinkOver
    try:
        return await own_document(session, driver_id, UUID(bytes=number))
    except NoInvoice:  # the driver is deleted
        raise InvoiceLinkOver from None


async def _signed(session: AsyncSession, said: bytes) -> bytes:
    key = await server_key(session, _KEY, secrets.token_urlsafe)
    return hmac.digest(key.encode(), said, hashlib.sha256)[:_SIGNATURE]


def _bytes(token: str) -> bytes:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
