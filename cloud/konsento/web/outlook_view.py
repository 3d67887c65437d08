"""A region's next hours as a driver reads them: one sentence, the strip, the windows, and all of it as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from konsento.advice import letters
from konsento.advice.fits import kwh_that_fit, wh_that_fit
from konsento.advice.letters import Facts
from konsento.advice.outlook import Offered, Outlook, Standing
from konsento.grid.records import Supply
from konsento.grid.regions import name_of, rule_of
from konsento.grid.windows import Window
from konsento.kit.i18n import NBSP, Language, marked
from konsento.models import AdviceKind, LimitKind, Outlet, PlannedCharge
from konsento.web.planning import window_key
from konsento.web.strip import Strip, end_of, strip

_NOTHING: Final = {
    Standing.GOOD: (
        marked("No particularly good time is in sight."),
        marked("You can charge whenever it suits you."),
    ),
    Standing.STALE: (
        marked("The forecast is too old to advise you."),
        marked(
            "Nothing new has come from its source. You can charge as always; this page has advice again when it has."
        ),
    ),
    Standing.NO_DATA: (
        marked("There is no forecast just now."),
        marked("Nothing has come for the time ahead. You can charge as always."),
    ),
    Standing.SILENT: (
        marked("Nothing is advised for this region."),
        marked("You can charge whenever it suits you."),
    ),
}
_WORTH_WH: Final = 500
"""A window in which less fits is as good as over."""


@dataclass(frozen=True, kw_only=True)
class WindowView:
    """A window, for one outlet if there is one."""

    key: str
    when: str
    on: bool
    sentence: str
    """What fits; empty without an outlet."""
    price: str
    """What it costs then, where that differs from now; empty otherwise."""
    button: str
    address: str
    """Where it is started or planned; empty without an outlet."""
    plan: str
    """The page of what the driver has planned for it; empty for nothing."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """An hour in the table."""

    time: str
    share: str
    price: str
    inside: bool


@dataclass(frozen=True, kw_only=True)
class OutlookView:
    """What the page writes about a region."""

    region: str
    title: str
    detail: str
    """Why, or why not."""
    strip: Strip | None
    windows: tuple[WindowView, ...]
    rows: tuple[Row, ...]
    priced: bool
    """Whether the table has prices that differ."""
    as_of: str
    source: str


@dataclass(frozen=True, kw_only=True)
class CardView:
    """The next window in short."""

    when: str
    sentence: str
    address: str
    strip: Strip | None


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """What is planned, in short."""

    path: str
    outlet: str
    when: str


def outlook_view(
    language: Language,
    outlook: Outlook,
    outlet: Outlet | None,
    plans: Sequence[PlannedCharge] = (),
    offer: str = "",
) -> OutlookView:
    """Describe an outlook, for an outlet whose site is loaded and what is sold there by that name."""
    text, zone = language.text, _zone(outlook, outlet)
    price = next((one for one in outlook.offers if one.name == offer), None)
    title, detail = _sentences(language, outlook, zone)
    as_of = language.moment(outlook.as_of, zone) if outlook.as_of is not None else ""
    return OutlookView(
        region=name_of(outlook.region, language.code),
        title=title,
        detail=detail,
        strip=strip(language, outlook, zone, _said(language, outlook, zone), price)
        if outlook.slots or outlook.windows
        else None,
        windows=tuple(
            _window_view(language, outlook, window, outlet, plans=plans, price=price)
            for window in outlook.windows
            if outlet is None or _fits_anything(outlook, window, outlet)
        ),
        rows=tuple(_rows(language, outlook, zone, price)),
        priced=price is not None and not price.is_flat,
        as_of=text("Forecast; data as of {when}.", when=as_of) if as_of else "",
        source=text("Source: {names}", names=" · ".join(outlook.sources)) if outlook.sources else "",
    )


def card_view(language: Language, outlook: Outlook, outlet: Outlet, *, drawn: bool) -> CardView | None:
    """Describe the next window at an outlet whose site is loaded, `drawn` with its strip; None where there is none."""
    zone = _zone(outlook, outlet)
    window = next((one for one in outlook.windows if _fits_anything(outlook, one, outlet)), None)
    if window is None:
        return None
    return CardView(
        when=when_text(language, window, outlook.now, zone),
        sentence=fits_text(language, window, outlook.now, outlet),
        address=f"/outlook?{urlencode({'outlet': outlet.code})}",
        strip=strip(language, outlook, zone, _said(language, outlook, zone)) if drawn else None,
    )


def plan_view(language: Language, plan: PlannedCharge, outlet: Outlet, now: datetime) -> PlanView:
    """Describe a plan in short; the outlet's site is loaded."""
    window = Window(begin=plan.window_begin, end=plan.window_end)
    return PlanView(
        path=f"/planned/{plan.id}",
        outlet=outlet.name,
        when=when_text(language, window, now, ZoneInfo(outlet.site.time_zone)),
    )


def when_text(language: Language, window: Window, now: datetime, zone: ZoneInfo) -> str:
    """Return a window as people say it: today, tomorrow, or its day, and its time."""
    times = letters.times(language, [window], zone)
    days = (window.begin.astimezone(zone).date() - now.astimezone(zone).date()).days
    if window.begin <= now:
        return language.text("Now, until {end}", end=language.clock(window.end, zone))
    if days == 0:
        return language.text("Today {times}", times=times)
    if days == 1:
        return language.text("Tomorrow {times}", times=times)
    return language.text("{day}, {times}", day=language.day(window.begin, zone), times=times)


def fits_text(language: Language, window: Window, now: datetime, outlet: Outlet) -> str:
    """Return until when to plug in, and about how much then fits; the outlet's site is loaded."""
    left = replace(window, begin=max(window.begin, now))
    energy = energy_text(language, kwh_that_fit(left, outlet.rated_w, outlet.volts))
    if window.begin <= now:
        return language.text("Plug in now, and about {energy} of it fits.", energy=energy)
    time = language.clock(window.begin, ZoneInfo(outlet.site.time_zone))
    return language.text("Plug in before {time}, and about {energy} of it fits.", time=time, energy=energy)


def energy_text(language: Language, kwh: Decimal) -> str:
    """Return energy with no more digits than it has."""
    digits = 0 if kwh == kwh.to_integral_value() else 1
    return f"{language.number(kwh, digits)}{NBSP}kWh"


def wanted(outlook: Outlook, window: Window, outlet: Outlet) -> dict[str, str]:
    """Return the wish for what fits into a window, as the pages carry it; only a window to come is named in it."""
    left = replace(window, begin=max(window.begin, outlook.now))
    kwh = kwh_that_fit(left, outlet.rated_w, outlet.volts)
    wish = {"kind": str(LimitKind.ENERGY), "amount": f"{kwh.normalize():f}", "unit": "kWh"}
    return wish | ({"window": window_key(window)} if window.begin > outlook.now else {})


def _window_view(
    language: Language,
    outlook: Outlook,
    window: Window,
    outlet: Outlet | None,
    *,
    plans: Sequence[PlannedCharge],
    price: Offered | None,
) -> WindowView:
    on = window.begin <= outlook.now
    mine = [plan for plan in plans if outlet is not None and plan.outlet_id == outlet.id]
    plan = next((one for one in mine if one.window_begin == window.begin), None)
    text = language.text
    return WindowView(
        key=window_key(window),
        when=when_text(language, window, outlook.now, _zone(outlook, outlet)),
        on=on,
        sentence=fits_text(language, window, outlook.now, outlet) if outlet is not None else "",
        price=_price_text(language, outlook, window, price),
        button=text("Charge now") if on else text("Start automatically in this time"),
        address=f"/o/{outlet.code}/confirm?{urlencode(wanted(outlook, window, outlet))}" if outlet is not None else "",
        plan=f"/planned/{plan.id}" if plan is not None else "",
    )


def _price_text(language: Language, outlook: Outlook, window: Window, price: Offered | None) -> str:
    then = price.at(max(window.begin, outlook.now)) if price is not None else None
    now = price.at(outlook.now) if price is not None else None
    if price is None or then is None or now is None or window.begin <= outlook.now or then.per_kwh == now.per_kwh:
        return ""
    return language.text(
        "{then} / kWh then, {now} now",
        then=language.unit_price(then.per_kwh, price.currency), now=language.unit_price(now.per_kwh, price.currency),
    )  # fmt: skip


def _sentences(language: Language, outlook: Outlook, zone: ZoneInfo) -> tuple[str, str]:
    window = outlook.next
    if window is None:
        title, detail = _NOTHING[outlook.standing]
        return language.text(title), language.text(detail)
    facts = Facts(
        kind=AdviceKind.EVENING,
        region=outlook.region,
        now=outlook.now,
        windows=outlook.windows,
        source=outlook.first,
        surplus_is_real=rule_of(outlook.region).supply is Supply.GENERATION,
    )
    if window.begin <= outlook.now:
        title = language.text("A good time to charge: now, until {end}.", end=language.clock(window.end, zone))
    else:
        title = language.text("Good to charge: {when}", when=when_text(language, window, outlook.now, zone))
    return title, letters.reason(language, facts)


def _said(language: Language, outlook: Outlook, zone: ZoneInfo) -> str:
    """Return the windows in words, for who does not see the strip."""
    if not outlook.windows:
        return language.text(_NOTHING[outlook.standing][0])
    spans = " · ".join(when_text(language, window, outlook.now, zone) for window in outlook.windows)
    return language.text("Good times to charge: {times}", times=spans)


def _rows(language: Language, outlook: Outlook, zone: ZoneInfo, price: Offered | None) -> Iterator[Row]:
    at = outlook.now.replace(minute=0, second=0, microsecond=0)
    until = end_of(outlook)
    while at < until:
        end = at + timedelta(hours=1)
        shares = [slot.share for slot in outlook.slots if at <= slot.begin < end]
        cost = price.at(max(at, outlook.now)) if price is not None else None
        mean = sum(shares, Decimal(0)) / len(shares) if shares else None
        inside = any(window.begin < end and window.end > at for window in outlook.windows)
        if mean is not None or inside:
            yield Row(
                time=language.moment(at, zone),
                share=language.percent(mean.quantize(Decimal("0.01"), ROUND_FLOOR)) if mean is not None else "–",
                price=language.unit_price(cost.per_kwh, price.currency)
                if cost is not None and price is not None
                else "–",
                inside=inside,
            )
        at = end


def _fits_anything(outlook: Outlook, window: Window, outlet: Outlet) -> bool:
    left = replace(window, begin=max(window.begin, outlook.now))
    return wh_that_fit(left, outlet.rated_w, outlet.volts) >= _WORTH_WH


def _zone(outlook: Outlook, outlet: Outlet | None) -> ZoneInfo:
    return ZoneInfo(outlet.site.time_zone if outlet is not None else outlook.region.time_zone)
