"""Amounts as Stripe counts them: nearly always the ISO minor unit, and where not, exactly as much."""

from decimal import Decimal
from typing import Final

from konsento.kit.money import exponent, minor_from_major

_ZERO: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE: Final = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""Their last digit has to be 0."""
_MINIMA: Final = {
    "AED": "2.00",
    "AUD": "0.50",
    "BRL": "0.50",
    "CAD": "0.50",
    "CHF": "0.50",
    "CZK": "15.00",
    "DKK": "2.50",
    "EUR": "0.50",
    "GBP": "0.30",
    "HKD": "4.00",
    "HUF": "175.00",
    "INR": "0.50",
    "JPY": "50",
    "MXN": "10",
    "MYR": "2",
    "NOK": "3.00",
    "NZD": "0.50",
    "PLN": "2.00",
    "RON": "2.00",
    "SEK": "3.00",
    "SGD": "0.50",
    "THB": "10",
    "USD": "0.50",
}
"""The least that can be charged, in major units (docs.stripe.com/currencies). Of others Stripe says it when asked."""


def to_stripe(minor: int, currency: str) -> int:
    """Return an amount as Stripe counts it. ValueError where Stripe cannot count it (see `step_minor`)."""
    amount, rest = divmod(minor * _unit(_stripe_exponent(currency)), _unit(exponent(currency)))
    if rest:
        raise ValueError(f"Stripe cannot count {minor} {currency}")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Return an amount of Stripe's in minor units; what is finer is left out."""
    return amount * _unit(exponent(currency)) // _unit(_stripe_exponent(currency))


def step_minor(currency: str) -> int:
    """Return what every amount has to be a multiple of."""
    if currency in _THREE:
        return 10
    return max(1, _unit(exponent(currency)) // _unit(_stripe_exponent(currency)))


def minimum_minor(currency: str) -> int:
    """Return the least that Stripe takes, as far as it is known beforehand."""
    known = _MINIMA.get(currency)
    return minor_from_major(Decimal(known), currency) if known is not None else step_minor(currency)


def _unit(decimals: int) -> int:
    return int(Decimal(1).scaleb(decimals))


def _stripe_exponent(currency: str) -> int:
    # ISK and UGX have no minor unit and are counted in hundredths all the same.
    if currency in _ZERO:
        return 0
    return 3 if currency in _THREE else 2
