"""The outlook as it is drawn and read: a strip of two days, and one sentence for each window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from konsento.advice.fits import kwh_that_fit
from konsento.advice.outlook import Outlook
from konsento.catalogue.following import Ahead
from konsento.grid.records import FirstType
from konsento.grid.regions import name_of
from konsento.grid.windows import Window
from konsento.kit.i18n import Language, marked
from konsento.models import Outlet
from konsento.web.place import Place

WIDTH: Final = 480
"""Of the drawing, in its own units: ten for an hour."""
HEIGHT: Final = 80
_MARK_HOURS: Final = 6
_SHARES: Final = {
    FirstType.SOLAR: marked("Share of solar power"),
    FirstType.WIND_SOLAR: marked("Share of wind and solar power"),
    FirstType.RENEWABLE: marked("Share of renewable power"),
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A slot as it is drawn, in the drawing's units."""

    x: float
    width: float
    height: float
    recommended: bool


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An hour that is named below the drawing."""

    x: float
    text: str
    is_day: bool
    """Whether a new day begins there."""


@dataclass(frozen=True, kw_only=True)
class Shade:
    """A window as it is drawn."""

    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table below the drawing."""

    when: str
    share: str
    price: str
    recommended: bool


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A region's next two days."""

    region: str
    share: str
    """What the bars show."""
    bars: list[Bar]
    shades: list[Shade]
    marks: list[Mark]
    rows: list[Row]
    says: str
    """The drawing in one sentence, for those who do not see it."""
    source: str
    """From whom the data are, and how old."""
    problem: str
    """Why there is no advice; empty where there is, or where nothing is wrong."""


@dataclass(frozen=True, kw_only=True)
class WindowView:
    """A window in which a charging starts, or could."""

    begin: str
    """As forms send it."""
    is_chosen: bool
    button: str
    says: str


def strip(language: Language, outlook: Outlook, prices: Sequence[Ahead], now: datetime) -> Strip:
    """Draw an outlook; `prices` are those of one offer, empty where none are shown."""
    zone = ZoneInfo(outlook.region.time_zone)
    top = max((slot.share for slot in outlook.slots if slot.share is not None), default=Decimal(0)) or Decimal(1)
    bars = [
        Bar(
            x=_x(outlook, slot.begin),
            width=round(_x(outlook, slot.end) - _x(outlook, slot.begin) - 0.8, 2),
            # Against the highest of the two days, but never as if a little were much.
            height=round(float(slot.share / max(top, Decimal("0.5"))) * HEIGHT, 1),
            recommended=slot.recommended,
        )
        for slot in outlook.slots
        if slot.share is not None
    ]
    times = [_span(language, window, zone) for window in outlook.windows]
    return Strip(
        region=name_of(outlook.region, language.code),
        share=language.text(_SHARES[outlook.first]) if outlook.first is not None else "",
        bars=bars,
        shades=[_shade(outlook, window) for window in outlook.windows],
        marks=_marks(language, outlook, zone),
        rows=_rows(language, outlook, prices, zone),
        says=language.text("Recommended: {times}.", times=_listed(language, times))
        if times
        else language.text("No time is recommended."),
        source=_source(language, outlook, now),
        problem=_problem(language, outlook),
    )


def window_text(language: Language, window: Window, outlet: Outlet, now: datetime) -> str:
    """Return the sentence of a window at an outlet: when to plug in, and how much fits."""
    zone = ZoneInfo(outlet.site.time_zone)
    left = Window(begin=max(window.begin, now), end=window.end)
    energy = _kwh(language, kwh_that_fit(left, outlet.rated_w, outlet.volts))
    if window.begin <= now:
        return language.text(
            "Recommended now, until {end}: about {energy} fits.", end=language.clock(window.end, zone), energy=energy
        )
    return language.text(
        "Plug in before {begin}: until {end} about {energy} fits.",
        begin=_day_and_clock(language, window.begin, zone, now),
        end=language.clock(window.end, zone),
        energy=energy,
    )


def window_view(language: Language, place: Place, chosen: str) -> WindowView | None:
    """Return the window in which it starts, or in which it could: the next one that is to come; None for none."""
    coming = [window for window in place.windows if window.begin > place.at]
    found = next((window for window in coming if window.begin.isoformat() == chosen), None)
    window = found or next(iter(coming), None)
    if window is None or (found is None and window.begin > place.at + timedelta(hours=24)):
        return None
    zone = ZoneInfo(place.outlet.site.time_zone)
    begin = _day_and_clock(language, window.begin, zone, place.at)
    return WindowView(
        begin=window.begin.isoformat(),
        is_chosen=found is not None,
        button=language.text("Start by itself at {begin}", begin=begin),
        says=language.text(
            "It starts by itself within a few minutes of {begin}, while charging is recommended (until {end}).",
            begin=begin,
            end=language.clock(window.end, zone),
        ),
    )


def _kwh(language: Language, kwh: Decimal) -> str:
    return f"{language.number(kwh, 1 if kwh != kwh.to_integral_value() else 0)}\u00a0{language.energy_unit('kWh')}"


def _day_and_clock(language: Language, at: datetime, zone: ZoneInfo, now: datetime) -> str:
    days = (at.astimezone(zone).date() - now.astimezone(zone).date()).days
    clock = language.clock(at, zone)
    if days == 0:
        return language.text("{clock} today", clock=clock)
    if days == 1:
        return language.text("{clock} tomorrow", clock=clock)
    return language.moment(at, zone)


def _x(outlook: Outlook, at: datetime) -> float:
    share = (min(max(at, outlook.begin), outlook.until) - outlook.begin) / (outlook.until - outlook.begin)
    return round(share * WIDTH, 2)


def _shade(outlook: Outlook, window: Window) -> Shade:
    x = _x(outlook, window.begin)
    return Shade(x=x, width=round(_x(outlook, window.end) - x, 2))


def _marks(language: Language, outlook: Outlook, zone: ZoneInfo) -> list[Mark]:
    marks: list[Mark] = []
    at = outlook.begin
    while at < outlook.until:
        local = at.astimezone(zone)
        if local.minute == 0 and local.hour % _MARK_HOURS == 0:
            is_day = local.hour == 0
            text = language.weekday(at, zone) if is_day else language.clock(at, zone)
            marks.append(Mark(x=_x(outlook, at), text=text, is_day=is_day))
        at += timedelta(minutes=30)
    # The first and the last would be cut off by the edge.
    return [mark for mark in marks if 14 <= mark.x <= WIDTH - 14]


def _rows(language: Language, outlook: Outlook, prices: Sequence[Ahead], zone: ZoneInfo) -> list[Row]:
    by_hour: dict[datetime, list[Decimal]] = {}
    advised: set[datetime] = set()
    for slot in outlook.slots:
        hour = slot.begin.replace(minute=0)
        if slot.share is not None:
            by_hour.setdefault(hour, []).append(slot.share)
        if slot.recommended:
            advised.add(hour)
    return [
        Row(
            when=language.moment(hour, zone),
            share=language.percent(round(sum(shares, Decimal(0)) / len(shares), 2)),
            price=_price(language, prices, hour),
            recommended=hour in advised,
        )
        for hour, shares in sorted(by_hour.items())
    ]


def _price(language: Language, prices: Sequence[Ahead], at: datetime) -> str:
    for one in prices:
        if one.begin <= at < one.end and one.known:
            return language.unit_price(one.per_kwh, one.currency)
    return ""


def price_range(language: Language, prices: Sequence[Ahead], window: Window) -> str:
    """Return what a kWh costs that is started in a window, as far as that is known; empty where it is not."""
    inside = [one for one in prices if one.begin < window.end and one.end > window.begin and one.known]
    if not inside:
        return ""
    low, high = min(one.per_kwh for one in inside), max(one.per_kwh for one in inside)
    lowest = language.unit_price(low, inside[0].currency)
    if low == high:
        return language.text("{price} per kWh", price=lowest)
    return language.text(
        "{low} to {high} per kWh, by when it starts", low=lowest, high=language.unit_price(high, inside[0].currency)
    )


def _span(language: Language, window: Window, zone: ZoneInfo) -> str:
    return f"{language.moment(window.begin, zone)}–{language.clock(window.end, zone)}"


def _listed(language: Language, times: Sequence[str]) -> str:
    return language.text(", ").join(times)


def _source(language: Language, outlook: Outlook, now: datetime) -> str:
    if outlook.told_at is None:
        return ""
    age = language.duration(int((now - outlook.told_at).total_seconds()) // 60 * 60)
    return language.text("Forecast of {sources}, {age} old.", sources=_listed(language, list(outlook.sources)), age=age)


def _problem(language: Language, outlook: Outlook) -> str:
    if outlook.stale:
        return language.text("The forecast is older than we rely on, so nothing new is recommended on it.")
    if not outlook.slots:
        return language.text("There is no forecast for this region just now.")
    if not outlook.windows and not outlook.region.advises:
        return language.text("Nothing is recommended in this region yet.")
    if not outlook.windows:
        return language.text("No time of the next two days stands out: charge whenever it suits you.")
    return ""


def next_window(language: Language, outlet: Outlet, coming: Sequence[Window], now: datetime) -> str:
    """Return the sentence of the next window that begins within a day; empty for none."""
    for window in coming:
        if window.begin <= now + timedelta(hours=24):
            return window_text(language, window, outlet, now)
    return ""
