"""What a driver is told, in words: honest about being a forecast, short enough for a phone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from functools import reduce
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from konsento.advice.fits import kwh_that_fit
from konsento.advice.policy import LEFT, PATIENCE
from konsento.grid.records import FirstType, Supply
from konsento.grid.regions import name_of
from konsento.grid.rule import Rule
from konsento.grid.windows import Window
from konsento.kit.i18n import NBSP, Language, marked
from konsento.models import AdviceKind, GridRegion, WindowDecision

SETTINGS_PATH: Final = "/account/advice"
_SOURCES: Final = {
    FirstType.SOLAR: marked("the sun"),
    FirstType.WIND_SOLAR: marked("sun and wind"),
    FirstType.RENEWABLE: marked("renewable sources"),
}
_FIRST: Final = 7
"""Where a stored slot says what its power of the first type is (`grid.decisions`)."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is told of a region's day."""

    kind: AdviceKind
    region: GridRegion
    now: datetime
    windows: tuple[Window, ...]
    """That are in force; none in the morning: withdrawn."""
    told: tuple[Window, ...] = ()
    """What was told the evening before; none in the evening."""
    source: FirstType | None = None
    """What the first type of power is; None where the data tell none."""
    surplus_is_real: bool = False
    """Whether supply exceeding demand means that more is generated than is needed there."""

    @property
    def zone(self) -> ZoneInfo:
        """The region's clock."""
        return ZoneInfo(self.region.time_zone)

    def ahead(self) -> Facts:
        """Return what of it still helps somebody who reads it now."""
        coming = (window for window in self.windows if window.end - self.now >= min(LEFT, window.end - window.begin))
        return replace(self, windows=tuple(coming))


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """Where a driver charged last."""

    rated_w: int
    volts: int
    worth: tuple[str, ...] = ()
    """Sentences about what the operator grants there in the windows."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message without its way to the driver."""

    subject: str
    paragraphs: tuple[str, ...]
    short: str
    """What a phone shows below the subject."""
    says: str
    """What its one button says."""
    path: str
    """Where that leads."""

    def of_message(self, token: str) -> Letter:
        """Return it with a link that tells from which message somebody comes."""
        return replace(self, path=f"{self.path}&m={token}")


def facts_of(
    kind: AdviceKind,
    region: GridRegion,
    decision: WindowDecision,
    windows: Sequence[Window],
    *,
    told: Sequence[Window],
    now: datetime,
) -> Facts:
    """Return what is told of windows that a decision put in force."""
    words = {row[_FIRST] for row in decision.inputs.get("slots", ()) if row[_FIRST]}
    return Facts(
        kind=kind,
        region=region,
        now=now,
        windows=tuple(windows),
        told=tuple(told),
        source=FirstType(min(words)) if len(words) == 1 else FirstType.RENEWABLE if words else None,
        surplus_is_real=Rule.from_dict(decision.rule).supply is Supply.GENERATION,
    )


def advice(language: Language, facts: Facts, outlet: Outlet) -> Letter:
    """Return the letter about windows that are in force, or were withdrawn."""
    text = language.text
    path = _path(facts)
    if not facts.windows:
        withdrawn = text(
            "The forecast has changed since last evening: {times} is no longer a particularly good time. You can charge"
            " as always.",
            times=times(language, facts.told, facts.zone),
        )
        return Letter(
            subject=text("Withdrawn: the good time to charge today"),
            paragraphs=(withdrawn,),
            short=withdrawn,
            says=text("See the forecast"),
            path=path,
        )
    short = (fits(language, facts, outlet), *outlet.worth)
    paragraphs = [_when(language, facts), reason(language, facts), *short]
    if facts.kind is AdviceKind.MORNING:
        was = text(
            "The forecast has changed since last evening; it was {times}.",
            times=times(language, facts.told, facts.zone),
        )
        paragraphs.insert(1, was)
    else:
        paragraphs.append(
            text("This is a forecast. If it changes much by morning, we tell you. You see the price before you start.")
        )
    return Letter(
        subject=_subject(language, facts),
        paragraphs=tuple(paragraphs),
        short=" ".join(short),
        says=text("See it, or have it start by itself"),
        path=path,
    )


def farewell(language: Language) -> Letter:
    """Return the last word to a driver who follows no advice."""
    text = language.text
    why = text("You have followed none of the last {count}, so nothing more comes.", count=PATIENCE)
    return Letter(
        subject=text("We stop advising you when to charge"),
        paragraphs=(why, text("Nothing else changes, and you can have it back at any time.")),
        short=why,
        says=text("Turn it on again"),
        path=SETTINGS_PATH,
    )


def reason(language: Language, facts: Facts) -> str:
    """Return in one sentence why these windows are recommended."""
    text, region = language.text, name_of(facts.region, language.code)
    shares = [window.share_most for window in facts.windows if window.share_most is not None]
    surplus = max(
        (window.surplus_most for window in facts.windows if window.surplus_most is not None), default=Decimal(0)
    )
    source = text(_SOURCES[facts.source or FirstType.RENEWABLE])
    more = _percent(language, surplus / 100) if facts.surplus_is_real and surplus >= 1 else ""
    if shares and more:
        return text(
            "Forecast for {region}: up to {share} of the power generated comes from {source}, and up to {more} more is"
            " generated than needed there.",
            region=region, share=_percent(language, max(shares)), source=source, more=more,
        )  # fmt: skip
    if shares:
        return text(
            "Forecast for {region}: up to {share} of the power generated comes from {source}.",
            region=region, share=_percent(language, max(shares)), source=source,
        )  # fmt: skip
    return text("Forecast for {region}: much power comes from {source} then.", region=region, source=source)


def fits(language: Language, facts: Facts, outlet: Outlet) -> str:
    """Return until when to plug in for the longest window, and how much fits into what is left of it."""
    window = max(facts.windows, key=lambda one: one.end - one.begin)
    left = Window(begin=max(window.begin, facts.now), end=window.end)
    kwh = kwh_that_fit(left, outlet.rated_w, outlet.volts)
    energy = f"{language.number(kwh, 0 if kwh == kwh.to_integral_value() else 1)}{NBSP}kWh"
    if window.begin <= facts.now:
        return language.text(
            "Plug in now where you charged last, and about {energy} still fits into this time.", energy=energy
        )
    return language.text(
        "Plug in before {time} where you charged last, and about {energy} fits into this time.",
        time=language.clock(window.begin, facts.zone),
        energy=energy,
    )


def times(language: Language, windows: Sequence[Window], zone: ZoneInfo) -> str:
    """Return windows as times of the day."""
    spans = [
        language.text("{begin}–{end}", begin=language.clock(one.begin, zone), end=language.clock(one.end, zone))
        for one in windows
    ]
    return reduce(lambda some, one: language.text("{some}, {one}", some=some, one=one), spans)


def _subject(language: Language, facts: Facts) -> str:
    text, when = language.text, times(language, facts.windows, facts.zone)
    if facts.kind is AdviceKind.MORNING:
        return text("Changed: a good time to charge today is {times}", times=when)
    if facts.windows[0].begin.astimezone(facts.zone).date() == facts.now.astimezone(facts.zone).date():
        return text("A good time to charge today: {times}", times=when)
    return text("A good time to charge tomorrow: {times}", times=when)


def _when(language: Language, facts: Facts) -> str:
    # A mail may be read when "tomorrow" is long over.
    return language.text(
        "{day}, {times} (time in {region}).",
        day=language.day(facts.windows[0].begin, facts.zone),
        times=times(language, facts.windows, facts.zone),
        region=name_of(facts.region, language.code),
    )


def _path(facts: Facts) -> str:
    window = (facts.windows or facts.told)[0]
    asked = {"region": facts.region.code, "window": window.begin.strftime("%Y-%m-%dT%H:%MZ")}
    return f"/outlook?{urlencode(asked)}"


def _percent(language: Language, share: Decimal) -> str:
    return language.percent(share.quantize(Decimal("0.01"), ROUND_FLOOR))
