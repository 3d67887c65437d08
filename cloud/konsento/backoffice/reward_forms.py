"""What operators type into the forms of point rules and coupons, read into what rewards take."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.backoffice import asked
from konsento.kit import typed
from konsento.kit.money import minor_from_major
from konsento.models import CouponKind, Outlet
from konsento.rewards.errors import (
    BadCouponLimit,
    BadCouponValue,
    BadHours,
    BadPointsPerKwh,
    BadValidity,
    UnknownTerm,
)
from konsento.rewards.making import (
    LARGEST_AMOUNT,
    LARGEST_LIMIT,
    LARGEST_WH,
    MOST_POINTS_PER_KWH,
    POINT_DIGITS,
    WantedCoupon,
    WantedRule,
)
from konsento.sites import codes as outlet_codes

_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)")


class RuleForm(BaseModel):
    """A rule of points, as typed."""

    points: str = ""
    power: str = ""
    tariff: str = ""
    supplier: str = ""
    from_time: str = ""
    to_time: str = ""
    in_windows: bool = False
    begins: str = ""
    """As a field for date and time gives it; empty: now."""
    ends: str = ""
    """Empty: not at all."""

    def wanted(self, now: datetime, zone: str) -> WantedRule:
        """Read it, times by the clock of `zone`. Raises a subclass of `BadReward`."""
        points = typed.number(self.points)
        if points is None:
            raise BadPointsPerKwh(most=MOST_POINTS_PER_KWH, digits=POINT_DIGITS)
        return WantedRule(
            points_per_kwh=points,
            power_type=self.power,
            tariff_name=self.tariff,
            supplier_code=self.supplier,
            from_minute=_minute(self.from_time),
            to_minute=_minute(self.to_time),
            in_windows=self.in_windows,
            valid_from=_moment(self.begins, zone) or now,
            valid_to=_moment(self.ends, zone),
        )


class CouponForm(BaseModel):
    """A coupon, as typed."""

    title: str = ""
    kind: str = CouponKind.PERCENT
    value: str = ""
    """Percent, major units, or kWh."""
    code: str = ""
    """For everybody; empty where it has none."""
    most_uses: str = ""
    most_uses_each: str = ""
    first_only: bool = False
    least: str = ""
    """Major units."""
    sites: list[str] = []
    outlets: str = ""
    """Codes, separated by spaces or commas."""
    tariffs: list[str] = []
    powers: list[str] = []
    grant_kwh: str = ""
    grant_power: str = ""
    grant_days: str = ""
    begins: str = ""
    ends: str = ""

    async def wanted(self, session: AsyncSession, now: datetime, zone: str, currency: str) -> WantedCoupon:
        """Read it, times by the clock of `zone`. Raises a subclass of `BadReward`."""
        if self.kind not in {kind.value for kind in CouponKind}:
            raise UnknownTerm
        kind = CouponKind(self.kind)
        grant_kwh = typed.number(self.grant_kwh) if self.grant_kwh.strip() else None
        if self.grant_kwh.strip() and grant_kwh is None:
            raise BadCouponLimit(most=LARGEST_LIMIT)
        return WantedCoupon(
            title=" ".join(self.title.split()),
            kind=kind,
            value=_value(kind, self.value, currency),
            currency=currency,
            most_uses=_limit(self.most_uses),
            most_uses_each=_limit(self.most_uses_each),
            first_only=self.first_only,
            least_minor=_minor(self.least, currency) if self.least.strip() else 0,
            site_ids=self.sites,
            outlet_ids=await _outlet_ids(session, self.outlets),
            tariff_names=self.tariffs,
            power_types=self.powers,
            grant_wh=int(grant_kwh * 1000) if grant_kwh is not None else None,
            grant_power_type=self.grant_power,
            grant_days=_limit(self.grant_days),
            valid_from=_moment(self.begins, zone) or now,
            valid_to=_moment(self.ends, zone),
        )


def whole(text: str) -> int | None:
    """Return a typed whole number, with a sign or without; None for what is none."""
    number = typed.number(text)
    return int(number) if number is not None and number == int(number) else None


def _value(kind: CouponKind, text: str, currency: str) -> Decimal:
    number = typed.number(typed.plain(text).removesuffix("%").strip())
    if number is None:
        raise BadCouponValue(energy=LARGEST_WH // 1000, amount=LARGEST_AMOUNT)
    match kind:
        case CouponKind.PERCENT:
            return number / 100
        case CouponKind.ENERGY:
            return number * 1000
        case CouponKind.AMOUNT:
            return Decimal(_minor(text, currency))


def _minor(text: str, currency: str) -> int:
    number = typed.number(text)
    try:
        return minor_from_major(number, currency) if number is not None else -1
    except ValueError:
        raise BadCouponValue(energy=LARGEST_WH // 1000, amount=LARGEST_AMOUNT) from None


def _limit(text: str) -> int | None:
    if not text.strip():
        return None
    number = whole(text)
    if number is None:
        raise BadCouponLimit(most=LARGEST_LIMIT)
    return number


def _minute(text: str) -> int | None:
    plain = typed.plain(text)
    if not plain:
        return None
    match = _CLOCK.fullmatch(plain)
    if match is None or int(match[2]) > 59:  # minutes of an hour
        raise BadHours
    return int(match[1]) * 60 + int(match[2])


def _moment(text: str, zone: str) -> datetime | None:
    if not text.strip():
        return None
    at = asked.moment(typed.plain(text), zone)
    if at is None:
        raise BadValidity
    return at


async def _outlet_ids(session: AsyncSession, text: str) -> list[str]:
    typed_codes = {outlet_codes.normal(code) for code in re.split(r"[\s,、]+", typed.plain(text)) if code}
    if not typed_codes:
        return []
    found = list(await session.scalars(select(Outlet.id).where(Outlet.code.in_(typed_codes))))
    if len(found) < len(typed_codes):
        raise UnknownTerm
    return [str(number) for number in found]
