"""By which rules a session earns points: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from konsento.grid.windows import Window, energy_inside
from konsento.models import POINTS, ChargingSession, PointRule
from konsento.pricing import Band, Component, Price, Rate, Tally, Usage
from konsento.pricing.schedule import Schedule
from konsento.rewards.facts import Place, place_of
from konsento.rewards.power import lineage

_MWH_PER_KWH = 1_000_000


def fits(rule: PointRule, place: Place) -> bool:
    """Tell whether a rule is about what is sold there."""
    return (
        (not rule.power_type or rule.power_type in lineage(place.power_type))
        and rule.tariff_name in {"", place.tariff_name}
        and rule.supplier_code in {"", place.supplier_code}
        and (not rule.in_windows or place.region is not None)
    )


def points_of(
    rules: Iterable[PointRule], charging: ChargingSession, usage: Usage, windows: Sequence[Window] = ()
) -> int:
    """Return the points that a session, its site loaded, earns: what its rules give together, rounded down once.

    The rules that held when the driver agreed count, however long the session was. `windows` are those of the site's
    region that were in force.
    """
    place, time_zone = place_of(charging), charging.outlet.site.time_zone
    return int(
        sum(
            (
                Fraction(rule.points_per_kwh) * energy_in(rule, usage, time_zone, windows) / _MWH_PER_KWH
                for rule in rules
                if rule.valid_from <= charging.created_at
                and (rule.valid_to is None or charging.created_at < rule.valid_to)
                and fits(rule, place)
            ),
            Fraction(0),
        )
    )


def band_of(rule: PointRule) -> Band | None:
    """Return the hours of a rule; None for the whole day."""
    if rule.from_minute is None or rule.to_minute is None:
        return None
    return Band(from_minute=rule.from_minute, to_minute=rule.to_minute)


def energy_in(rule: PointRule, usage: Usage, time_zone: str, windows: Sequence[Window] = ()) -> Fraction:
    """Return the energy of a usage that falls into the hours of a rule, and into windows where it asks for them, mWh.

    Exact: what flows across an edge is shared out by time.
    """
    # Counted as a price would count it, to the day on which the clocks are set.
    rate = Rate(component=Component.ENERGY, price=rule.points_per_kwh, band=band_of(rule))
    hours = Price(currency=POINTS, tax_rate=Decimal(0), rates=(rate,), time_zone=time_zone)
    if not rule.in_windows:
        return Fraction(Tally.of(hours, usage).used.get(0, 0))
    schedule = Schedule(hours)
    return energy_inside(
        usage,
        [
            replace(window, begin=span.begin, end=span.until)
            for window in windows
            for span in schedule.spans(Component.ENERGY, window.begin, window.end)
            if span.rate is not None
        ],
    )
