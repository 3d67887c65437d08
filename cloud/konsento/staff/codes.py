"""The second factor: one-time codes (TOTP, RFC 6238) and the recovery codes for the day without the phone."""

import hmac
from datetime import datetime

import pyotp

from konsento.kit.ids import new_token

STEP_S = 30
RECOVERY_CODES = 8
_RECOVERY_LENGTH = 16  # characters of A-Z0-9: 82 bits
_GROUP = 4


def new_secret() -> str:
    """Return a new secret for an authenticator, base32 of 160 bits."""
    return pyotp.random_base32()


def address(secret: str, email: str, issuer: str) -> str:
    """Return what the QR code for the authenticator holds (`otpauth://`)."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def step_of(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """Return the time step that a code belongs to, or None for a wrong one.

    The step before and the one after count as well, for clocks that are apart; a step up to `last_step` never, so that
    a code which somebody has watched is worthless.
    """
    typed = "".join(c for c in code if c.isdecimal() and c.isascii())
    this = int(now.timestamp()) // STEP_S
    totp = pyotp.TOTP(secret)
    for step in (this - 1, this, this + 1):
        if step > last_step and hmac.compare_digest(totp.generate_otp(step), typed):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Return new recovery codes as they are shown, once: `ABCD-EFGH-JKLM-NOPQ`."""
    return [_grouped(new_token(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]


def plain(recovery_code: str) -> str:
    """Return a recovery code as it is compared, however it was typed."""
    return "".join(c for c in recovery_code.upper() if c.isascii() and c.isalnum())


def is_recovery_code(code: str) -> bool:
    """Tell whether what was typed has the length of a recovery code."""
    return len(plain(code)) == _RECOVERY_LENGTH


def _grouped(code: str) -> str:
    return "-".join(code[i : i + _GROUP] for i in range(0, len(code), _GROUP))
