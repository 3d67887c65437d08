"""Prices: pure functions of a price and what was used. Rounded once, downwards: in the driver's favour."""

from konsento.pricing.bill import Adjustment, Bill, Line, amount_minor, bill, bill_of, tax_in
from konsento.pricing.discount import Discount, DiscountKind, discounted
from konsento.pricing.estimate import (
    CUT_OFF_S,
    Worst,
    affordable,
    cut_off_slack_wh,
    energy_for_time,
    most_energy_for_time,
    time_for_energy,
    worst,
)
from konsento.pricing.price import Band, Basis, Component, Price, Rate, Why
from konsento.pricing.tally import Tally
from konsento.pricing.usage import Part, Usage

__all__ = [
    "CUT_OFF_S",
    "Adjustment",
    "Band",
    "Basis",
    "Bill",
    "Component",
    "Discount",
    "DiscountKind",
    "Line",
    "Part",
    "Price",
    "Rate",
    "Tally",
    "Usage",
    "Why",
    "Worst",
    "affordable",
    "amount_minor",
    "bill",
    "bill_of",
    "cut_off_slack_wh",
    "discounted",
    "energy_for_time",
    "most_energy_for_time",
    "tax_in",
    "time_for_energy",
    "worst",
]
