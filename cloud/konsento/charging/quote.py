"""What a session will cost at most and about, before it is started."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from konsento import pricing
from konsento.catalogue.service import Offer
from konsento.charging.enforcement import cut_off_s
from konsento.charging.errors import LimitAboveOutlets, LimitBelowFees, LimitTooLarge, LimitTooSmall, NothingToHold
from konsento.charging.limits import MOST_S, MOST_WH, RequestedLimit
from konsento.charging.sold import Sold, sold_by, sold_in
from konsento.kit.money import Amount
from konsento.models import ChargingSession, LimitKind, Metering, Outlet
from konsento.pricing import Price, Usage, Worst


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What every session at an outlet is subject to."""

    price: Price
    at: datetime
    """When it is asked for: what it can cost at most are the rates that hold from then on."""
    sold: Sold
    rated_w: int
    outlet_wh: int | None = None
    """The operator's maximum of one session there, Wh; None for none."""
    outlet_s: int | None = None
    """The operator's maximum of one session there, s; None for none."""
    cut_off_s: int = pricing.CUT_OFF_S
    """How long power may flow beyond a limit there."""

    @property
    def slack_wh(self) -> int:
        """The most that flows beyond a limit: held as well."""
        return pricing.cut_off_slack_wh(self.rated_w, self.cut_off_s)

    @property
    def most_wh(self) -> int:
        """The most energy of one session."""
        return min(MOST_WH, self.outlet_wh or MOST_WH)

    @property
    def most_s(self) -> int:
        """The longest session."""
        return min(MOST_S, self.outlet_s or MOST_S)

    @cached_property
    def worst(self) -> Worst:
        """The dearest rates that a session there can meet."""
        return pricing.worst(self.price, self.at)

    def most_minor(self, wh: int, seconds: int) -> int:
        """Return what is to be held for limits: also what flows and passes beyond them until it is cut off."""
        return self.worst.most_minor(wh + self.slack_wh, seconds + self.cut_off_s)


def terms_of(offer: Offer, outlet: Outlet, at: datetime) -> Terms:
    """Return the terms that a new session that takes an offer at an outlet, its site loaded, would have."""
    return Terms(
        price=offer.price,
        at=at,
        sold=sold_by(offer),
        rated_w=outlet.rated_w,
        outlet_wh=outlet.most_wh,
        outlet_s=outlet.most_s,
        cut_off_s=cut_off_s(ours=outlet.site.ours),
    )


def agreed_price(charging: ChargingSession) -> Price:
    """Return the price that a session has, whatever has become of the tariff."""
    return Price.from_dict(charging.price)


def agreed_terms(charging: ChargingSession) -> Terms:
    """Return the terms that a session has, its outlet and site loaded: the price is the one that was agreed."""
    return Terms(
        price=agreed_price(charging),
        at=charging.created_at,
        sold=sold_in(charging),
        rated_w=charging.rated_w,
        outlet_wh=charging.outlet.most_wh,
        outlet_s=charging.outlet.most_s,
        cut_off_s=cut_off_s(ours=charging.outlet.site.ours),
    )


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What the driver is shown and agrees to."""

    requested: RequestedLimit
    energy_limit_wh: int | None
    """None for a limit by time."""
    time_limit_s: int | None
    """None where nothing limits the time but one session's general maximum."""
    energy_cap_wh: int
    """What the outlet gets as its energy limit: the agreed energy, or what the hold can pay for."""
    price: Price
    estimated_wh: int
    """Energy, by the limit or at the rated power; until full, the most that it can be."""
    estimated_s: int
    """Time, by the limit or at the rated power; until full, the most that it can be."""
    estimated_minor: int
    """Price of the estimated energy and time."""
    hold_minor: int
    """The most that can be billed; held until the bill is made."""
    sold: Sold
    rated_w: int

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return self.price.currency


@dataclass(frozen=True, kw_only=True)
class _Limits:
    energy_limit_wh: int | None
    time_limit_s: int | None
    energy_cap_wh: int
    estimated_wh: int
    hold_minor: int


def quoted(terms: Terms, requested: RequestedLimit, funds_minor: int | None = None) -> Quote:
    """Return the quote for a limit: pure.

    `funds_minor` is the most that can be held, where that is known: charging until full ends where it ends. Raises
    `LimitTooSmall`, `LimitTooLarge`, `LimitAboveOutlets`, `NothingToHold`.
    """
    match requested.kind:
        case LimitKind.FULL:
            limits = _until_full(terms, funds_minor)
        case LimitKind.ENERGY:
            limits = _by_energy(terms, requested.amount)
        case LimitKind.TIME:
            limits = _by_time(terms, requested.amount)
        case LimitKind.MONEY:
            limits = _by_money(terms, requested.amount)
    if terms.sold.metering is Metering.ESTIMATED:
        limits = _timed(terms, limits)
    estimated_s = pricing.time_for_energy(terms.rated_w, limits.estimated_wh)
    if limits.time_limit_s is not None and requested.kind in {LimitKind.TIME, LimitKind.FULL}:
        estimated_s = limits.time_limit_s
    estimate = Usage.steady(begin=terms.at, mwh=limits.estimated_wh * 1000, supply_s=estimated_s)
    return Quote(
        requested=requested,
        energy_limit_wh=limits.energy_limit_wh,
        time_limit_s=limits.time_limit_s,
        energy_cap_wh=limits.energy_cap_wh,
        price=terms.price,
        estimated_wh=limits.estimated_wh,
        estimated_s=estimated_s,
        estimated_minor=min(pricing.bill(terms.price, estimate).total_minor, limits.hold_minor),
        hold_minor=limits.hold_minor,
        sold=terms.sold,
        rated_w=terms.rated_w,
    )


def _until_full(terms: Terms, funds_minor: int | None) -> _Limits:
    most_wh = max(1, min(terms.most_wh, pricing.energy_for_time(terms.rated_w, terms.most_s)))
    most_s = terms.most_s
    if funds_minor is not None:
        # What may flow during the cut-off is held as well.
        most = (most_wh + terms.slack_wh, most_s + terms.cut_off_s)
        paid = pricing.affordable(terms.worst, funds_minor, terms.rated_w, most)
        if paid is None:
            raise NothingToHold
        most_wh, most_s = paid[0] - terms.slack_wh, paid[1] - terms.cut_off_s
    if most_wh <= 0 or most_s <= 0:
        raise NothingToHold
    return _Limits(
        energy_limit_wh=most_wh,
        time_limit_s=most_s,
        energy_cap_wh=most_wh,
        estimated_wh=min(most_wh, max(1, pricing.energy_for_time(terms.rated_w, most_s))),
        hold_minor=terms.most_minor(most_wh, most_s),
    )


def _by_energy(terms: Terms, wh: int) -> _Limits:
    _check_energy(terms, wh)
    time_limit_s = terms.outlet_s if terms.worst.timeless else min(terms.most_s, _patience_s(terms, wh))
    return _Limits(
        energy_limit_wh=wh,
        time_limit_s=time_limit_s,
        energy_cap_wh=wh,
        estimated_wh=wh,
        hold_minor=terms.most_minor(wh, time_limit_s or terms.most_s),
    )


def _by_time(terms: Terms, seconds: int) -> _Limits:
    if terms.outlet_s is not None and seconds > terms.outlet_s:
        raise LimitAboveOutlets(maximum=f"{terms.outlet_s // 60} min")
    # Not part of the agreement: only keeps the bill below the hold should the outlet give far too much.
    cap = min(terms.most_wh, pricing.most_energy_for_time(terms.rated_w, seconds))
    return _Limits(
        energy_limit_wh=None,
        time_limit_s=seconds,
        energy_cap_wh=cap,
        estimated_wh=min(cap, pricing.energy_for_time(terms.rated_w, seconds)),
        hold_minor=terms.most_minor(cap, seconds),
    )


def _timed(terms: Terms, limits: _Limits) -> _Limits:
    """Return limits for an outlet that only estimates energy: the time ends it in which that flows at the rated power.

    Nothing is charged by energy there, so no more can be billed than was to be held.
    """
    if limits.energy_limit_wh is None:
        return limits
    seconds = pricing.time_for_energy(terms.rated_w, limits.energy_limit_wh)
    timed = _by_time(terms, min(seconds, limits.time_limit_s or terms.most_s))
    return replace(timed, hold_minor=min(timed.hold_minor, limits.hold_minor))


def _by_money(terms: Terms, minor: int) -> _Limits:
    worst = terms.worst
    paid = pricing.affordable(worst, minor, terms.rated_w, (MOST_WH + 1, terms.most_s))
    if paid is None:
        if not worst.cost(0, 0):
            raise LimitTooSmall
        least = math.ceil(worst.cost(1, pricing.time_for_energy(terms.rated_w, 1)))
        raise LimitBelowFees(least=Amount(least, terms.price.currency))
    bought, seconds = paid
    most = worst.max_minor
    if most is not None and minor >= most:
        # More cannot be asked for: all that one session may be is paid with it.
        bought = min(bought, terms.most_wh)
    if bought > MOST_WH:
        raise LimitTooLarge(maximum=f"{MOST_WH // 1000} kWh")
    _check_energy(terms, bought)
    return _Limits(
        energy_limit_wh=bought,
        time_limit_s=terms.outlet_s if worst.timeless else seconds,
        energy_cap_wh=bought,
        estimated_wh=bought if worst.timeless else min(bought, pricing.energy_for_time(terms.rated_w, seconds)),
        # The driver said how much it may cost: what flows during the cut-off is the operator's.
        hold_minor=minor if most is None else min(minor, most),
    )


def _patience_s(terms: Terms, wh: int) -> int:
    """Return how long energy may take where time is paid for too: twice as long as at the rated power and 30 min.

    Without such an end, a whole day would have to be held for a car that takes its energy in an hour.
    """
    return 2 * pricing.time_for_energy(terms.rated_w, wh) + 1800


def _check_energy(terms: Terms, wh: int) -> None:
    if terms.outlet_wh is not None and wh > terms.outlet_wh:
        raise LimitAboveOutlets(maximum=f"{Decimal(terms.outlet_wh) / 1000:f} kWh")
