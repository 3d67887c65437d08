"""Money: integers of the currency's minor unit, rounded once and downwards."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from babel.numbers import get_currency_precision


def exponent(currency: str) -> int:
    """Return how many decimals the ISO 4217 currency has: 0 for JPY, 2 for EUR."""
    return get_currency_precision(currency)


def minor_from_major(amount: Decimal, currency: str) -> int:
    """Return `amount` (yen, euros) in minor units; raises ValueError where it has finer digits than the currency."""
    minor = amount.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} {currency} is finer than the currency's minor unit")
    return int(minor)


def major_from_minor(minor: int, currency: str) -> Decimal:
    """Return an amount in minor units as yen, euros and so on."""
    return Decimal(minor).scaleb(-exponent(currency))


def floor_minor(amount: Decimal, currency: str) -> int:
    """Return `amount` (major units, any number of digits) in minor units, rounded down: in the payer's favour."""
    return int(amount.scaleb(exponent(currency)).to_integral_value(rounding=ROUND_FLOOR))


@dataclass(frozen=True)
class Amount:
    """An amount that stands in a sentence: each language writes it in its own way."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return f"{major_from_minor(self.minor, self.currency)} {self.currency}"
