"""What the back office makes and stops: rules of points, coupons and their codes. Nothing of it is ever changed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.power import STANDARD
from konsento.kit.ids import new_id
from konsento.models import Coupon, CouponCode, CouponKind, Driver, Outlet, PointRule, Site, Tariff
from konsento.rewards import codes, grants
from konsento.rewards.errors import (
    BadCode,
    BadCouponLimit,
    BadCouponValue,
    BadHours,
    BadPointsPerKwh,
    BadValidity,
    CodeTaken,
    CouponTitleMissing,
    GuestsHaveNoPoints,
    RewardStopped,
    TooManyCodes,
    UnknownTerm,
)
from konsento.rewards.facts import has_account

MOST_POINTS_PER_KWH: Final = 1000
POINT_DIGITS: Final = 4
LONGEST_TITLE: Final = 100
LARGEST_AMOUNT: Final = 1_000_000
"""Minor units that a coupon takes off."""
LARGEST_WH: Final = 1_000_000
LARGEST_LIMIT: Final = 1_000_000
MOST_CODES: Final = 5000
"""Of one batch."""
_MINUTES: Final = 1440


@dataclass(frozen=True, kw_only=True)
class WantedRule:
    """What a rule shall be; as `PointRule`."""

    points_per_kwh: Decimal
    power_type: str = ""
    tariff_name: str = ""
    supplier_code: str = ""
    from_minute: int | None = None
    to_minute: int | None = None
    in_windows: bool = False
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WantedCoupon:
    """What a coupon shall be; as `Coupon`."""

    title: str
    kind: CouponKind
    value: Decimal
    currency: str
    most_uses: int | None = None
    most_uses_each: int | None = None
    first_only: bool = False
    least_minor: int = 0
    site_ids: list[str] = field(default_factory=list)
    outlet_ids: list[str] = field(default_factory=list)
    tariff_names: list[str] = field(default_factory=list)
    power_types: list[str] = field(default_factory=list)
    grant_wh: int | None = None
    grant_power_type: str = ""
    grant_days: int | None = None
    valid_from: datetime
    valid_to: datetime | None = None


async def make_rule(session: AsyncSession, wanted: WantedRule, at: datetime) -> PointRule:
    """Make a rule. Raises a subclass of `BadReward`."""
    points = wanted.points_per_kwh
    if not 0 < points <= MOST_POINTS_PER_KWH or _digits(points) > POINT_DIGITS:
        raise BadPointsPerKwh(most=MOST_POINTS_PER_KWH, digits=POINT_DIGITS)
    minutes = (wanted.from_minute, wanted.to_minute)
    if minutes != (None, None):
        begin, end = minutes
        if begin is None or end is None or begin == end or not (0 <= begin < _MINUTES and 0 < end <= _MINUTES):
            raise BadHours
    _check_validity(wanted.valid_from, wanted.valid_to, at)
    _check_power([wanted.power_type])
    await _check_known(session, Tariff.name, [wanted.tariff_name])
    await _check_known(session, Tariff.supplier_code, [wanted.supplier_code])
    rule = PointRule(id=new_id(), created_at=at, **vars(wanted))
    session.add(rule)
    await session.flush()
    return rule


async def make_coupon(session: AsyncSession, wanted: WantedCoupon, at: datetime, public_code: str = "") -> Coupon:
    """Make a coupon, with one code for everybody where that is not empty. Raises a subclass of `BadReward`."""
    if not 0 < len(wanted.title) <= LONGEST_TITLE:
        raise CouponTitleMissing(most=LONGEST_TITLE)
    if not _is_value(wanted.kind, wanted.value):
        raise BadCouponValue(energy=LARGEST_WH // 1000, amount=LARGEST_AMOUNT)
    limits = (wanted.most_uses, wanted.most_uses_each, wanted.grant_wh, wanted.grant_days)
    if any(limit is not None and not 0 < limit <= LARGEST_LIMIT for limit in limits):
        raise BadCouponLimit(most=LARGEST_LIMIT)
    if not 0 <= wanted.least_minor <= LARGEST_AMOUNT:
        raise BadCouponLimit(most=LARGEST_AMOUNT)
    _check_validity(wanted.valid_from, wanted.valid_to, at)
    _check_power([*wanted.power_types, wanted.grant_power_type])
    await _check_known(session, Site.id, wanted.site_ids)
    await _check_known(session, Outlet.id, wanted.outlet_ids)
    await _check_known(session, Tariff.name, wanted.tariff_names)
    code = codes.normal(public_code)
    if public_code and not codes.is_code(code):
        raise BadCode(shortest=codes.SHORTEST, longest=codes.LONGEST)
    coupon = Coupon(id=new_id(), public=bool(code), taken=0, created_at=at, **vars(wanted))
    session.add(coupon)
    if code:
        try:
            async with session.begin_nested():
                session.add(CouponCode(code=code, coupon_id=coupon.id, taken=0, created_at=at))
        except IntegrityError:
            raise CodeTaken from None
    await session.flush()
    return coupon


async def make_codes(session: AsyncSession, coupon: Coupon, count: int, at: datetime) -> UUID:
    """Make random codes for a coupon, each for one use; returns their batch.

    Raises `TooManyCodes`, `RewardStopped`.
    """
    if not 0 < count <= MOST_CODES:
        raise TooManyCodes(most=MOST_CODES)
    _check_goes_on(coupon.valid_to, at)
    batch_id = new_id()
    made: set[str] = set()
    while len(made) < count:
        made.add(codes.new_code())
    session.add_all(
        CouponCode(code=code, coupon_id=coupon.id, batch_id=batch_id, most_uses=1, taken=0, created_at=at)
        for code in sorted(made)
    )
    await session.flush()
    return batch_id


async def give_code(session: AsyncSession, coupon: Coupon, driver: Driver, at: datetime) -> CouponCode:
    """Give a driver a code of their own, for one use. Raises `RewardStopped`, `GuestsHaveNoPoints`."""
    _check_goes_on(coupon.valid_to, at)
    if not has_account(driver):
        raise GuestsHaveNoPoints
    code = grants.code_for(coupon, driver.id, at)
    session.add(code)
    await session.flush()
    return code


def stop(row: PointRule | Coupon, at: datetime) -> None:
    """End a rule or a coupon now; sessions that have agreed to it keep it. Raises `RewardStopped`."""
    _check_goes_on(row.valid_to, at)
    # One that would begin later never does.
    row.valid_from = min(row.valid_from, at)
    row.valid_to = at


def _check_goes_on(valid_to: datetime | None, at: datetime) -> None:
    if valid_to is not None and valid_to <= at:
        raise RewardStopped


def _check_validity(begin: datetime, end: datetime | None, at: datetime) -> None:
    if end is not None and end <= max(begin, at):
        raise BadValidity


def _check_power(words: Sequence[str]) -> None:
    if any(word and word not in STANDARD for word in words):
        raise UnknownTerm


async def _check_known(session: AsyncSession, column: object, texts: Collection[str]) -> None:
    """Raise `UnknownTerm` where a text is not among the values of a column; empty ones stand for none."""
    wanted = {text for text in texts if text}
    if not wanted:
        return
    known = {str(value) for value in await session.scalars(select(column).distinct())}  # type: ignore[call-overload]
    if not wanted <= known:
        raise UnknownTerm


def _is_value(kind: CouponKind, value: Decimal) -> bool:
    match kind:
        case CouponKind.ENERGY:
            return 0 < value <= LARGEST_WH and _digits(value) <= 0
        case CouponKind.PERCENT:
            return 0 < value <= 1 and _digits(value) <= POINT_DIGITS
        case CouponKind.AMOUNT:
            return 0 < value <= LARGEST_AMOUNT and _digits(value) <= 0


def _digits(number: Decimal) -> int:
    return -int(number.normalize().as_tuple().exponent)
