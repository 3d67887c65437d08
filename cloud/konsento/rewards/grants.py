"""Coupons that drivers get by themselves, after so much energy of a kind."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.models import Coupon, CouponCode, CouponProgress
from konsento.rewards import codes
from konsento.rewards.facts import Settled
from konsento.rewards.power import lineage


async def give(session: AsyncSession, facts: Sequence[Settled], at: datetime) -> None:
    """Count what sessions charged, and give every driver who has enough for one a coupon of their own."""
    agreed = [fact.charging.created_at for fact in facts]
    if not agreed:
        return
    query = (
        select(Coupon)
        .where(
            Coupon.grant_wh.is_not(None),
            Coupon.valid_from <= max(agreed),
            or_(Coupon.valid_to.is_(None), Coupon.valid_to > at),
        )
        .order_by(Coupon.id)
    )
    for coupon in list(await session.scalars(query)):
        await _give(session, coupon, [fact for fact in facts if _counts(coupon, fact)], at)


async def given_after(session: AsyncSession, session_ids: Collection[UUID]) -> list[tuple[UUID, str]]:
    """Return the codes that sessions brought their drivers, each with its session."""
    query = (
        select(CouponCode.session_id, CouponCode.code)
        .where(CouponCode.session_id.in_(session_ids))
        .order_by(CouponCode.ordinal)
    )
    return [(session_id, code) for session_id, code in await session.execute(query) if session_id is not None]


def code_for(coupon: Coupon, driver_id: UUID, at: datetime) -> CouponCode:
    """Return a new code of a coupon for one driver and one use."""
    expires_at = at + timedelta(days=coupon.grant_days) if coupon.grant_days is not None else None
    return CouponCode(
        code=codes.new_code(),
        coupon_id=coupon.id,
        driver_id=driver_id,
        most_uses=1,
        taken=0,
        created_at=at,
        expires_at=expires_at,
    )


def _counts(coupon: Coupon, fact: Settled) -> bool:
    charging = fact.charging
    if not charging.created_at >= coupon.valid_from or fact.usage.mwh < 1000:
        return False
    return not coupon.grant_power_type or coupon.grant_power_type in lineage(charging.power_type)


async def _give(session: AsyncSession, coupon: Coupon, facts: Sequence[Settled], at: datetime) -> None:
    of_driver: dict[UUID, list[Settled]] = defaultdict(list)
    for fact in facts:
        of_driver[fact.charging.driver_id].append(fact)
    if not of_driver or coupon.grant_wh is None:
        return
    added = {driver_id: sum(fact.usage.mwh // 1000 for fact in of_it) for driver_id, of_it in of_driver.items()}
    counting = insert(session, CouponProgress).values(
        # In one order, as with all locks.
        [{"coupon_id": coupon.id, "driver_id": driver_id, "wh": wh} for driver_id, wh in sorted(added.items())]
    )
    counting = counting.on_conflict_do_update(
        index_elements=[CouponProgress.coupon_id, CouponProgress.driver_id],
        set_={"wh": CouponProgress.wh + counting.excluded.wh},
    ).returning(CouponProgress.driver_id, CouponProgress.wh)
    for driver_id, after in list(await session.execute(counting)):
        before = after - added[driver_id]
        for ordinal in range(before // coupon.grant_wh + 1, after // coupon.grant_wh + 1):
            code = code_for(coupon, driver_id, at)
            code.ordinal, code.session_id = ordinal, of_driver[driver_id][-1].charging.id
            session.add(code)
    await session.flush()
