"""What a price that follows the grid would have been in the last days, and will be in the next hours, in one region."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.following import Ahead, decided_days, priced
from konsento.catalogue.slots import slots_followed
from konsento.kit.i18n import Language, marked
from konsento.models import GridRegion
from konsento.pricing import Component, Price, Rate
from konsento.pricing.following import Following, FollowsSpot, FollowsWindows
from konsento.web.price_view import PriceLine

BACK: Final = timedelta(days=7)
AHEAD: Final = timedelta(hours=24)
WIDTH: Final = 640
HEIGHT: Final = 120
_TOP: Final = 8
_FLOOR: Final = 112
_SPOT: Final = marked("spot price")
_TAXED_SPOT: Final = marked("spot price with tax")
_MINUS: Final = "\u2212"


@dataclass(frozen=True, kw_only=True)
class PreviewRow:
    """A time of the next hours and what a kWh costs in it."""

    when: str
    price: str
    known: bool


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A price over time, as it is read."""

    region: str
    zone: str
    week: list[PriceLine]
    """The last seven days in numbers; empty where nothing is known of them."""
    curve: str
    """An SVG path of the price in a field of `WIDTH` × `HEIGHT`, from seven days ago to tomorrow, as far as known."""
    unknown: str
    """The same of the time of which nothing is known."""
    now_x: int
    """Where the next 24 hours begin in it."""
    sentence: str
    """The curve in words, for those who do not see it."""
    rows: list[PreviewRow]
    """The next 24 hours."""


def following_lines(language: Language, price: Price, following: Following | None) -> list[PriceLine]:
    """Return what a price follows, in rows to read; nothing where it follows nothing."""
    if following is None:
        return []
    if isinstance(following, FollowsWindows):
        inside = _per_kwh(language, price, _gross(price, following.inside))
        return [PriceLine(language.text("Energy in recommended windows"), inside)]
    return [
        PriceLine(language.text("Energy by the spot market"), _spot_text(language, price, following)),
        PriceLine(language.text("Least and most per kWh"), _limits(language, price, following)),
    ]


def following_text(language: Language, price: Price, following: Following | None) -> str:
    """Return the same in one line; empty where it follows nothing."""
    match following:
        case FollowsWindows():
            inside = language.unit_price(_gross(price, following.inside), price.currency)
            return language.text("{price} in recommended windows", price=inside)
        case FollowsSpot():
            return f"{_spot_text(language, price, following)}, {_limits(language, price, following)}"
        case None:
            return ""


def _spot_text(language: Language, price: Price, following: FollowsSpot) -> str:
    taxed = price.tax_included and price.tax_rate
    spot = language.text(_TAXED_SPOT if taxed else _SPOT)
    plus = language.unit_price(abs(following.plus), price.currency)
    added = f" {'+' if following.plus > 0 else _MINUS} {plus}" if following.plus else ""
    return f"{spot} × {following.factor:f}{added}"


def _limits(language: Language, price: Price, following: FollowsSpot) -> str:
    limits = (_gross(price, following.floor), _gross(price, following.cap))
    return " – ".join(language.unit_price(limit, price.currency) for limit in limits)


async def preview_of(
    session: AsyncSession, language: Language, price: Price, following: Following, *, region: GridRegion, now: datetime
) -> Preview:
    """Return a price, which is `price` by itself, over the last days and the next hours of a region."""
    begin, until = now - BACK, now + AHEAD
    slots = await slots_followed(session, {following.kind}, begin, until, regions=[region.code])
    decided = await decided_days(session, region.code, begin, until)
    of_it = slots.of(following, region.code)
    past, coming = (priced("", price, following, of_it, time, decided=decided) for time in ((begin, now), (now, until)))
    zone = ZoneInfo(region.time_zone)
    names = {"ja": region.name_ja} if region.name_ja else {}
    week = _week(language, price, past)
    return Preview(
        region=names.get(language.code, region.name_en),
        zone=region.time_zone,
        week=week,
        curve=_curve([*past, *coming], begin, until, known=True),
        unknown=_curve([*past, *coming], begin, until, known=False),
        now_x=int(WIDTH * (BACK / (BACK + AHEAD))),
        sentence="; ".join(f"{name}: {text}" for name, text in week),
        rows=[
            PreviewRow(
                when=f"{language.moment(one.begin, zone)} – {language.clock(one.end, zone)}",
                price=_per_kwh(language, price, one.per_kwh),
                known=one.known,
            )
            for one in coming
        ],
    )


def _week(language: Language, price: Price, past: Sequence[Ahead]) -> list[PriceLine]:
    """Return the least, the mean and the most of the time that is known, and how much that is."""
    known = [one for one in past if one.known]
    if not known:
        return []
    long = sum(((one.end - one.begin) for one in known), timedelta(0))
    mean = sum((one.per_kwh * Decimal((one.end - one.begin) / long) for one in known), Decimal(0))
    shown = mean.quantize(Decimal("0.01") if mean >= 1 else Decimal("0.0001"))
    return [
        PriceLine(language.text("Least"), _per_kwh(language, price, min(one.per_kwh for one in known))),
        PriceLine(language.text("On average over time"), _per_kwh(language, price, shown)),
        PriceLine(language.text("Most"), _per_kwh(language, price, max(one.per_kwh for one in known))),
        PriceLine(language.text("Time of which it is known"), language.percent(Decimal(f"{long / BACK:.2f}"))),
    ]


def _curve(spans: Sequence[Ahead], begin: datetime, until: datetime, *, known: bool) -> str:
    """Return the part of a price over time that is known, or the other, as an SVG path."""
    top = max((one.per_kwh for one in spans), default=Decimal(0)) or Decimal(1)
    steps: list[str] = []
    before: Ahead | None = None
    for one in spans:
        first, last = (f"{WIDTH * ((at - begin) / (until - begin)):.1f}" for at in (one.begin, one.end))
        y = f"{_FLOOR - (_FLOOR - _TOP) * float(one.per_kwh / top):.1f}"
        if one.known is known:
            joined = before is not None and before.known is known
            steps.append(f"{f'V{y}' if joined else f'M{first} {y}'} H{last}")
        before = one
    return " ".join(steps)


def _gross(price: Price, asked: Decimal) -> Decimal:
    return price.gross(Rate(component=Component.ENERGY, price=asked))


def _per_kwh(language: Language, price: Price, gross: Decimal) -> str:
    return language.text("{price} / kWh", price=language.unit_price(gross, price.currency))
