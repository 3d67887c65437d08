"""What a session will cost at most and about, before it is started."""

from dataclasses import dataclass
from decimal import Decimal

from konsento import pricing
from konsento.catalogue.service import Offer
from konsento.charging.enforcement import cut_off_s
from konsento.charging.errors import LimitAboveOutlets, LimitTooLarge, LimitTooSmall, NothingToHold
from konsento.charging.limits import MOST_S, MOST_WH, RequestedLimit
from konsento.charging.sold import Sold, sold_by, sold_in
from konsento.models import ChargingSession, LimitKind, Metering, Outlet
from konsento.pricing import Price


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What every session at an outlet is subject to."""

    price: Price
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


def terms_of(offer: Offer, outlet: Outlet) -> Terms:
    """Return the terms that a new session that takes an offer at an outlet, its site loaded, would have."""
    tariff = offer.tariff
    return Terms(
        price=Price(unit_price=tariff.unit_price, currency=tariff.currency, tax_rate=tariff.tax_rate),
        sold=sold_by(offer),
        rated_w=outlet.rated_w,
        outlet_wh=outlet.most_wh,
        outlet_s=outlet.most_s,
        cut_off_s=cut_off_s(ours=outlet.site.ours),
    )


def agreed_price(charging: ChargingSession) -> Price:
    """Return the price that a session has, whatever has become of the tariff."""
    return Price(unit_price=charging.unit_price, currency=charging.currency, tax_rate=charging.tax_rate)


def agreed_terms(charging: ChargingSession) -> Terms:
    """Return the terms that a session has, its outlet and site loaded: the price is the one that was agreed."""
    return Terms(
        price=agreed_price(charging),
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
    unit_price: Decimal
    """Per kWh in major units, tax included."""
    currency: str
    tax_rate: Decimal
    estimated_wh: int
    """Energy, by the limit or at the rated power; until full, the most that it can be."""
    estimated_s: int
    """Time, by the limit or at the rated power; until full, the most that it can be."""
    estimated_minor: int
    """Price of the estimated energy."""
    hold_minor: int
    """The most that can be billed; held until the bill is made."""
    sold: Sold
    rated_w: int


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
        case LimitKind.ENERGY if terms.sold.metering is Metering.ESTIMATED:
            limits = _by_time_for_energy(terms, requested.amount)
        case LimitKind.ENERGY:
            limits = _by_energy(terms, requested.amount)
        case LimitKind.TIME:
            limits = _by_time(terms, requested.amount)
        case LimitKind.MONEY:
            limits = _by_money(terms, requested.amount)
    estimated_s = pricing.time_for_energy(terms.rated_w, limits.estimated_wh)
    if limits.time_limit_s is not None and requested.kind in {LimitKind.TIME, LimitKind.FULL}:
        estimated_s = limits.time_limit_s
    return Quote(
        requested=requested,
        energy_limit_wh=limits.energy_limit_wh,
        time_limit_s=limits.time_limit_s,
        energy_cap_wh=limits.energy_cap_wh,
        unit_price=terms.price.unit_price,
        currency=terms.price.currency,
        tax_rate=terms.price.tax_rate,
        estimated_wh=limits.estimated_wh,
        estimated_s=estimated_s,
        estimated_minor=min(pricing.bill(terms.price, limits.estimated_wh).total_minor, limits.hold_minor),
        hold_minor=limits.hold_minor,
        sold=terms.sold,
        rated_w=terms.rated_w,
    )


def _until_full(terms: Terms, funds_minor: int | None) -> _Limits:
    slack = terms.slack_wh
    most_wh = max(1, min(terms.most_wh, pricing.energy_for_time(terms.rated_w, terms.most_s)))
    affordable = pricing.wh_for_money(terms.price, funds_minor) if funds_minor is not None else None
    if affordable is not None:
        # What may flow during the cut-off is held as well.
        most_wh = min(most_wh, affordable - slack)
    if most_wh <= 0:
        raise NothingToHold
    return _Limits(
        energy_limit_wh=most_wh,
        time_limit_s=terms.most_s,
        energy_cap_wh=most_wh,
        estimated_wh=most_wh,
        hold_minor=pricing.bill(terms.price, most_wh + slack).total_minor,
    )


def _by_energy(terms: Terms, wh: int) -> _Limits:
    _check_energy(terms, wh)
    return _Limits(
        energy_limit_wh=wh,
        time_limit_s=terms.outlet_s,
        energy_cap_wh=wh,
        estimated_wh=wh,
        hold_minor=pricing.bill(terms.price, wh + terms.slack_wh).total_minor,
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
        hold_minor=pricing.bill(terms.price, cap + terms.slack_wh).total_minor,
    )


def _by_time_for_energy(terms: Terms, wh: int) -> _Limits:
    """Where energy is only estimated it ends nothing: the time does in which it flows at the rated power."""
    _check_energy(terms, wh)
    seconds = pricing.time_for_energy(terms.rated_w, wh)
    if seconds > terms.most_s:
        most_wh = pricing.energy_for_time(terms.rated_w, terms.most_s)
        raise LimitAboveOutlets(maximum=f"{Decimal(most_wh) / 1000:f} kWh")
    return _by_time(terms, seconds)


def _by_money(terms: Terms, minor: int) -> _Limits:
    bought = pricing.wh_for_money(terms.price, minor)
    if bought == 0:
        raise LimitTooSmall
    if bought is None or bought > MOST_WH:
        raise LimitTooLarge(maximum=f"{MOST_WH // 1000} kWh")
    _check_energy(terms, bought)
    return _Limits(
        energy_limit_wh=bought,
        time_limit_s=terms.outlet_s,
        energy_cap_wh=bought,
        estimated_wh=bought,
        # The driver said how much it may cost: what flows during the cut-off is the operator's.
        hold_minor=minor,
    )


def _check_energy(terms: Terms, wh: int) -> None:
    if terms.outlet_wh is not None and wh > terms.outlet_wh:
        raise LimitAboveOutlets(maximum=f"{Decimal(terms.outlet_wh) / 1000:f} kWh")
