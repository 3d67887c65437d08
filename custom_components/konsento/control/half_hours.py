"""Energy by half hours of the clock (UTC), as the meter told it. All in integers: not a mWh comes or goes."""

from collections.abc import Sequence
from datetime import UTC, datetime

HALF_HOUR_S = 1800
_LONGEST_S = 48 * 3600
"""What flowed while nobody read for longer than this is spread over the last part: somebody has set the clock."""
_MOST = 336
"""Half hours that one session may have: a week. One that has more is not split."""

type HalfHours = tuple[tuple[int, int], ...]
"""(number of the half hour since 1970, mWh), rising."""


def half_hour_of(at: datetime) -> int:
    """Return the number of the half hour that a time lies in."""
    return int(at.timestamp()) // HALF_HOUR_S


def begin_of(half_hour: int) -> datetime:
    """Return when a half hour begins."""
    return datetime.fromtimestamp(half_hour * HALF_HOUR_S, UTC)


def added(known: HalfHours, mwh: int, since: datetime, until: datetime) -> HalfHours:
    """Add what flowed between two readings, evenly over the time between them."""
    if mwh <= 0:
        return known
    end = int(until.timestamp())
    begin = min(end, max(int(since.timestamp()), end - _LONGEST_S))
    # The usual case: both readings in one half hour.
    numbers = range(begin // HALF_HOUR_S, max(begin, end - 1) // HALF_HOUR_S + 1)
    seconds = [min(end, (each + 1) * HALF_HOUR_S) - max(begin, each * HALF_HOUR_S) for each in numbers]
    energy = dict(known)
    for number, share in zip(numbers, divided(mwh, seconds), strict=True):
        if share:
            energy[number] = energy.get(number, 0) + share
    return tuple(sorted(energy.items())) if len(energy) <= _MOST else ()


def divided(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a whole number in proportion to weights by largest remainders; the shares add up to it exactly."""
    whole = sum(weights)
    if whole == 0:
        return [total, *(0 for _ in weights[1:])]
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda each: -(total * weights[each] % whole))
    for each in by_remainder[: total - sum(shares)]:
        shares[each] += 1
    return shares


def within(known: HalfHours, start: datetime, end: datetime) -> HalfHours:
    """Return it with what lies outside a time moved into its first or last half hour; `end` is not part of the time."""
    first = half_hour_of(start)
    last = max(first, (int(end.timestamp()) - 1) // HALF_HOUR_S)
    energy: dict[int, int] = {}
    for number, mwh in known:
        inside = min(max(number, first), last)
        energy[inside] = energy.get(inside, 0) + mwh
    return tuple(sorted(energy.items()))
