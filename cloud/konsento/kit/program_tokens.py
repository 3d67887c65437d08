"""Tokens that programs hold: a beginning that says whose, 32 random characters, 6 check characters.

The fixed beginning and the check let scanners of source code find a token that was published by mistake, and let
nonsense be refused without a look into the database.
"""

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

_LETTERS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 32  # of 62 characters each: 190 bits
_CHECK: Final = 6
_REST: Final = re.compile(rf"[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")


def new_token(beginning: str) -> str:
    """Return a new token with that beginning."""
    start = beginning + "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    return start + _check(start)


def is_token(text: str, beginning: str) -> bool:
    """Tell whether a text has the form of a token with that beginning, its check characters included."""
    rest = text.removeprefix(beginning)
    return text.startswith(beginning) and _REST.fullmatch(rest) is not None and _check(text[:-_CHECK]) == text[-_CHECK:]


def token_hash(token: str) -> bytes:
    """Return what the database keeps of a token (SHA-256): its random characters need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def _check(start: str) -> str:
    number, digits = zlib.crc32(start.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_LETTERS))
        digits = _LETTERS[digit] + digits
    return digits
