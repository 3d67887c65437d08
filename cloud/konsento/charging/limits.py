"""What a driver asks for: until full, energy, time or money; read and checked."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from konsento.charging.errors import (
    LimitNotANumber,
    LimitNotPositive,
    LimitTooFine,
    LimitTooLarge,
    UnknownLimitKind,
    UnknownUnit,
)
from konsento.kit.money import exponent
from konsento.models import LimitKind

MOST_WH: Final = 100_000
"""What the outlet firmware takes (contracts, 1); larger than any car's battery."""
MOST_S: Final = 86_400
"""One day (contracts, 1)."""
MOST_MAJOR: Final = 1_000_000
"""Beyond any session's price in any currency; keeps numbers small enough for every database."""

# The first unit of each is the one meant where none is given.
_ENERGY: Final = {"kWh": Decimal(1000), "Wh": Decimal(1)}
_TIME: Final = {"min": Decimal(60), "s": Decimal(1), "h": Decimal(3600)}


@dataclass(frozen=True, kw_only=True)
class RequestedLimit:
    """What the driver asked for, in whole Wh, seconds or minor units; 0 until full."""

    kind: LimitKind
    amount: int


def parse_limit(kind: str, amount: str, unit: str | None, currency: str) -> RequestedLimit:
    """Read a limit as typed. Without a unit energy is in kWh, time in minutes, money in major units.

    `full` takes no amount. Units are `kWh`, `Wh`; `min`, `s`, `h`; `major` or the currency's code, `minor`. Raises a
    subclass of `BadLimit`.
    """
    try:
        limit = LimitKind(kind)
    except ValueError:
        raise UnknownLimitKind from None
    match limit:
        case LimitKind.FULL:
            return RequestedLimit(kind=limit, amount=0)
        case LimitKind.ENERGY:
            units, most, step, maximum = _ENERGY, MOST_WH, "1 Wh", f"{MOST_WH // 1000} kWh"
        case LimitKind.TIME:
            units, most, step, maximum = _TIME, MOST_S, "1 s", f"{MOST_S // 3600} h"
        case LimitKind.MONEY:
            digits = exponent(currency)
            per_major = Decimal(1).scaleb(digits)
            units = {"major": per_major, currency: per_major, "minor": Decimal(1)}
            most = int(MOST_MAJOR * per_major)
            step, maximum = f"{Decimal(1).scaleb(-digits)} {currency}", f"{MOST_MAJOR} {currency}"
    factor = units.get(unit) if unit else next(iter(units.values()))
    if factor is None:
        raise UnknownUnit
    number = _number(amount)
    if number <= 0:
        raise LimitNotPositive
    # Compared before it is multiplied: 1e999999 would be multiplied for a long time.
    if number > most / factor:
        raise LimitTooLarge(maximum=maximum)
    whole = number * factor
    if whole != whole.to_integral_value():
        raise LimitTooFine(step=step)
    return RequestedLimit(kind=limit, amount=int(whole))


def _number(text: str) -> Decimal:
    # Full-width digits, the point and the comma as decimal sign, as phones type them.
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    if len(plain) > 40 or "_" in plain:
        raise LimitNotANumber
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise LimitNotANumber from None
    if not number.is_finite():
        raise LimitNotANumber
    if number > 0 and number.adjusted() < -12:
        # So far below any step that multiplying would round it.
        raise LimitTooFine(step="1 Wh")
    return number
