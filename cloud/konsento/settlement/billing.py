"""What a session comes to: from its meter events and what was agreed. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from konsento import pricing
from konsento.kit.money import major_from_minor
from konsento.models import ChargingSession, ReceiptLine
from konsento.pricing import Bill, Price, Usage
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

    @property
    def sales_minor(self) -> int:
        """What stays with the operator."""
        return self.amount_minor - self.tax_minor - self.supplier_minor - self.owner_minor


@dataclass(frozen=True, kw_only=True)
class Due:
    """What a session's readings prove, and what its driver is asked for."""

    measured: Measurement
    bill: Bill
    split: Split
    """Of the bill's total, or of the hold where that is less."""

    def lines(self, charging: ChargingSession) -> list[ReceiptLine]:
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
        if unheld := self.split.amount_minor - self.bill.total_minor:
            major = major_from_minor(unheld, charging.currency)
            lines.append(ReceiptLine(kind=UNHELD, quantity=1, unit_price=major, amount_minor=unheld))
        for position, line in enumerate(lines):
            line.session_id, line.position, line.code = charging.id, position, line.code or ""
        return lines


def price_of(charging: ChargingSession) -> Price:
    """Return the price that was agreed."""
    return Price.per_kwh(charging.unit_price, charging.currency, charging.tax_rate)


def due(charging: ChargingSession, events: Sequence[Reading]) -> Due:
    """Return what a session comes to by its readings: never more than is held."""
    measured = measure(events, charging.rated_w)
    usage = usage_of(measured, events) or Usage(begin=charging.created_at)
    bill = pricing.bill(price_of(charging), usage)
    return Due(measured=measured, bill=bill, split=split(charging, min(bill.total_minor, charging.hold_minor)))


def split(charging: ChargingSession, amount_minor: int) -> Split:
    """Return who gets what of an amount, by the contract that held at the session's start.

    The shares are of the amount without its tax, each rounded down to the minor unit; what is left by that stays with
    the operator.
    """
    tax_minor = pricing.tax_in(price_of(charging), amount_minor)
    net = amount_minor - tax_minor
    return Split(
        amount_minor,
        tax_minor,
        supplier_minor=_share(net, SHARES_OF_NOBODY),
        owner_minor=_share(net, SHARES_OF_NOBODY),
    )


SHARES_OF_NOBODY: Final = Decimal(0)


def _share(net_minor: int, share: Decimal) -> int:
    return int(net_minor * share)
