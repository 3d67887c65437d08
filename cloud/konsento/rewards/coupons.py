"""Coupons at work: whether one is good for what is about to be bought, who has it, and how it comes back.

A use is counted when a session reserves it, in one statement that counts only where there is one left: of two drivers
who take the last one at the same moment, one gets it.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.money import major_from_minor
from konsento.models import (
    ChargingSession,
    Coupon,
    CouponCode,
    CouponUse,
    CouponUseState,
    Driver,
    DriverKind,
    SessionState,
)
from konsento.rewards import codes
from konsento.rewards.errors import (
    CannotDiscount,
    CouponBelowLeast,
    CouponForFirst,
    CouponNeedsAccount,
    CouponNotForThisPower,
    CouponNotHere,
    CouponNotYet,
    CouponOver,
    CouponUsedByYou,
    CouponUsedUp,
    UnknownCoupon,
)
from konsento.rewards.facts import Place, Purchase
from konsento.rewards.power import lineage

IS_PUBLIC: Final = (CouponCode.batch_id.is_(None), CouponCode.driver_id.is_(None))
"""Conditions that a code is one for everybody."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A code with the coupon that it belongs to."""

    code: CouponCode
    coupon: Coupon


async def checked(session: AsyncSession, typed: str, purchase: Purchase, at: datetime) -> Found:
    """Return the coupon of a code as somebody typed it. Raises the subclass of `CannotDiscount` that says why not."""
    found = await _found(session, typed, purchase.driver)
    code, coupon = found.code, found.coupon
    if at < coupon.valid_from:
        raise CouponNotYet
    if any(end is not None and end <= at for end in (coupon.valid_to, code.expires_at)):
        raise CouponOver
    if _used_up(coupon.most_uses, coupon.taken) or _used_up(code.most_uses, code.taken):
        raise CouponUsedUp
    if (coupon.first_only or coupon.most_uses_each is not None) and purchase.driver.kind is not DriverKind.ACCOUNT:
        raise CouponNeedsAccount
    _check_place(coupon, purchase.place)
    if purchase.most_minor < coupon.least_minor:
        least = major_from_minor(coupon.least_minor, coupon.currency)
        raise CouponBelowLeast(least=least, currency=coupon.currency)
    await _check_driver(session, coupon, purchase.driver.id)
    return found


async def reserve(session: AsyncSession, found: Found, charging: ChargingSession) -> None:
    """Count a use of a checked coupon for a session. Raises `CouponUsedUp`, `CouponUsedByYou`, `CouponForFirst`."""
    coupon, code = found.coupon, found.code
    # The coupon's row stays locked until the commit: so what follows sees what others have just taken.
    for row, key in ((Coupon, Coupon.id == coupon.id), (CouponCode, CouponCode.code == code.code)):
        taking = (
            update(row)
            .where(key, or_(row.most_uses.is_(None), row.taken < row.most_uses))
            .values(taken=row.taken + 1)
            .execution_options(synchronize_session=False)
        )
        result: CursorResult[Any] = await session.execute(taking)  # type: ignore[assignment]  # what an UPDATE gives
        if result.rowcount == 0:
            raise CouponUsedUp
    await _check_driver(session, coupon, charging.driver_id, charging.id)
    session.add(
        CouponUse(
            session_id=charging.id,
            coupon_id=coupon.id,
            code=code.code,
            driver_id=charging.driver_id,
            state=CouponUseState.RESERVED,
            discount_minor=0,
            reserved_at=charging.created_at,
        )
    )
    await session.flush()


async def resolve(session: AsyncSession, uses: Sequence[CouponUse], worth: dict[UUID, int], at: datetime) -> None:
    """Count reserved coupons as used with what they took off, by session; those that took nothing off come back."""
    back: list[CouponUse] = []
    for use in uses:
        use.discount_minor = worth.get(use.session_id, 0)
        use.state = CouponUseState.USED if use.discount_minor else CouponUseState.RETURNED
        use.resolved_at = at
        if not use.discount_minor:
            back.append(use)
    # In one order, as with all locks.
    for coupon_id, count in sorted(Counter(use.coupon_id for use in back).items()):
        await session.execute(update(Coupon).where(Coupon.id == coupon_id).values(taken=Coupon.taken - count))
    for code, count in sorted(Counter(use.code for use in back).items()):
        await session.execute(update(CouponCode).where(CouponCode.code == code).values(taken=CouponCode.taken - count))
    await session.flush()


async def reserved(session: AsyncSession, session_ids: Collection[UUID]) -> list[tuple[CouponUse, Coupon]]:
    """Return the coupons that sessions have reserved, locked against other replicas."""
    query = (
        select(CouponUse, Coupon)
        .join(Coupon, Coupon.id == CouponUse.coupon_id)
        .where(CouponUse.session_id.in_(session_ids), CouponUse.state == CouponUseState.RESERVED)
        .order_by(CouponUse.session_id)
        .with_for_update(of=CouponUse)
    )
    return [(use, coupon) for use, coupon in await session.execute(query)]


async def _found(session: AsyncSession, typed: str, driver: Driver) -> Found:
    text = codes.normal(typed)
    query = (
        select(CouponCode, Coupon)
        .join(Coupon, Coupon.id == CouponCode.coupon_id)
        .where(CouponCode.code == text)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(query)).one_or_none() if codes.is_code(text) else None
    if row is None or row[0].driver_id not in {None, driver.id}:
        raise UnknownCoupon
    return Found(code=row[0], coupon=row[1])


def _check_place(coupon: Coupon, place: Place) -> None:
    if (coupon.site_ids and str(place.site_id) not in coupon.site_ids) or (
        coupon.outlet_ids and str(place.outlet_id) not in coupon.outlet_ids
    ):
        raise CouponNotHere
    if (
        coupon.currency != place.currency
        or (coupon.tariff_names and place.tariff_name not in coupon.tariff_names)
        or (coupon.power_types and lineage(place.power_type).isdisjoint(coupon.power_types))
    ):
        raise CouponNotForThisPower


def good_at(coupon: Coupon, place: Place) -> bool:
    """Tell whether a coupon is for what is sold there."""
    try:
        _check_place(coupon, place)
    except CannotDiscount:
        return False
    return True


async def on_offer(session: AsyncSession, at: datetime) -> list[tuple[Coupon, str | None]]:
    """Return the coupons that drivers are told of, the oldest first: with a code for everybody, or given by themselves.

    Each with that code, None where it has none.
    """
    query = (
        select(Coupon, CouponCode.code)
        .outerjoin(CouponCode, and_(Coupon.public, CouponCode.coupon_id == Coupon.id, *IS_PUBLIC))
        .where(
            or_(Coupon.public, Coupon.grant_wh.is_not(None)),
            Coupon.valid_from <= at,
            or_(Coupon.valid_to.is_(None), Coupon.valid_to > at),
            or_(Coupon.most_uses.is_(None), Coupon.taken < Coupon.most_uses),
        )
        .order_by(Coupon.created_at, Coupon.id)
    )
    return [(coupon, code) for coupon, code in await session.execute(query)]


async def _check_driver(session: AsyncSession, coupon: Coupon, driver_id: UUID, session_id: UUID | None = None) -> None:
    """Raise what a driver has done already that the coupon does not allow, besides in `session_id`."""
    if coupon.most_uses_each is not None:
        uses = (
            select(func.count())
            .select_from(CouponUse)
            .where(
                CouponUse.coupon_id == coupon.id,
                CouponUse.driver_id == driver_id,
                CouponUse.state != CouponUseState.RETURNED,
            )
        )
        if (await session.scalar(uses) or 0) >= coupon.most_uses_each:
            raise CouponUsedByYou
    if coupon.first_only:
        earlier = select(ChargingSession.id).where(
            ChargingSession.driver_id == driver_id, ChargingSession.state != SessionState.FAILED
        )
        if session_id is not None:
            earlier = earlier.where(ChargingSession.id != session_id)
        if await session.scalar(earlier.limit(1)) is not None:
            raise CouponForFirst


def _used_up(most: int | None, taken: int) -> bool:
    return most is not None and taken >= most
