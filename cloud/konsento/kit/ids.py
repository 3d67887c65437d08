"""Identifiers: random ones, and the short codes that people read from a label."""

import secrets
from uuid import UUID, uuid4, uuid7

ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""Characters that every OCPP station accepts in an idToken."""


def new_id() -> UUID:
    """Return a new identifier; later ones sort after earlier ones (RFC 9562, version 7)."""
    return uuid7()


def new_token(length: int = 20) -> str:
    """Return `length` random characters of A-Z0-9 (20 are 103 bits), the most that old OCPP gear takes."""
    return "".join(secrets.choice(ALPHANUMERIC) for _ in range(length))


def new_random_id() -> UUID:
    """Return a new identifier that says nothing, not even when it was made (RFC 9562, version 4)."""
    return uuid4()
