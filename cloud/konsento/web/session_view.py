"""A session as its driver watches it: one sentence, the ring, the numbers, the curve."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from konsento.charging.progress import CurvePoint, Progress
from konsento.kit.i18n import Language
from konsento.models import ACTIVE, LimitKind, Metering, SessionState

CURVE_WIDTH = 300
CURVE_HEIGHT = 54
_TOP = 6
_FLOOR = 52
QUIET = timedelta(seconds=90)
"""News of a running session come every few seconds; older ones are said to be old."""
SLOW_START = timedelta(seconds=45)
"""A start takes a few seconds; one that is not answered for so long may take as long as the site is away."""


class View(StrEnum):
    """Which page shows a session."""

    LIVE = "live"
    RECEIPT = "receipt"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Sentences and numbers of the live page. The page's script puts each where `data-live` names it."""

    title: str
    next: str
    energy: str
    energy_unit: str
    limit: str
    power: str
    amount: str
    time: str
    age: str
    """How old the news are; empty while they are fresh."""
    changing: str
    """What counts: the outlet's meter, and which limit while another one is on its way."""
    curve: str
    """The power curve in words, for those who do not see it."""


@dataclass(frozen=True, kw_only=True)
class SessionView:
    """What the live page shows."""

    view: View
    outlet: str
    can_stop: bool
    can_change: bool
    share: float
    """Of the limit, in percent, for the ring."""
    curve: str
    """An SVG path."""
    energy: str
    texts: Texts


def session_view(language: Language, progress: Progress, now: datetime) -> SessionView:
    """Describe a session as it stands."""
    language = language.estimating(estimated=progress.sold.metering is Metering.ESTIMATED)
    energy, unit = language.energy_so_far(progress.delivered_mwh)
    title, following = _sentences(language, progress, now)
    running = progress.state in {SessionState.CHARGING, SessionState.SUSPENDED} and not progress.stopping
    starting = progress.state is SessionState.STARTING and not progress.stopping
    return SessionView(
        view=_VIEWS.get(progress.state, View.LIVE),
        outlet=progress.outlet_name,
        can_stop=running or starting,
        can_change=running,
        share=float(round(progress.share * 100, 1)),
        curve=curve_path(progress.curve),
        energy=f"{energy}\u00a0{unit}",
        texts=Texts(
            title=title,
            next=following,
            energy=energy,
            energy_unit=unit,
            limit=_limit(language, progress),
            power=language.power(progress.power_w) if progress.power_w is not None else "–",
            amount=language.money(progress.amount_minor, progress.currency),
            time=language.duration(progress.seconds),
            age=_age(language, progress, now) if running else "",
            changing=_changing(language, progress),
            curve=_curve_text(language, progress),
        ),
    )


def as_json(language: Language, progress: Progress, now: datetime) -> dict[str, object]:
    """Return all of a session's progress with the page's texts: energies in mWh and Wh, money in minor units."""
    shown = session_view(language, progress, now)
    moments = ("created_at", "started_at", "ended_at", "last_update", "heard_at", "expected_end")
    values: dict[str, object] = asdict(progress)
    del values["sold"]
    for name in moments:
        at = getattr(progress, name)
        values[name] = at.isoformat() if at is not None else None
    return values | {
        **progress.sold.told(),
        "session_id": str(progress.session_id),
        "requested": {"kind": progress.limit_kind, "amount": progress.limit_amount},
        "delivered_wh": progress.delivered_mwh / 1000,
        "price": progress.price.to_dict(),
        "unit_price": str(progress.price.unit_price),
        "tax_rate": str(progress.price.tax_rate),
        "currency": progress.currency,
        "view": shown.view,
        "can_stop": shown.can_stop,
        "can_change": shown.can_change,
        "share": shown.share,
        "curve": shown.curve,
        "texts": asdict(shown.texts),
    }


def curve_path(points: tuple[CurvePoint, ...]) -> str:
    """Return the power over time as an SVG path in a field of 300 × 54; a straight line while there is one point."""
    if not points:
        return f"M0 {_FLOOR}"
    last = max(points[-1].seconds, 1)
    # A round top, so that noise of a few watts does not look like drama and a start does not scrape the edge.
    top = max(100, *(point.watts for point in points)) * 1.1
    steps = [
        f"{point.seconds * CURVE_WIDTH / last:.1f} {_FLOOR - point.watts / top * (_FLOOR - _TOP):.1f}"
        for point in points
    ]
    return "M" + " L".join(steps)


_VIEWS = {SessionState.SETTLED: View.RECEIPT, SessionState.FAILED: View.FAILED}


def _sentences(language: Language, progress: Progress, now: datetime) -> tuple[str, str]:
    text = language.text
    state = progress.state
    if progress.stopping:
        return _stopping(language, progress)
    if state is SessionState.STARTING:
        return _starting(language, progress, now)
    if state in {SessionState.ENDED, SessionState.SETTLED, SessionState.FAILED}:
        return text("Ended. The bill is being made."), (
            text("The final meter reading is settled. This takes a moment.")
            if progress.site_connected
            else text(
                "There is no contact with the outlet. The bill is made with its last readings; you can close this page."
            )
        )
    if not progress.site_connected:
        return (
            text("No contact with the outlet."),
            text("It keeps to your limit by itself. Its meter counts on, and only what it measured is billed."),
        )
    if _quiet(progress, now):
        return (
            text("No news from the outlet."),
            text("It keeps to your limit by itself. Its meter counts on, and only what it measured is billed."),
        )
    if state is SessionState.SUSPENDED:
        return _suspended(language, progress)
    return _charging(language, progress)


def _starting(language: Language, progress: Progress, now: datetime) -> tuple[str, str]:
    text = language.text
    if now - progress.created_at < SLOW_START:
        return (
            text("Asking the outlet to switch on."),
            text("This takes a few seconds. Nothing is charged before power flows."),
        )
    return (
        text("The outlet has not answered yet."),
        text("We ask until it does. If it is on, only measured energy is billed; if not, what is held is free again."),
    )


def _suspended(language: Language, progress: Progress) -> tuple[str, str]:
    # Why, is the site's business: its owner, its power for all outlets, a meter or a link that fails.
    text = language.text
    if not progress.delivered_mwh and not progress.seconds:
        return (
            text("Waiting. No supply yet."),
            text("It starts by itself, for instance when power becomes free. Only measured energy is billed."),
        )
    return (
        text("Paused. No supply at the moment."),
        text(
            "It goes on by itself, for instance when power becomes free or a connection is back. "
            "Only measured energy is billed."
        ),
    )


def _stopping(language: Language, progress: Progress) -> tuple[str, str]:
    text = language.text
    if progress.state is SessionState.STARTING:
        return (
            text("Stopping. The outlet has not answered yet."),
            text("If it is on, it is switched off as soon as it answers. If not, what is held is free again."),
        )
    if not progress.site_connected:
        return (
            text("Stopping. There is no contact with the outlet."),
            text("It is switched off as soon as there is. Until then it keeps to your limit by itself."),
        )
    return text("Stopping."), text("The outlet switches off and reports its meter.")


def _charging(language: Language, progress: Progress) -> tuple[str, str]:
    text = language.text
    if not progress.power_w:
        nothing_yet = progress.delivered_mwh == 0
        return (
            text("The outlet is on. No power is drawn yet.")
            if nothing_yet
            else text("The outlet is on. No power is drawn."),
            text("Check that the car is plugged in and ready. Only measured energy is billed."),
        )
    calm = text("You can close this page; the outlet stops by itself.")
    if progress.limit_kind is LimitKind.FULL:
        return text("Charging until the car is full."), text("You can close this page; it ends by itself.")
    if progress.expected_end is None:
        return text("Charging."), calm
    at = language.clock(progress.expected_end, ZoneInfo(progress.time_zone))
    return text("Charging. Done at about {time}.", time=at), calm


def _limit(language: Language, progress: Progress) -> str:
    if progress.limit_kind is LimitKind.FULL:
        energy, seconds = progress.energy_limit_wh, progress.time_limit_s
        most = language.energy(energy) if energy is not None else language.duration(seconds or 0)
        return language.text("until full, at most {energy}", energy=most)
    limit = limit_text(language, progress.limit_kind, progress.limit_amount, progress.currency)
    return language.text("of {limit}", limit=limit)


def limit_text(language: Language, kind: LimitKind, amount: int, currency: str) -> str:
    """Return a limit as the driver chose it."""
    match kind:
        case LimitKind.FULL:
            return language.text("until full")
        case LimitKind.ENERGY:
            return language.energy(amount)
        case LimitKind.TIME:
            return language.duration(amount)
        case LimitKind.MONEY:
            return language.money(amount, currency)


def _changing(language: Language, progress: Progress) -> str:
    if progress.state not in ACTIVE:
        return language.text("The outlet measures, we bill that.")
    if progress.changing is None or progress.stopping:
        return language.text("The outlet measures, we bill that. Without contact it keeps to the limit and counts on.")
    limit = limit_text(language, *progress.changing, progress.currency)
    return language.text(
        "The limit is being changed: {limit}. Until the outlet has it, the old one counts.", limit=limit
    )


def _curve_text(language: Language, progress: Progress) -> str:
    if not progress.curve:
        return language.text("Power since the start: nothing yet")
    most = max(point.watts for point in progress.curve)
    return language.text(
        "Power since the start: {most} at most, {last} last",
        most=language.power(most),
        last=language.power(progress.curve[-1].watts),
    )


def _heard(progress: Progress) -> datetime | None:
    return progress.heard_at or progress.started_at


def _quiet(progress: Progress, now: datetime) -> bool:
    heard = _heard(progress)
    return heard is not None and now - heard >= QUIET


def _age(language: Language, progress: Progress, now: datetime) -> str:
    heard = _heard(progress)
    if heard is None or not _quiet(progress, now):
        return ""
    ago = int((now - heard).total_seconds())
    # Minutes are enough, and an hour's silence does not count seconds.
    return language.text("Last news from the outlet {age} ago.", age=language.duration(ago // 60 * 60))
