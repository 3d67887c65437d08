"""Finding the windows of a day ([0175] to [0177]). Pure: the same slots and the same rule give the same windows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from konsento.grid.records import BalanceSlot
from konsento.grid.rule import TRAILING_DAYS, ReferenceMode, Rule, ThresholdUnit

LEAST_HISTORY_DAYS: Final = 3
"""With less history automatic references look at the day itself, and the result says so."""
MAY_BE_UNTOLD: Final = 8
"""An eighth of a day: where more is untold the day is none to look back on, and nothing is decided of it."""
_ZERO: Final = Decimal(0)


class Verdict(StrEnum):
    """What the rule says of a slot."""

    OK = "ok"
    BELOW_SURPLUS = "below_surplus"
    BELOW_THRESHOLD = "below_threshold"
    BELOW_BOTH = "below_both"
    UNKNOWN = "unknown"
    """The source does not tell what the rule asks for."""
    MISSING = "missing"


class Reason(StrEnum):
    """Why a day has no window."""

    NO_DATA = "no_data"
    NOTHING_TOLD = "nothing_told"
    """No slot tells what the rule asks for: a file has not come yet, or the rule does not fit the sources."""
    TOO_MUCH_MISSING = "too_much_missing"
    """More than an eighth of the day is missing, or does not tell what the rule asks for."""
    NEVER_SURPLUS = "never_surplus"
    NEVER_FIRST_TYPE = "never_first_type"
    NEVER_BOTH = "never_both"
    """Each at times, never both at once."""
    TOO_SHORT = "too_short"


_UNTOLD: Final = frozenset({Reason.NO_DATA, Reason.NOTHING_TOLD, Reason.TOO_MUCH_MISSING})


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A slot and what the rule says of it."""

    begin: datetime
    end: datetime
    verdict: Verdict
    surplus: Decimal | None = None
    """Percent of demand."""
    share: Decimal | None = None
    """Of the first type in supply, 0 to 1."""
    first_mw: Decimal | None = None
    above: Decimal = _ZERO
    """Energy of the first type above the threshold, kWh; where a source tells only shares, share times hours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundWindow:
    """A window that was found."""

    begin: datetime
    """UTC."""
    end: datetime
    score: Decimal
    """Sum of `Judged.above` over the slots that fulfil the rule: the more, the better."""
    surplus_most: Decimal | None
    """Percent."""
    share_most: Decimal | None
    """0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found in a day, and how."""

    windows: tuple[FoundWindow, ...]
    """In order of time."""
    judged: tuple[Judged, ...]
    """All slots of the day in order, also those that are missing."""
    reference_percent: Decimal | None
    """What supply had to exceed demand by; None where that was not asked, or could not be told."""
    threshold_mw: Decimal | None
    """What the first type had to generate, where the rule says MW or percent of the peak; None where it is a share."""
    threshold_share: Decimal | None
    """The share that the first type had to have, 0 to 1, where the rule says a share or a source tells only shares."""
    history_days: int
    """Days that automatic references looked back on; 0: at the day itself, or the rule has no automatic reference."""
    reason: Reason | None
    """Why there is no window; None where there is one."""

    @property
    def missing(self) -> int:
        """How many slots of the day are missing."""
        return sum(one.verdict is Verdict.MISSING for one in self.judged)

    @property
    def told_enough(self) -> bool:
        """Whether the day's slots tell what the rule asks for; where not, that there is no window says nothing."""
        return self.reason not in _UNTOLD


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a slot must reach: the numbers to which a rule comes on a day."""

    reference: Decimal | None
    """Percent of demand by which supply must exceed it; None where that is not asked, or cannot be told."""
    mw: Decimal | None = None
    share: Decimal | None = None
    days: int = 0
    """Days that were looked back on for them; 0: the day itself, or nothing automatic."""


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return when a day by a region's clock begins and ends, UTC: 23 to 25 hours."""
    zone = ZoneInfo(time_zone)
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return begin.astimezone(UTC), end.astimezone(UTC)


def find(
    slots: Iterable[BalanceSlot],
    rule: Rule,
    day: date,
    time_zone: str,
    history: Sequence[BalanceSlot] = (),
    *,
    bar: Bar | None = None,
) -> Found:
    """Return the windows of a day.

    `slots` may hold more than that day; a slot belongs to the day in which it begins. `history` may hold more than the
    `rule.TRAILING_DAYS` days before it, which count for automatic references as far as they are told (`MAY_BE_UNTOLD`).
    `bar` are the numbers to which those came before, instead of a history. Slots that overlap an earlier one are passed
    over.
    """
    begin, end = day_bounds(day, time_zone)
    told = sorted((slot for slot in slots if begin <= slot.begin < end), key=lambda slot: slot.begin)
    if not told:
        return Found(
            windows=(),
            judged=(),
            reference_percent=None,
            threshold_mw=None,
            threshold_share=None,
            history_days=0,
            reason=Reason.NO_DATA,
        )
    bar = bar or _bar_of(rule, told, history, day, time_zone)
    asks_surplus = rule.reference.mode is not ReferenceMode.NONE
    judged = tuple(_judge_all(told, bar, (begin, end), asks_surplus=asks_surplus))
    untold = _why_untold(judged)
    runs = list(_runs(judged, rule.gap_slots)) if untold is None else []
    long_enough = [run for run in runs if run[-1].end - run[0].begin >= timedelta(minutes=rule.shortest_minutes)]
    windows = sorted((_window(run) for run in long_enough), key=_rank)[: rule.most_a_day]
    return Found(
        windows=tuple(sorted(windows, key=lambda window: window.begin)),
        judged=judged,
        reference_percent=bar.reference,
        threshold_mw=bar.mw,
        threshold_share=bar.share,
        history_days=bar.days,
        reason=untold or (None if windows else _reason(judged, short=bool(runs))),
    )


def percentile(values: Iterable[Decimal], percent: Decimal) -> Decimal | None:
    """Return a percentile, between two values in proportion (definition 7 of Hyndman and Fan); None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def first_mw(slot: BalanceSlot) -> Decimal | None:
    """Return the mean power of the first type in a slot, MW; None if not told."""
    return None if slot.first_kwh is None else Decimal(slot.first_kwh) * 60 / slot.minutes / 1000


def _bar_of(rule: Rule, told: Sequence[BalanceSlot], history: Sequence[BalanceSlot], day: date, time_zone: str) -> Bar:
    asks_surplus = rule.reference.mode is ReferenceMode.AUTO
    asks_peak = rule.threshold.unit is ThresholdUnit.PEAK
    if not asks_surplus and not asks_peak:
        return _bar(rule, told, 0)
    zone, since = ZoneInfo(time_zone), day - timedelta(days=TRAILING_DAYS)
    by_day: defaultdict[date, list[BalanceSlot]] = defaultdict(list)
    for slot in history:
        has_surplus = slot.supply_kwh is not None and slot.demand_kwh
        has_first = slot.first_kwh is not None or slot.first_share is not None
        if (has_surplus or not asks_surplus) and (has_first or not asks_peak):
            by_day[slot.begin.astimezone(zone).date()].append(slot)
    whole = [slots for one, slots in by_day.items() if since <= one < day and _is_told(slots, one, time_zone)]
    if len(whole) < LEAST_HISTORY_DAYS:
        return _bar(rule, told, 0)
    return _bar(rule, [slot for slots in whole for slot in slots], len(whole))


def _is_told(slots: Sequence[BalanceSlot], day: date, time_zone: str) -> bool:
    begin, end = day_bounds(day, time_zone)
    untold = end - begin - timedelta(minutes=sum(slot.minutes for slot in slots))
    return untold <= (end - begin) / MAY_BE_UNTOLD


def _bar(rule: Rule, basis: Sequence[BalanceSlot], days: int) -> Bar:
    reference: Decimal | None = None
    if rule.reference.mode is ReferenceMode.PERCENT:
        reference = rule.reference.value
    elif rule.reference.mode is ReferenceMode.AUTO:
        reference = percentile((s for slot in basis if (s := slot.surplus_percent) is not None), rule.reference.value)
    wanted = rule.threshold.value
    if rule.threshold.unit is ThresholdUnit.MW:
        return Bar(reference=reference, mw=wanted, days=days)
    if rule.threshold.unit is ThresholdUnit.SHARE:
        return Bar(reference=reference, share=wanted / 100, days=days)
    # A peak of nothing is none: every hour of the night would reach its part of it.
    if peak := max((p for slot in basis if (p := first_mw(slot)) is not None), default=None):
        return Bar(reference=reference, mw=peak * wanted / 100, days=days)
    if highest := max((slot.first_share for slot in basis if slot.first_share is not None), default=None):
        return Bar(reference=reference, share=highest * wanted / 100, days=days)
    return Bar(reference=reference, days=days)


def _judge_all(
    told: Sequence[BalanceSlot], bar: Bar, day: tuple[datetime, datetime], *, asks_surplus: bool
) -> Iterator[Judged]:
    # A hole is as many slots as fit into it, of the day's shortest length.
    step = timedelta(minutes=min(slot.minutes for slot in told))
    at, end = day
    for slot in told:
        if slot.begin < at:
            continue
        yield from _hole(at, slot.begin, step)
        yield _judge(slot, bar, asks_surplus=asks_surplus)
        at = slot.end
    yield from _hole(at, end, step)


def _hole(begin: datetime, end: datetime, step: timedelta) -> Iterator[Judged]:
    while begin < end:
        until = min(begin + step, end)
        yield Judged(begin=begin, end=until, verdict=Verdict.MISSING)
        begin = until


def _judge(slot: BalanceSlot, bar: Bar, *, asks_surplus: bool) -> Judged:
    surplus, share, power = slot.surplus_percent, slot.share, first_mw(slot)
    above = _above(slot, bar, share, power)
    if above is None or (asks_surplus and (surplus is None or bar.reference is None)):
        verdict = Verdict.UNKNOWN
    else:
        enough = not asks_surplus or (surplus is not None and bar.reference is not None and surplus >= bar.reference)
        renewable = above >= 0
        verdict = {
            (True, True): Verdict.OK,
            (False, True): Verdict.BELOW_SURPLUS,
            (True, False): Verdict.BELOW_THRESHOLD,
            (False, False): Verdict.BELOW_BOTH,
        }[enough, renewable]
    return Judged(
        begin=slot.begin,
        end=slot.end,
        verdict=verdict,
        surplus=surplus,
        share=share,
        first_mw=power,
        above=above if above is not None else _ZERO,
    )


def _above(slot: BalanceSlot, bar: Bar, share: Decimal | None, power: Decimal | None) -> Decimal | None:
    """Return by how much a slot is above the threshold; None where that cannot be told."""
    if bar.mw is not None:
        return None if power is None else (power - bar.mw) * slot.minutes * 1000 / 60
    if bar.share is None or share is None:
        return None
    if slot.first_kwh is not None and slot.supply_kwh is not None:
        return slot.first_kwh - bar.share * slot.supply_kwh
    return (share - bar.share) * slot.minutes / 60


def _runs(judged: Sequence[Judged], gap: int) -> Iterator[list[Judged]]:
    """Return the stretches that fulfil the rule, each from a slot that does to a slot that does."""
    run: list[Judged] = []
    skipped: list[Judged] = []
    for one in judged:
        if one.verdict is Verdict.OK:
            run += [*skipped, one] if run else [one]
            skipped = []
        elif run:
            skipped.append(one)
            if len(skipped) > gap:
                yield run
                run, skipped = [], []
    if run:
        yield run


def _window(run: Sequence[Judged]) -> FoundWindow:
    fulfil = [one for one in run if one.verdict is Verdict.OK]
    return FoundWindow(
        begin=run[0].begin,
        end=run[-1].end,
        score=sum((one.above for one in fulfil), _ZERO),
        surplus_most=max((one.surplus for one in fulfil if one.surplus is not None), default=None),
        share_most=max((one.share for one in fulfil if one.share is not None), default=None),
    )


def _rank(window: FoundWindow) -> tuple[Decimal, Decimal, datetime]:
    return -window.score, -(window.surplus_most or _ZERO), window.begin


def _why_untold(judged: Sequence[Judged]) -> Reason | None:
    told = [one for one in judged if one.verdict not in {Verdict.UNKNOWN, Verdict.MISSING}]
    if not told:
        return Reason.NOTHING_TOLD
    day = judged[-1].end - judged[0].begin
    untold = day - sum((one.end - one.begin for one in told), timedelta())
    return Reason.TOO_MUCH_MISSING if untold > day / MAY_BE_UNTOLD else None


def _reason(judged: Sequence[Judged], *, short: bool) -> Reason:
    if short:
        return Reason.TOO_SHORT
    verdicts = {one.verdict for one in judged}
    surplus, first_type = Verdict.BELOW_THRESHOLD in verdicts, Verdict.BELOW_SURPLUS in verdicts
    if surplus and first_type:
        return Reason.NEVER_BOTH
    return Reason.NEVER_FIRST_TYPE if surplus else Reason.NEVER_SURPLUS
