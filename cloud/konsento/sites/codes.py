"""Outlet codes: short enough to type from a label, hard to mistype into another outlet's.

A code that is made here has five random characters and a check character: the sum of value × 2^position is a multiple
of 27. Any single wrong character and any two neighbours swapped break it, because 2^position and the difference of
neighbouring weights are prime to 27. The alphabet leaves out what looks alike on a label: 0 O, 1 I L, 2 Z is kept as 2,
5 S as 5, 8 B as 8, V U as V.
"""

import secrets
from typing import Final
from unicodedata import normalize

ALPHABET: Final = "23456789ACDEFGHJKMNPQRTVWXY"
LENGTH: Final = 6
SHORTEST: Final = 4
LONGEST: Final = 16
_LOOK_ALIKE: Final = str.maketrans({"Z": "2", "S": "5", "B": "8", "U": "V", "O": "Q", "0": "Q"})


def normal(text: str) -> str:
    """Return a code as it is stored: capitals, without dashes and spaces, look-alikes read as what is on labels."""
    kept = "".join(c for c in text.upper() if c not in "-‐‑–— _." and not c.isspace())  # the dashes people type
    return kept.translate(_LOOK_ALIKE)


def evse_id(prefix: str, code: str) -> str:
    """Return the EVSE-ID of an outlet (ISO 15118-2, H.2): `JP*KNS*EK7F29Q`. `prefix` is country and operator."""
    return f"{prefix}*E{code}"


def without_evse_prefix(text: str, prefix: str) -> str:
    """Return what follows the operator's prefix in an EVSE-ID, however it was typed; any other text as it is.

    The stars in an EVSE-ID are optional, and capitals do not matter.
    """
    plain = normalize("NFKC", text).replace("*", "").strip().upper()
    start = prefix.replace("*", "") + "E"
    return plain.removeprefix(start) if prefix and plain.startswith(start) else text


def is_code(code: str) -> bool:
    """Tell whether a normalised text can be a code at all."""
    return SHORTEST <= len(code) <= LONGEST and all(c in ALPHABET for c in code)


def new_code() -> str:
    """Return a random code with its check character."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return body + check_character(body)


def check_character(body: str) -> str:
    """Return the character that completes `body` to a code."""
    total = sum(ALPHABET.index(c) * 2**i for i, c in enumerate(body))
    # 2 is prime to 27, so exactly one value solves total + value × 2^len ≡ 0.
    value = -total * pow(2, -len(body), len(ALPHABET)) % len(ALPHABET)
    return ALPHABET[value]


def slips(code: str) -> frozenset[str]:
    """Return what one wrong character or two swapped neighbours make of a code, and the code itself."""
    wrong = {code[:i] + c + code[i + 1 :] for i in range(len(code)) for c in ALPHABET}
    swapped = {code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(len(code) - 1)}
    return frozenset({code} | wrong | swapped)


def label(code: str) -> str:
    """Return a code as it is printed: `K7F-29Q`."""
    middle = (len(code) + 1) // 2
    return f"{code[:middle]}-{code[middle:]}"
