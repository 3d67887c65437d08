"""From the readings that count to what is billed: energy, seconds of supply and standing idle. Pure.

Seconds of supply are those that the site counts: they stand still while the outlet has paused supply. Where a station
counts none, those between two readings are taken.
The car stands idle where less flows than a charger on standby takes. Meters of whole Wh show such a charger as a Wh now
and then, so it is the average since energy last flowed that decides.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from konsento.pricing import Part, Usage
from konsento.settlement.measurement import Measurement, Point, Reading

STANDBY_MW: Final = 40_000
"""40 W: 20 Wh in half an hour."""
DRAWN_MWH: Final = 20_000
"""When so much has flowed, the average begins anew."""
STEP_MWH: Final = 1_000
"""The least by which some registers rise."""
CLOCK_SET: Final = timedelta(days=2)
"""No charging lasts so long: between two readings that are further apart the site's clock was set."""


class Drawn(NamedTuple):
    """What has flowed since the average began."""

    mwh: int = 0
    supply_s: int = 0


def usage_of(measured: Measurement, events: Sequence[Reading]) -> Usage | None:
    """Return what a session used by its meter events, in any order; None where there is not one."""
    ordered = sorted(events, key=lambda event: event.seq_no)
    if not ordered:
        return None
    # Where no energy was ever told there is time to be billed all the same.
    first = measured.first or Point(0, ordered[0].at, 0)
    last = measured.last or first
    parts, _ = parts_of(measured)
    supply_s = max((event.seconds for event in ordered if event.seconds is not None), default=0)
    if last.seconds is not None and supply_s > last.seconds:
        # After the last reading: whether the car drew then nobody knows, so it did not stand idle.
        end = Point(last.mwh, ordered[-1].at, supply_s)
        parts.append(_part(last, end, idle=False))
    return Usage(begin=first.at, parts=tuple(parts))


def parts_of(measured: Measurement) -> tuple[list[Part], Drawn]:
    """Return what was used between the readings that count, and what the next one goes on from."""
    parts, drawn = [], Drawn()
    for before, after in pairwise(measured.points):
        part, drawn = part_between(before, after, drawn)
        parts.append(part)
    return parts, drawn


def part_between(before: Point, after: Point, drawn: Drawn) -> tuple[Part, Drawn]:
    """Return what was used between two readings that count one after the other, and what the next one goes on from."""
    part = _part(before, after, idle=False)
    if (part.mwh - STEP_MWH) * 3600 >= STANDBY_MW * part.supply_s:
        return part, Drawn()
    since = Drawn(drawn.mwh + part.mwh, drawn.supply_s + part.supply_s)
    idle = since.mwh * 3600 < STANDBY_MW * since.supply_s
    return _part(before, after, idle=idle), since if since.mwh < DRAWN_MWH else Drawn()


def _part(before: Point, after: Point, *, idle: bool) -> Part:
    begin, end = before.at, after.at
    if not timedelta(0) <= end - begin <= CLOCK_SET:
        begin = end
    if before.seconds is not None and after.seconds is not None:
        supply_s = after.seconds - before.seconds
    else:
        supply_s = int((end - begin).total_seconds())
    return Part(begin=begin, end=end, mwh=after.mwh - before.mwh, supply_s=max(0, supply_s), idle=idle)
