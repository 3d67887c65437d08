"""What pages read: a driver's coupons, and how often coupons were used."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import Coupon, CouponCode, CouponUse, CouponUseState, PointRule
from konsento.rewards import codes
from konsento.rewards.coupons import IS_PUBLIC


class OwnState(StrEnum):
    """What has become of a driver's own coupon."""

    GOOD = "good"
    USED = "used"
    """Or reserved by a charging that is not billed yet."""
    OVER = "over"


@dataclass(frozen=True, kw_only=True)
class OwnCoupon:
    """A coupon that was given to a driver."""

    code: CouponCode
    coupon: Coupon
    state: OwnState

    @property
    def label(self) -> str:
        """The code as it is read."""
        return codes.label(self.code.code)

    @property
    def until(self) -> datetime | None:
        """Until when it is good; None for no end."""
        ends = [end for end in (self.code.expires_at, self.coupon.valid_to) if end is not None]
        return min(ends, default=None)


async def coupons_of(session: AsyncSession, driver_id: UUID, at: datetime) -> list[OwnCoupon]:
    """Return the coupons that a driver was given, the newest first."""
    query = (
        select(CouponCode, Coupon)
        .join(Coupon, Coupon.id == CouponCode.coupon_id)
        .where(CouponCode.driver_id == driver_id)
        .order_by(CouponCode.created_at.desc(), CouponCode.code)
    )
    return [_own(code, coupon, at) for code, coupon in await session.execute(query)]


def _own(code: CouponCode, coupon: Coupon, at: datetime) -> OwnCoupon:
    of_it = OwnCoupon(code=code, coupon=coupon, state=OwnState.GOOD)
    if code.most_uses is not None and code.taken >= code.most_uses:
        return OwnCoupon(code=code, coupon=coupon, state=OwnState.USED)
    return (
        of_it if of_it.until is None or of_it.until > at else OwnCoupon(code=code, coupon=coupon, state=OwnState.OVER)
    )


@dataclass(frozen=True, kw_only=True)
class Uses:
    """How often a coupon was used."""

    running: int = 0
    """By charging that is not billed yet."""
    used: int = 0
    minor: int = 0
    """What it took off in all."""


async def uses_of(session: AsyncSession, coupon_ids: Collection[UUID]) -> dict[UUID, Uses]:
    """Return how often coupons were used; those that were never used are not here."""
    query = (
        select(CouponUse.coupon_id, CouponUse.state, func.count(), func.sum(CouponUse.discount_minor))
        .where(CouponUse.coupon_id.in_(coupon_ids), CouponUse.state != CouponUseState.RETURNED)
        .group_by(CouponUse.coupon_id, CouponUse.state)
    )
    found: dict[UUID, Uses] = {}
    for coupon_id, state, count, minor in await session.execute(query):
        before = found.get(coupon_id, Uses())
        found[coupon_id] = (
            Uses(running=before.running, used=count, minor=int(minor or 0))
            if state is CouponUseState.USED
            else Uses(running=count, used=before.used, minor=before.minor)
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Codes that were made together."""

    id: UUID
    made_at: datetime
    codes: int
    taken: int
    """How many of them were used, or are."""


async def batches_of(session: AsyncSession, coupon_id: UUID) -> list[Batch]:
    """Return the batches of a coupon, the newest first."""
    query = (
        select(CouponCode.batch_id, func.min(CouponCode.created_at), func.count(), func.sum(CouponCode.taken))
        .where(CouponCode.coupon_id == coupon_id, CouponCode.batch_id.is_not(None))
        .group_by(CouponCode.batch_id)
        .order_by(func.min(CouponCode.created_at).desc(), CouponCode.batch_id)
    )
    return [
        Batch(id=number, made_at=at, codes=count, taken=int(taken or 0))
        for number, at, count, taken in await session.execute(query)
        if number is not None
    ]


async def codes_of(session: AsyncSession, coupon_id: UUID, batch_id: UUID) -> list[CouponCode]:
    """Return the codes of a batch."""
    query = (
        select(CouponCode)
        .where(CouponCode.coupon_id == coupon_id, CouponCode.batch_id == batch_id)
        .order_by(CouponCode.code)
    )
    return list(await session.scalars(query))


async def public_codes(session: AsyncSession, coupon_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the code for everybody of coupons that have one."""
    query = (
        select(CouponCode.coupon_id, CouponCode.code)
        .join(Coupon, Coupon.id == CouponCode.coupon_id)
        .where(Coupon.public, CouponCode.coupon_id.in_(coupon_ids), *IS_PUBLIC)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def rules(session: AsyncSession) -> list[PointRule]:
    """Return all rules, the newest first."""
    return list(await session.scalars(select(PointRule).order_by(PointRule.created_at.desc(), PointRule.id)))


async def coupons(session: AsyncSession, most: int) -> list[Coupon]:
    """Return coupons, the newest first."""
    return list(await session.scalars(select(Coupon).order_by(Coupon.created_at.desc(), Coupon.id).limit(most)))


async def coupons_to_give(session: AsyncSession, at: datetime) -> list[Coupon]:
    """Return the coupons that go on, by title: those that a driver can be given."""
    query = select(Coupon).where(or_(Coupon.valid_to.is_(None), Coupon.valid_to > at)).order_by(Coupon.title, Coupon.id)
    return list(await session.scalars(query))
