"""What a driver asks for: until full, energy, time or money; read and checked."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from konsento.charging.errors import (
    LimitNotANumber,
    LimitNotPositive,
    LimitTooFine,
    LimitTooLarge,
    UnknownLimitKind,
    UnknownUnit,
)
from konsento.kit import typed
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
_LONGEST: Final = 40
"""Characters of a number with its unit."""
_AMOUNT: Final = re.compile(r"(?P<sign>[¥€$£])?\s*(?P<number>.*?\d[.,]?)\s*(?P<word>[^\W\d_]+|[€$£¥])?")
_BESIDE: Final = {
    "kwh": "kWh",
    "wh": "Wh",
    "min": "min",
    "分": "min",
    "s": "s",
    "秒": "s",
    "h": "h",
    "時間": "h",
    "円": "JPY",
    "¥": "JPY",
    "€": "EUR",
    "$": "USD",
    "£": "GBP",
}
"""What people type with a number."""


@dataclass(frozen=True, kw_only=True)
class RequestedLimit:
    """What the driver asked for, in whole Wh, seconds or minor units; 0 until full."""

    kind: LimitKind
    amount: int


def parse_limit(kind: str, amount: str, unit: str | None, currency: str) -> RequestedLimit:
    """Read a limit as typed. Without a unit energy is in kWh, time in minutes, money in major units.

    A unit that is typed with the number counts before `unit`. `full` takes no amount. Units are `kWh`, `Wh`; `min`,
    `s`, `h`; `major` or the currency's code, `minor`. Raises a subclass of `BadLimit`.
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
    number_text, typed_unit = _taken_apart(amount)
    unit = typed_unit or unit
    factor = units.get(unit) if unit else next(iter(units.values()))
    if factor is None:
        raise UnknownUnit
    if limit is LimitKind.MONEY and exponent(currency) == 0:
        # No coin is smaller than one, so this can be no decimal sign: 1,500 yen.
        number_text = typed.without_thousands(number_text)
    number = _number(number_text)
    if number <= 0:
        raise LimitNotPositive
    # Compared before it is multiplied: 1e999999 would be multiplied for a long time.
    if number > most / factor:
        raise LimitTooLarge(maximum=maximum)
    whole = number * factor
    if whole != whole.to_integral_value():
        raise LimitTooFine(step=step)
    return RequestedLimit(kind=limit, amount=int(whole))


def _taken_apart(text: str) -> tuple[str, str]:
    """Return the number and the unit that was typed with it, empty for none."""
    plain = typed.plain(text)
    if len(plain) > _LONGEST:
        raise LimitNotANumber
    parts = _AMOUNT.fullmatch(plain)
    if parts is None:
        return plain, ""
    beside = (parts["sign"] or parts["word"] or "").casefold()
    return parts["number"], _BESIDE.get(beside, beside.upper())


def _number(plain: str) -> Decimal:
    try:
        number = typed.decimal(plain)
    except ValueError:
        raise LimitNotANumber from None
    if number > 0 and number.adjusted() < -12:
        # So far below any step that multiplying would round it.
        raise LimitTooFine(step="1 Wh")
    return number
