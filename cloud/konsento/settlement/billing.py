"""What a session comes to: from its meter events and what was agreed. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple

from konsento import pricing
from konsento.kit.money import major_from_minor
from konsento.models import ChargingSession, ReceiptLine
from konsento.pricing import Bill, Discount, Price, Usage
from konsento.settlement.measurement import Measurement, Reading, measure
from konsento.settlement.usage import usage_of

UNHELD: Final = "unheld"
"""The line of what is above the hold: the driver has agreed to no more, and is not asked for it."""


class Split(NamedTuple):
    """Who gets what of an amount that a driver pays. The parts add up to it."""

    amount_minor: int
    tax_minor: int
    supplier_minor: int
    owner_minor: int

    def less(self, other: Split) -> Split:
        """Return what is to be taken back where this was billed and the other is right."""
        return Split(*(mine - its for mine, its in zip(self, other, strict=True)))


@dataclass(frozen=True, kw_only=True)
class Due:
    """What a session's readings prove, and what its driver is asked for."""

    charging: ChargingSession
    price: Price
    """As it was agreed."""
    measured: Measurement
    usage: Usage
    bill: Bill

    @property
    def amount_minor(self) -> int:
        """What the driver is asked for: never more than is held."""
        return min(self.bill.total_minor, self.charging.hold_minor)

    @cached_property
    def split(self) -> Split:
        """Who gets what of it."""
        return split(self.charging, self.price, self.amount_minor)

    @property
    def unheld_minor(self) -> int:
        """What the driver is not asked for because it is more than was held."""
        return self.bill.total_minor - self.amount_minor

    def less(self, discounts: Sequence[Discount]) -> Due:
        """Return it with discounts taken off."""
        return replace(self, bill=pricing.discounted(self.bill, self.price, discounts)) if discounts else self

    def lines(self) -> list[ReceiptLine]:
        """Return the lines of the receipt; they add up to the amount."""
        lines = [
            ReceiptLine(
                kind=line.component,
                quantity=line.quantity,
                unit_price=line.unit_price,
                amount_minor=line.amount_minor,
                code=line.code,
                band=line.band.to_dict() if line.band is not None else None,
            )
            for line in self.bill.lines
        ]
        if unheld := self.unheld_minor:
            major = major_from_minor(-unheld, self.charging.currency)
            lines.append(ReceiptLine(kind=UNHELD, quantity=1, unit_price=major, amount_minor=-unheld))
        for position, line in enumerate(lines):
            line.session_id, line.position = self.charging.id, position
        return lines


def price_of(charging: ChargingSession) -> Price:
    """Return the price that was agreed."""
    return Price.from_dict(charging.price)


def due(charging: ChargingSession, events: Sequence[Reading]) -> Due:
    """Return what a session comes to by its readings, without discounts."""
    measured, price = measure(events, charging.rated_w), price_of(charging)
    usage = usage_of(measured, events) or Usage(begin=charging.created_at)
    bill = pricing.bill(price, usage)
    return Due(charging=charging, price=price, measured=measured, usage=usage, bill=bill)


def split(charging: ChargingSession, price: Price, amount_minor: int) -> Split:
    """Return who gets what of an amount, by the contract that held at the session's start.

    The shares are of the amount without its tax, each rounded down to the minor unit; what is left by that stays with
    the operator.
    """
    tax_minor = pricing.tax_in(price, amount_minor)
    net = amount_minor - tax_minor
    return Split(amount_minor, tax_minor, _share(net, charging.supplier_share), _share(net, charging.owner_share))


def _share(net_minor: int, share: Decimal) -> int:
    return int(net_minor * share)
