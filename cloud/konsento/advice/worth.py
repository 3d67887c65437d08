"""What charging in recommended windows is worth at an outlet: a lower price, points; as far as the operator grants any.

Asked for a page of drivers at a time: outlets of a site that sell the same are looked at once, and most sell nothing
that follows the grid.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from konsento.advice.letters import Facts
from konsento.catalogue import service as catalogue
from konsento.catalogue.following import Ahead, ahead
from konsento.grid.finding import day_bounds
from konsento.grid.windows import Window
from konsento.kit.i18n import Language
from konsento.models import WITH_OFFERS, Outlet, PointRule, Tariff
from konsento.rewards import service as rewards
from konsento.rewards.benefits import Benefit, PointsPerKwh
from konsento.rewards.facts import place_at


@dataclass(frozen=True, kw_only=True)
class Cheaper:
    """An offer whose price is lower in the windows."""

    inside: Decimal
    """The lowest price per kWh in them, major units, tax included."""
    outside: Decimal
    """The highest of the same offer at other times of the day."""
    currency: str


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What the windows are worth at an outlet."""

    cheaper: Cheaper | None = None
    points: tuple[Benefit, ...] = ()

    def sentences(self, language: Language) -> tuple[str, ...]:
        """Return it as sentences, none for nothing."""
        said = []
        if self.cheaper is not None:
            said.append(
                language.text(
                    "Charging that begins then costs from {inside} per kWh there, at other times up to {outside}.",
                    inside=language.unit_price(self.cheaper.inside, self.cheaper.currency),
                    outside=language.unit_price(self.cheaper.outside, self.cheaper.currency),
                )
            )
        said += [language.text("You get {benefit}.", benefit=one.text(language)) for one in self.points]
        return tuple(said)


NOTHING: Final = Worth()


async def worth_of(session: AsyncSession, outlet_ids: Collection[UUID], facts: Facts) -> dict[UUID, Worth]:
    """Return what the windows of a region's day are worth at outlets; those at which they are worth nothing are not."""
    if not facts.windows or not await _grants_any(session):
        return {}
    query = select(Outlet).where(Outlet.id.in_(set(outlet_ids))).options(selectinload(Outlet.site), WITH_OFFERS)
    known: dict[tuple[UUID, tuple[str, ...]], Worth] = {}
    found: dict[UUID, Worth] = {}
    for outlet in await session.scalars(query):
        sells = (outlet.site_id, tuple(outlet.tariff_names))
        if sells not in known:
            known[sells] = Worth(
                cheaper=await _cheaper(session, outlet, facts), points=await _points(session, outlet, facts.now)
            )
        if known[sells] != NOTHING:
            found[outlet.id] = known[sells]
    return found


async def _grants_any(session: AsyncSession) -> bool:
    """Tell whether this operator has any price or rule that has to do with windows."""
    for query in (
        select(Tariff.id).where(Tariff.follows.is_not(None)).limit(1),
        select(PointRule.id).where(PointRule.in_windows).limit(1),
    ):
        if await session.scalar(query) is not None:
            return True
    return False


async def _cheaper(session: AsyncSession, outlet: Outlet, facts: Facts) -> Cheaper | None:
    day = facts.windows[0].begin.astimezone(facts.zone).date()
    prices = [one for one in await ahead(session, outlet, *day_bounds(day, facts.region.time_zone)) if one.known]
    for offer in dict.fromkeys(one.offer for one in prices):
        mine = [one for one in prices if one.offer == offer]
        inside = [one.per_kwh for one in mine if _is_inside(one, facts.windows)]
        outside = [one.per_kwh for one in mine if not _is_inside(one, facts.windows)]
        if inside and outside and min(inside) < max(outside):
            return Cheaper(inside=min(inside), outside=max(outside), currency=mine[0].currency)
    return None


def _is_inside(one: Ahead, windows: Sequence[Window]) -> bool:
    return any(window.has(one.begin) for window in windows)


async def _points(session: AsyncSession, outlet: Outlet, at: datetime) -> tuple[Benefit, ...]:
    places = [place_at(outlet, offer) for offer in await catalogue.offers_of(session, outlet, at)]
    given = await rewards.benefits_of(session, places, at)
    for place in places:
        of_windows = [
            one for one in given.get(place.tariff_name, ()) if isinstance(one, PointsPerKwh) and one.in_windows
        ]
        if of_windows:
            return tuple(of_windows)
    return ()
