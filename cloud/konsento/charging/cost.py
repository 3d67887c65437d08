"""What a session costs, as its driver sees it and as a station is told it (`totalCost`; OCPP 2.1 part 2, I02, I03)."""

from decimal import Decimal

from konsento import pricing
from konsento.kit.money import major_from_minor
from konsento.pricing import Price


def cost_so_far_minor(price: Price, delivered_mwh: int, hold_minor: int) -> int:
    """Return what is to be paid for what is delivered so far, tax included: never more than is held."""
    # Without the tax in it, which takes longer to work out and which nobody asks for at every event.
    return min(pricing.amount_minor(price, delivered_mwh // 1000), hold_minor)


def total_cost(price: Price, delivered_mwh: int, hold_minor: int) -> Decimal:
    """Return the same in major units (yen, euros), as OCPP wants it; 0 for what is free."""
    return major_from_minor(cost_so_far_minor(price, delivered_mwh, hold_minor), price.currency)
