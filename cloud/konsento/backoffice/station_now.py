"""How the line of a station is now: what its process has measured, and the newest messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from konsento.kit.i18n import NBSP, Language
from konsento.models import Direction, OcppFrame, Site, StationLink

CLOCK_WARN_S: Final = 10.0
CLOCK_BAD_S: Final = 60.0
"""Beyond it there is an alarm (`operations.alarms`)."""
OLD: Final = timedelta(seconds=60)
"""Measurements of a connected station that are older are said to be old."""
_EXCERPT: Final = 160


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A figure."""

    name: str
    value: str
    more: str = ""
    code: str = ""
    """Words of OCPP beside it."""
    tone: str = ""
    """`bad`, `wait` or nothing."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A frame as the tables show it."""

    frame: OcppFrame
    arrow: str
    way: str
    age: str
    took: str
    """Of an answer: since its call."""
    excerpt: str
    bad: bool

    @staticmethod
    def of(language: Language, frame: OcppFrame, now: datetime) -> Message:
        """Describe a frame."""
        inward = frame.direction is Direction.IN
        text = frame.text if len(frame.text) <= _EXCERPT else f"{frame.text[:_EXCERPT]}…"
        return Message(
            frame=frame,
            arrow="→" if inward else "←",
            way=language.text("from the site") if inward else language.text("to the site"),
            age=ago(language, now - frame.at),
            took=ms(language, frame.took_ms) if frame.took_ms is not None else "",
            excerpt=text,
            bad=bool(frame.failed),
        )


@dataclass(frozen=True, kw_only=True)
class Now:
    """The part of the page that brings itself up to date."""

    tiles: list[Tile]
    as_of: str
    """How old the measurements are; empty where there are none."""
    is_old: bool

    @staticmethod
    def of(language: Language, site: Site, link: StationLink | None, now: datetime) -> Now:
        """Describe the line of a site."""
        age = now - link.written_at if link is not None else timedelta()
        return Now(
            tiles=_tiles(language, site, link, now) if link is not None else [],
            as_of=ago(language, age) if link is not None else "",
            is_old=site.connected and age > OLD,
        )


def _tiles(language: Language, site: Site, link: StationLink, now: datetime) -> list[Tile]:
    text, number = language.text, language.number
    since = link.connected_at if site.connected else (link.gone_at or link.written_at)
    hour = int(now.timestamp() // 3600)
    connects = sum(times for key, times in link.connects.items() if int(key) > hour - 24)
    error = ago(language, now - link.last_error_at) if link.last_error_at is not None else ""
    return [
        Tile(
            name=text("Connected for") if site.connected else text("Gone for"),
            value=ago(language, now - since, past=False),
            code=link.version,
            tone="" if site.connected else "bad",
        ),
        Tile(
            name=text("Connections in 24 h"),
            value=number(connects),
            tone="wait" if connects > 10 else "",
        ),
        Tile(
            name=text("Waiting"),
            value=f"{number(link.waiting_calls)}{NBSP}/{NBSP}{number(link.unanswered)}",
            more=text("calls of ours / of the site"),
            tone="wait" if link.waiting_calls > 2 or link.unanswered > 2 else "",
        ),
        Tile(name=text("Network round trip"), **_trip(language, link.ping_ms, link.ping_median_ms, link.ping_worst_ms)),
        Tile(
            name=text("Answer to our calls"), **_trip(language, link.call_ms, link.call_median_ms, link.call_worst_ms)
        ),
        _clock(language, link, now),
        Tile(
            name=text("Meter events kept"),
            value=number(link.events),
            more=text(
                "{received} received, {sent} sent", received=number(link.frames_in), sent=number(link.frames_out)
            ),
        ),
        Tile(
            name=text("Errors"),
            value=number(link.refused + link.failed),
            more=error,
            code=link.last_error,
            tone="wait" if link.refused + link.failed else "",
        ),
    ]


def _trip(language: Language, last: float | None, middle: float | None, worst: float | None) -> dict[str, str]:
    if last is None or middle is None or worst is None:
        return {"value": "–", "more": language.text("not measured yet")}
    more = language.text("median {median}, worst {worst}", median=ms(language, middle), worst=ms(language, worst))
    return {"value": ms(language, last), "more": more}


def _clock(language: Language, link: StationLink, now: datetime) -> Tile:
    text, ahead = language.text, link.clock_ahead_s
    if ahead is None or link.clock_at is None:
        return Tile(name=text("Its clock"), value="–", more=text("it has told no time yet"))
    seconds = abs(ahead)
    if seconds < 1:
        value = text("right")
    else:
        shown = ago(language, timedelta(seconds=seconds), past=False)
        value = text("{time} fast", time=shown) if ahead > 0 else text("{time} slow", time=shown)
    tone = "bad" if seconds > CLOCK_BAD_S else "wait" if seconds > CLOCK_WARN_S else ""
    heard = text("heard {ago}", ago=ago(language, now - link.clock_at))
    return Tile(name=text("Its clock"), value=value, more=heard, tone=tone)


def ms(language: Language, number: float) -> str:
    """Return milliseconds, long ones as seconds."""
    if number >= 10_000:
        return f"{language.number(round(number / 1000))}{NBSP}s"
    return f"{language.number(round(number))}{NBSP}ms" if number >= 1 else f"<{NBSP}1{NBSP}ms"


def ago(language: Language, age: timedelta, *, past: bool = True) -> str:
    """Return how long ago something was, in its largest unit; without `past` only how long."""
    seconds = max(0, int(age.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            shown = f"{language.number(seconds // size)}{NBSP}{_units(language)[unit]}"
            break
    else:
        shown = f"{language.number(seconds)}{NBSP}{_units(language)['s']}"
    return language.text("{time} ago", time=shown) if past else shown


def _units(language: Language) -> dict[str, str]:
    return {"d": language.text("days"), "h": language.text("h"), "min": language.text("min"), "s": language.text("s")}
