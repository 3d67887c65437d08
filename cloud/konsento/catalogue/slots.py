"""What prices that follow the grid are made from: recommended windows and spot prices, by region and slot."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.tariffs import following_of
from konsento.grid import spot, windows
from konsento.models import Tariff
from konsento.pricing import Price
from konsento.pricing.following import Following, Follows, FollowsWindows, Slot, fixed


@dataclass(frozen=True, kw_only=True)
class Slots:
    """The slots of some time: pure."""

    windows: Mapping[str, list[Slot]] = field(default_factory=dict)
    """Recommended windows, by region."""
    spot: Mapping[str, list[Slot]] = field(default_factory=dict)
    """Slots of the spot market, by region."""

    def of(self, following: Following, region: str | None) -> list[Slot]:
        """Return those that a price follows in a region; none for no region."""
        by_region = self.windows if isinstance(following, FollowsWindows) else self.spot
        return by_region.get(region, []) if region is not None else []

    def price(self, tariff: Tariff, price: Price, region: str | None, at: datetime) -> Price:
        """Return what charging costs that begins at a moment; `price` is that of the tariff by itself."""
        following = following_of(tariff)
        if following is None:
            return price
        return fixed(price, following, Slot.around(self.of(following, region), at))


NO_SLOTS: Final = Slots()


async def slots_between(
    session: AsyncSession,
    tariffs: Iterable[Tariff],
    begin: datetime,
    until: datetime,
    *,
    regions: Collection[str | None] | None = None,
) -> Slots:
    """Return the slots that tariffs follow in these regions, None for all: a query for each kind that is followed."""
    followed = [following_of(tariff) for tariff in tariffs]
    kinds = {following.kind for following in followed if following is not None}
    return await slots_followed(session, kinds, begin, until, regions=regions)


async def slots_followed(
    session: AsyncSession,
    kinds: Collection[Follows],
    begin: datetime,
    until: datetime,
    *,
    regions: Collection[str | None] | None = None,
) -> Slots:
    """Return the slots of these kinds in these regions, None for all: a query for each kind."""
    among = None if regions is None else [region for region in regions if region is not None]
    if not kinds or among == []:
        return NO_SLOTS
    recommended = await windows.by_region(session, begin, until, among) if Follows.WINDOWS in kinds else {}
    prices = await spot.by_region(session, begin, until, among) if Follows.SPOT in kinds else {}
    return Slots(
        windows={
            region: [Slot(begin=window.begin, end=window.end) for window in of_it]
            for region, of_it in recommended.items()
        },
        spot={
            region: [Slot(begin=slot.begin, end=slot.end, spot=slot.price, currency=slot.currency) for slot in of_it]
            for region, of_it in prices.items()
        },
    )
