"""What the other domains use of rewards. All of it is for many sessions at once, in a few statements.

A session reserves its coupon and its points when it starts, in the transaction that holds the money; it uses them, or
gives them back, in the transaction that makes its receipt, and earns there.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.windows import Window, by_region
from konsento.ledger import service as ledger
from konsento.ledger.service import Move, Resolution
from konsento.models import (
    ChargingSession,
    CouponCode,
    CouponUse,
    CouponUseState,
    Driver,
    PointLot,
    PointRule,
    PointUse,
)
from konsento.pricing import Discount
from konsento.rewards import benefits, codes, coupons, discounts, grants, points
from konsento.rewards.benefits import Benefit
from konsento.rewards.coupons import Found
from konsento.rewards.errors import BadPoints, PointsNeedAccount, TooFewPoints
from konsento.rewards.facts import Given, Place, Purchase, Settled, has_account
from konsento.rewards.rules import points_of
from konsento.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a driver wants taken off."""

    coupon: str = ""
    """As it was typed; empty for none."""
    points: int = 0
    """At most so many."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What can be taken off a purchase, and is not kept for it yet."""

    found: Found | None
    points: int
    """As many as there can be any use for."""
    value_minor: Decimal
    """What one is worth, in minor units."""

    @property
    def discounts(self) -> tuple[Discount, ...]:
        """What would be taken off, in its order."""
        taken = [discounts.of_coupon(self.found.coupon, self.found.code.code)] if self.found is not None else []
        if self.points:
            taken.append(discounts.of_points(self.points, self.value_minor))
        return discounts.in_order(taken)


async def check(session: AsyncSession, settings: Settings, purchase: Purchase, wanted: Wanted, at: datetime) -> Checked:
    """Return what can be taken off as a driver wants it. Raises the subclass of `CannotDiscount` that says why not."""
    value = settings.point_value
    if wanted.points < 0:
        raise BadPoints
    if wanted.points:
        if not has_account(purchase.driver):
            raise PointsNeedAccount
        left = (await points.standing(session, purchase.driver.id)).available
        if wanted.points > left:
            raise TooFewPoints(left=left)
    found = await coupons.checked(session, wanted.coupon, purchase, at) if wanted.coupon.strip() else None
    useful = min(wanted.points, discounts.points_for(purchase.most_minor, value))
    return Checked(found=found, points=useful, value_minor=value)


async def reserve(session: AsyncSession, checked: Checked, charging: ChargingSession) -> None:
    """Keep a coupon and points for a session that starts. Raises a subclass of `CannotDiscount` where they just went.

    To be called late in the transaction: until its end nobody else gets at the same coupon.
    """
    if checked.found is not None:
        await coupons.reserve(session, checked.found, charging)
    if checked.points:
        use = PointUse(
            session_id=charging.id,
            driver_id=charging.driver_id,
            points=checked.points,
            value_minor=checked.value_minor,
            discount_minor=0,
            reserved_at=charging.created_at,
        )
        await points.reserve(session, use, charging.created_at)


async def give_back(session: AsyncSession, session_id: UUID, at: datetime) -> None:
    """Give back what a session has reserved that never supplied anything."""
    await coupons.resolve(session, [use for use, _ in await coupons.reserved(session, [session_id])], {}, at)
    uses = await _point_uses(session, [session_id])
    await ledger.write(session, [_used(use, 0, 0, at) for use in uses])


async def discounts_for(session: AsyncSession, due: Mapping[UUID, int]) -> dict[UUID, tuple[Discount, ...]]:
    """Return what is to be taken off the bills of sessions, in its order; nothing for those without anything.

    `due` is what each bill comes to before, in minor units, by session.
    """
    found: dict[UUID, list[Discount]] = defaultdict(list)
    for use, coupon in await coupons.reserved(session, due):
        if due[use.session_id] >= coupon.least_minor:
            found[use.session_id].append(discounts.of_coupon(coupon, use.code))
    for spent in await _point_uses(session, due):
        found[spent.session_id].append(discounts.of_points(spent.points, spent.value_minor))
    return {session_id: discounts.in_order(of_it) for session_id, of_it in found.items()}


async def settled(session: AsyncSession, settings: Settings, facts: Sequence[Settled], at: datetime) -> None:
    """Use up what sessions have reserved, give back what they did not need, and give what they earn.

    Belongs into the transaction that makes the receipts, once for each session, after its money is booked.
    """
    billed = {fact.charging.id: fact for fact in facts}
    uses = [use for use, _ in await coupons.reserved(session, billed)]
    worth = {use.session_id: discounts.taken_by_coupon(billed[use.session_id].bill) for use in uses}
    await coupons.resolve(session, uses, worth, at)
    entries: list[Move | Resolution] = []
    spent: dict[UUID, int] = defaultdict(int)
    for use in await _point_uses(session, billed):
        minor = discounts.taken_by_points(billed[use.session_id].bill)
        entries.append(_used(use, discounts.points_for(minor, use.value_minor), minor, at))
        spent[use.driver_id] += use.points_used or 0
    account_holders = await _account_holders(session, facts)
    earned = await _earned(session, [fact for fact in facts if fact.charging.driver_id in account_holders], at)
    entries += [move for moves in earned.values() for move in moves]
    if entries:
        await ledger.write(session, entries)
        await points.use_up(session, spent)
        await points.add_lots(session, earned, settings.points_expire_days)
    await grants.give(session, [f for f in facts if f.charging.driver_id in account_holders], at)


def _used(use: PointUse, number: int, minor: int, at: datetime) -> Resolution:
    use.points_used, use.discount_minor = number, minor
    return points.taken(use, number, at)


async def refunded(session: AsyncSession, charging: ChargingSession, at: datetime) -> None:
    """Undo what a session took and earned, when all that its driver paid is given back; asked again it changes nothing.

    Points come back as points, which then never expire; the coupon can be used again; and what was earned goes, as far
    as it is not spent.
    """
    query = select(CouponUse).where(CouponUse.session_id == charging.id, CouponUse.state == CouponUseState.USED)
    used = list(await session.scalars(query.with_for_update()))
    await coupons.return_all(session, used, at)
    await points.unwind(session, charging, at)


async def _point_uses(session: AsyncSession, session_ids: Collection[UUID]) -> list[PointUse]:
    """Return what sessions have reserved, locked against other replicas."""
    query = (
        select(PointUse)
        .where(PointUse.session_id.in_(session_ids), PointUse.points_used.is_(None))
        .order_by(PointUse.session_id)
        .with_for_update()
    )
    return list(await session.scalars(query))


async def _account_holders(session: AsyncSession, facts: Sequence[Settled]) -> set[UUID]:
    drivers = {fact.charging.driver_id for fact in facts}
    return {
        driver.id
        for driver in await session.scalars(select(Driver).where(Driver.id.in_(drivers)))
        if has_account(driver)
    }


async def _earned(session: AsyncSession, facts: Sequence[Settled], at: datetime) -> dict[UUID, list[Move]]:
    """Return what drivers get for sessions."""
    agreed = [fact.charging.created_at for fact in facts]
    rules = await rules_between(session, min(agreed), max(agreed)) if agreed else []
    recommended = await _recommended(session, facts) if any(rule.in_windows for rule in rules) else {}
    earned: dict[UUID, list[Move]] = defaultdict(list)
    for fact in facts if rules else ():
        charging = fact.charging
        windows = recommended.get(charging.outlet.site.region or "", [])
        number = points_of(rules, charging, fact.usage, windows)
        if number:
            earned[charging.driver_id].append(points.earned(charging.id, charging.driver_id, number, at))
    return earned


async def _recommended(session: AsyncSession, facts: Sequence[Settled]) -> dict[str, list[Window]]:
    """Return the windows that were in force while sessions charged, by region."""
    regions = {region for fact in facts if (region := fact.charging.outlet.site.region) is not None}
    if not regions:
        return {}
    begin, end = min(fact.usage.begin for fact in facts), max(fact.usage.end for fact in facts)
    # What flowed at its very end is in a window that begins there.
    return await by_region(session, begin, end + timedelta(seconds=1), regions)


async def rules_between(session: AsyncSession, begin: datetime, end: datetime) -> list[PointRule]:
    """Return the rules that held at some moment from `begin` to `end`, the oldest first."""
    query = (
        select(PointRule)
        .where(PointRule.valid_from <= end, or_(PointRule.valid_to.is_(None), PointRule.valid_to > begin))
        .order_by(PointRule.created_at, PointRule.id)
    )
    return list(await session.scalars(query))


async def given(session: AsyncSession, session_ids: Collection[UUID]) -> dict[UUID, Given]:
    """Return what sessions' drivers got; sessions that are not here got nothing."""
    found: dict[UUID, Given] = defaultdict(Given)
    uses = select(CouponUse).where(CouponUse.session_id.in_(session_ids), CouponUse.state == CouponUseState.USED)
    for use in await session.scalars(uses):
        found[use.session_id] = Given(coupon=codes.label(use.code), coupon_minor=use.discount_minor)
    spent = select(PointUse).where(PointUse.session_id.in_(session_ids), PointUse.points_used > 0)
    for one in await session.scalars(spent):
        of_it = found[one.session_id]
        found[one.session_id] = replace(of_it, points_used=one.points_used or 0, points_minor=one.discount_minor)
    lots = select(PointLot.session_id, PointLot.points).where(PointLot.session_id.in_(session_ids))
    for session_id, number in await session.execute(lots):
        if session_id is not None:
            found[session_id] = replace(found[session_id], points_earned=number)
    for session_id, code in await grants.given_after(session, session_ids):
        of_it = found[session_id]
        found[session_id] = replace(of_it, coupons_earned=(*of_it.coupons_earned, codes.label(code)))
    return dict(found)


async def benefits_of(session: AsyncSession, places: Sequence[Place], at: datetime) -> dict[str, list[Benefit]]:
    """Return what is given for buying, by the name of the tariff; nothing for those without anything."""
    rules = await rules_between(session, at, at)
    on_offer = await coupons.on_offer(session, at)
    found = {place.tariff_name: benefits.of_place(place, rules, on_offer) for place in places}
    return {name: of_it for name, of_it in found.items() if of_it}


async def forget(session: AsyncSession, driver_id: UUID, at: datetime) -> None:
    """Have points and own coupons of a driver who goes come to nothing; what bills had of them stays."""
    await points.forget(session, driver_id, at)
    unused = update(CouponCode).where(CouponCode.driver_id == driver_id, CouponCode.taken == 0)
    await session.execute(unused.values(expires_at=at))
