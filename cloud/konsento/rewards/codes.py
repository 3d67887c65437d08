"""Coupon codes: how they are typed, and how they are made."""

import re
import secrets
from typing import Final
from unicodedata import normalize

ALPHABET: Final = "23456789ACDEFGHJKMNPQRTVWXY"
"""Without what looks alike: 0 O, 1 I L, 2 Z, 5 S, 8 B, U V."""
RANDOM_LENGTH: Final = 12
"""57 bits: with a million codes out, who tries a thousand codes a second finds one in about two years."""
SHORTEST: Final = 4
LONGEST: Final = 24
_CODE: Final = re.compile(rf"[A-Z0-9]{{{SHORTEST},{LONGEST}}}")
_TYPED: Final = 200
"""Longer texts are no code, however they read."""


def normal(text: str) -> str:
    """Return a code as it is stored: half-width capitals, without dashes, dots and spaces."""
    plain = normalize("NFKC", text[:_TYPED]).upper()
    return "".join(c for c in plain if c not in "-‐‑‒–—―−ー_." and not c.isspace())  # dashes people type


def is_code(code: str) -> bool:
    """Tell whether a normalised text can be a code at all."""
    return _CODE.fullmatch(code) is not None


def new_code() -> str:
    """Return a random code, normalised."""
    return "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))


def label(code: str) -> str:
    """Return a code as it is read: a random one in groups of four, a chosen one as it was chosen."""
    if len(code) != RANDOM_LENGTH or any(c not in ALPHABET for c in code):
        return code
    return "-".join(code[at : at + 4] for at in range(0, RANDOM_LENGTH, 4))
