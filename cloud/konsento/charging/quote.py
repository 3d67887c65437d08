"""What a session will cost at most and about, before it is started."""

from dataclasses import dataclass
from decimal import Decimal

from konsento import pricing
from konsento.charging.errors import LimitTooLarge, LimitTooSmall
from konsento.charging.limits import MOST_WH, RequestedLimit
from konsento.models import LimitKind, Tariff
from konsento.pricing import Price


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What the driver is shown and agrees to."""

    requested: RequestedLimit
    energy_limit_wh: int | None
    """None for a limit by time."""
    time_limit_s: int | None
    """None for a limit by energy or money."""
    energy_cap_wh: int
    """What the outlet gets as its energy limit: the agreed energy, or what the hold can pay for."""
    unit_price: Decimal
    """Per kWh in major units, tax included."""
    currency: str
    tax_rate: Decimal
    estimated_wh: int
    """Energy, by the limit or at the rated power."""
    estimated_s: int
    """Time, by the limit or at the rated power."""
    estimated_minor: int
    """Price of the estimated energy."""
    hold_minor: int
    """The most that can be billed; held until the bill is made."""
    power_type: str
    supplier: str
    rated_w: int


def quoted(tariff: Tariff, rated_w: int, requested: RequestedLimit) -> Quote:
    """Return the quote at a tariff: pure. Raises `LimitTooSmall`, `LimitTooLarge`."""
    price = Price(unit_price=tariff.unit_price, currency=tariff.currency, tax_rate=tariff.tax_rate)
    slack = pricing.cut_off_slack_wh(rated_w)
    energy_limit_wh: int | None = None
    time_limit_s: int | None = None
    match requested.kind:
        case LimitKind.ENERGY:
            energy_limit_wh = energy_cap_wh = estimated_wh = requested.amount
            estimated_s = pricing.time_for_energy(rated_w, estimated_wh)
            hold_minor = pricing.bill(price, energy_cap_wh + slack).total_minor
        case LimitKind.TIME:
            time_limit_s = estimated_s = requested.amount
            # Not part of the agreement: only keeps the bill below the hold should the outlet give far too much.
            energy_cap_wh = min(MOST_WH, pricing.most_energy_for_time(rated_w, time_limit_s))
            estimated_wh = min(energy_cap_wh, pricing.energy_for_time(rated_w, time_limit_s))
            hold_minor = pricing.bill(price, energy_cap_wh + slack).total_minor
        case LimitKind.MONEY:
            bought = pricing.wh_for_money(price, requested.amount)
            if bought == 0:
                raise LimitTooSmall
            if bought is None or bought > MOST_WH:
                raise LimitTooLarge(maximum=f"{MOST_WH // 1000} kWh")
            energy_limit_wh = energy_cap_wh = estimated_wh = bought
            estimated_s = pricing.time_for_energy(rated_w, estimated_wh)
            # The driver said how much it may cost: what flows during the cut-off is the operator's.
            hold_minor = requested.amount
    return Quote(
        requested=requested,
        energy_limit_wh=energy_limit_wh,
        time_limit_s=time_limit_s,
        energy_cap_wh=energy_cap_wh,
        unit_price=tariff.unit_price,
        currency=tariff.currency,
        tax_rate=tariff.tax_rate,
        estimated_wh=estimated_wh,
        estimated_s=estimated_s,
        estimated_minor=pricing.bill(price, estimated_wh).total_minor,
        hold_minor=hold_minor,
        power_type=tariff.power_type,
        supplier=tariff.supplier,
        rated_w=rated_w,
    )
