"""What a session costs, as its driver sees it and as a station is told it (`totalCost`; OCPP 2.1 part 2, I02, I03).

Where energy alone counts, what is measured so far tells it. For any other price the session keeps what was used at
which rate (`ChargingSession.priced`): a reading is added to that, whatever came before.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from konsento import pricing
from konsento.kit.money import major_from_minor
from konsento.pricing import Price, Tally
from konsento.settlement.measurement import Measurement, Point
from konsento.settlement.usage import Drawn, part_between, parts_of

Priced = dict[str, Any]
"""A tally, and from where the average of what the car draws is counted: as JSON takes them."""


def priced_anew(price: Price, measured: Measurement) -> Priced | None:
    """Return what all readings so far come to; None where none counts yet, or energy alone does."""
    if price.flat or measured.first is None:
        return None
    tally = Tally(price, measured.first.at)
    parts, drawn = parts_of(measured)
    for part in parts:
        tally.add(part)
    return _kept(tally, drawn)


def priced_next(price: Price, priced: Priced, last: Point, told: Point) -> Priced:
    """Return what the next reading that counts makes of it."""
    tally = Tally.from_dict(price, priced["tally"])
    part, drawn = part_between(last, told, Drawn(*priced["drawn"]))
    tally.add(part)
    return _kept(tally, drawn)


def _kept(tally: Tally, drawn: Drawn) -> Priced:
    return {"tally": tally.to_dict(), "drawn": list(drawn)}


def cost_so_far_minor(price: Price, delivered_mwh: int, priced: Mapping[str, Any] | None, hold_minor: int) -> int:
    """Return what is to be paid for what is used so far, tax included: never more than is held."""
    if price.flat:
        # Without the tax in it, which takes longer to work out and which nobody asks for at every event.
        return min(pricing.amount_minor(price, delivered_mwh // 1000), hold_minor)
    if priced is None:
        return 0
    return min(pricing.bill_of(Tally.from_dict(price, priced["tally"])).total_minor, hold_minor)


def total_cost(price: Price, delivered_mwh: int, priced: Mapping[str, Any] | None, hold_minor: int) -> Decimal:
    """Return the same in major units (yen, euros), as OCPP wants it; 0 for what is free."""
    return major_from_minor(cost_so_far_minor(price, delivered_mwh, priced, hold_minor), price.currency)
