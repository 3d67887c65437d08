"""Rules, points and coupons as an operator gives them, for tests."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from konsento.charging import service as charging
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.ledger import service as ledger
from konsento.models import (
    POINTS,
    AccountKind,
    ChargingSession,
    Coupon,
    CouponCode,
    CouponKind,
    LedgerAccount,
    LimitKind,
    PointLot,
    PointRule,
    Receipt,
)
from konsento.rewards import making, points
from konsento.rewards.making import WantedCoupon, WantedRule
from konsento.rewards.points import Standing

from ..conftest import AT, CODES, Core, whole_session

TEN_WH = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
BILL = 38
"""What the ten Wh of `whole_session` cost at 3,850 yen a kWh; 46 yen are held for them."""


async def rule(core: Core, points_per_kwh: str = "1000", **more: Any) -> PointRule:
    """Make a rule: by itself 10 points for the 10.2 Wh of `whole_session`."""
    wanted = WantedRule(points_per_kwh=Decimal(points_per_kwh), **{"valid_from": AT} | more)
    async with core.services.database.transaction() as session:
        return await making.make_rule(session, wanted, core.clock.now())


async def coupon(core: Core, kind: str = "amount", value: str = "10", code: str = "SUNNY10", **more: Any) -> Coupon:
    """Make a coupon, with one code for everybody unless that is empty."""
    wanted = WantedCoupon(
        title="Sun", kind=CouponKind(kind), value=Decimal(value), **{"currency": "JPY", "valid_from": AT} | more
    )
    async with core.services.database.transaction() as session:
        return await making.make_coupon(session, wanted, core.clock.now(), code)


async def give(core: Core, number: int, driver_id: UUID | None = None) -> None:
    """Give the driver points."""
    async with core.services.database.transaction() as session:
        await points.correct(session, driver_id or core.driver_id, number, uuid4(), core.clock.now())


async def start(core: Core, **more: Any) -> ChargingSession:
    """Start ten Wh as the driver."""
    of_driver = more.pop("driver_id", core.driver_id)
    return await charging.start(
        core.services, Wish(driver_id=of_driver, outlet_code=more.pop("outlet", CODES[0]), requested=TEN_WH, **more)
    )


async def end(core: Core, session: ChargingSession) -> Receipt:
    """Have ten Wh flow, and the session billed."""
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    async with core.services.database.transaction() as tx:
        return await tx.get_one(Receipt, session.id)


async def standing(core: Core) -> Standing:
    """Return how many points the driver has; checks that ledger and lots agree, and that nothing is lost."""
    async with core.services.database.transaction() as session:
        for account in await session.scalars(select(LedgerAccount).where(LedgerAccount.currency == POINTS)):
            if account.kind is AccountKind.DRIVER_POINTS:
                assert ledger.available_credit(account) >= 0
                lots = select(PointLot.points_left).where(PointLot.driver_id == UUID(account.owner))
                assert sum(await session.scalars(lots)) == account.credits_posted - account.debits_posted
        totals = select(LedgerAccount.debits_posted - LedgerAccount.credits_posted).where(
            LedgerAccount.currency == POINTS
        )
        assert sum(await session.scalars(totals)) == 0
        return await points.standing(session, core.driver_id)


async def taken(core: Core, code: str = "SUNNY10") -> tuple[int, int]:
    """Return how often a code, and its coupon with all codes, count as taken."""
    async with core.services.database.transaction() as session:
        row = await session.get_one(CouponCode, code)
        return row.taken, (await session.get_one(Coupon, row.coupon_id)).taken


def later(core: Core, **span: int) -> datetime:
    """Return a moment after now."""
    return core.clock.now() + timedelta(**span)
