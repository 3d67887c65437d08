"""A region's rule, what was decided by it and why, in words."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from konsento.backoffice.words import found_in
from konsento.grid.decisions import OVER, STALE, Outcome
from konsento.grid.finding import Reason, Verdict
from konsento.grid.records import Supply
from konsento.grid.rule import ReferenceMode, Rule, ThresholdUnit
from konsento.kit.i18n import NBSP, Language, marked
from konsento.pricing.price import plain

MODES: Final[Mapping[str, str]] = {
    ReferenceMode.PERCENT: marked("a percentage of demand"),
    ReferenceMode.AUTO: marked("a percentile of the region's last 30 days"),
    ReferenceMode.NONE: marked("not asked"),
}
UNITS: Final[Mapping[str, str]] = {
    ThresholdUnit.MW: "MW",
    ThresholdUnit.SHARE: marked("% of supply"),
    ThresholdUnit.PEAK: marked("% of the region's highest of the last 30 days"),
}
SUPPLIES: Final[Mapping[str, str]] = {
    Supply.GENERATION: marked("what is generated in the region"),
    Supply.CAPACITY: marked("what could be supplied (capacity)"),
    Supply.BALANCE: marked("generation with exchange and storage (balance)"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.NEW: marked("new windows"),
    Outcome.SAME: marked("the same windows"),
    Outcome.CHANGED: marked("changed windows"),
    Outcome.WITHDRAWN: marked("windows withdrawn"),
    Outcome.NONE: marked("no windows"),
    Outcome.UNDECIDED: marked("not decided"),
}
TONES: Final[Mapping[str, str]] = {
    Outcome.NEW: "", Outcome.SAME: "off", Outcome.CHANGED: "wait",
    Outcome.WITHDRAWN: "bad", Outcome.NONE: "off", Outcome.UNDECIDED: "bad",
}  # fmt: skip
REASONS: Final[Mapping[str, str]] = {
    Reason.NO_DATA: marked("no data of the day have come"),
    Reason.NOTHING_TOLD: marked("the data do not tell what the rule asks for"),
    Reason.TOO_MUCH_MISSING: marked("more than an eighth of the day is missing"),
    Reason.NEVER_SURPLUS: marked("the surplus is never large enough"),
    Reason.NEVER_FIRST_TYPE: marked("renewable power never reaches the threshold"),
    Reason.NEVER_BOTH: marked("surplus and renewable power are never enough at the same time"),
    Reason.TOO_SHORT: marked("all were shorter than the shortest window"),
    STALE: marked("the data are too old"),
    OVER: marked("what was found was over before anybody could be told"),
}
VERDICTS: Final[Mapping[str, str]] = {
    Verdict.OK: marked("fulfils the rule"),
    Verdict.BELOW_SURPLUS: marked("too little surplus"),
    Verdict.BELOW_THRESHOLD: marked("too little renewable power"),
    Verdict.BELOW_BOTH: marked("too little of both"),
    Verdict.UNKNOWN: marked("not told"),
    Verdict.MISSING: marked("missing"),
}


def choices(language: Language, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return words with what they are called, for a list to choose from."""
    return [(word, language.text(name)) for word, name in words.items()]


def reason(language: Language, word: str | None) -> str:
    """Return why there is no window; empty where there is one."""
    return found_in(language, REASONS, word) if word else ""


def rule_lines(language: Language, rule: Rule) -> list[tuple[str, str]]:
    """Return a rule in rows to read."""
    return [
        (language.text("Supply exceeds demand by"), _reference(language, rule)),
        (language.text("Renewable power is at least"), _threshold(language, rule)),
        (language.text("Supply is"), language.text(SUPPLIES[rule.supply])),
        (language.text("Shortest window"), language.duration(rule.shortest_minutes * 60)),
        (language.text("Slots bridged"), language.number(rule.gap_slots)),
        (language.text("Windows a day"), language.text("at most {count}", count=rule.most_a_day)),
    ]


def written(rule: Rule) -> dict[str, str]:
    """Return a rule as the log keeps it."""
    mode = rule.reference.mode
    return {
        "surplus": str(mode) if mode is ReferenceMode.NONE else f"{mode} {plain(rule.reference.value)}",
        "threshold": f"{rule.threshold.unit} {plain(rule.threshold.value)}",
        "supply": str(rule.supply),
        "shortest": f"{rule.shortest_minutes} min",
        "gap": str(rule.gap_slots),
        "most": str(rule.most_a_day),
    }


def percent(language: Language, value: Decimal | None, digits: int = 2) -> str:
    """Return a number of percent; a dash for none."""
    return "–" if value is None else f"{rounded(language, value, digits)}{NBSP}%"


def mw(language: Language, value: Decimal | None) -> str:
    """Return a power; a dash for none."""
    return "–" if value is None else f"{rounded(language, value, 1)}{NBSP}MW"


def threshold(language: Language, megawatts: Decimal | None, share: Decimal | None) -> str:
    """Return what the threshold came to, of which one number is known."""
    if megawatts is not None:
        return mw(language, megawatts)
    return percent(language, share * 100 if share is not None else None)


def rounded(language: Language, value: Decimal, digits: int) -> str:
    """Return a number with so many decimals, to the nearest: these are forecasts, not a meter."""
    return language.number(value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN), digits)


def clock_span(language: Language, begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return a window by the region's clock; one that ends with the day ends at 24:00."""
    last = end.astimezone(zone)
    midnight = last.date() > begin.astimezone(zone).date() and last.time() == time()
    return f"{language.clock(begin, zone)}–{'24:00' if midnight else language.clock(end, zone)}"


def spans(language: Language, windows: Iterable[tuple[datetime, datetime]], zone: ZoneInfo) -> str:
    """Return windows by the region's clock; a dash for none."""
    return ", ".join(clock_span(language, begin, end, zone) for begin, end in windows) or "–"


def _reference(language: Language, rule: Rule) -> str:
    match rule.reference.mode:
        case ReferenceMode.NONE:
            return language.text(MODES[ReferenceMode.NONE])
        case ReferenceMode.PERCENT:
            return language.text("{value} % of demand", value=rule.reference.value)
        case ReferenceMode.AUTO:
            return language.text("percentile {value} of the region's last 30 days", value=rule.reference.value)


def _threshold(language: Language, rule: Rule) -> str:
    unit = language.text(UNITS[rule.threshold.unit])
    return f"{language.number(rule.threshold.value, _digits(rule.threshold.value))}{NBSP}{unit}"


def _digits(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))
