"""Prices: pure functions of a price and an amount of energy. Rounded once, downwards: in the driver's favour."""

from konsento.pricing.bill import Bill, Price, amount_minor, bill, tax_in
from konsento.pricing.estimate import (
    CUT_OFF_S,
    cut_off_slack_wh,
    energy_for_time,
    most_energy_for_time,
    time_for_energy,
    wh_for_money,
)

__all__ = [
    "CUT_OFF_S",
    "Bill",
    "Price",
    "amount_minor",
    "bill",
    "cut_off_slack_wh",
    "energy_for_time",
    "most_energy_for_time",
    "tax_in",
    "time_for_energy",
    "wh_for_money",
]
