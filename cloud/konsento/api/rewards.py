"""The driver's eco points and coupons."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from konsento.api.problems import declared
from konsento.api.schemas import Money, money
from konsento.api.who import ReadsBalance
from konsento.rewards import listing, points
from konsento.rewards.discounts import worth_minor
from konsento.rewards.listing import OwnCoupon, OwnState
from konsento.web.who import Wired

router = APIRouter(tags=["Account"])

NEWEST: Final = 20
"""Changes that are told."""


class Change(BaseModel):
    """What changed the driver's points."""

    at: datetime
    points: int = Field(description="Below zero where they went.", examples=[6])
    reason: str = Field(
        description="`points-earned`, `points-spent`, `points-expired`, `points-correction`.",
        examples=["points-earned"],
    )
    session_id: str | None = Field(description="By which charging; null for none.")


class Points(BaseModel):
    """The driver's eco points. They are no money: they only make bills less."""

    available: int = Field(description="Can be used now.", examples=[120])
    reserved: int = Field(description="Kept for sessions that are not billed yet.", examples=[0])
    worth: Money = Field(description="What those that can be used would take off a bill.")
    expires_at: datetime | None = Field(description="When the next ones expire; null where none do.")
    expiring: int = Field(description="How many expire then.", examples=[20])
    changes: list[Change] = Field(description="The newest twenty, without reservations.")


class Coupon(BaseModel):
    """A coupon that was given to the driver."""

    code: str = Field(description="As a start takes it.", examples=["K7F2-9QXM-4TRW"])
    kind: str = Field(description="`energy`, `percent` or `amount`.", examples=["percent"])
    value: str = Field(
        description="Wh that cost nothing, the share of 1 that is taken off, or minor units; a decimal number.",
        examples=["0.1"],
    )
    currency: str = Field(description="ISO 4217.", examples=["JPY"])
    least: Money | None = Field(description="Bills below it get nothing off; null for none.")
    state: OwnState = Field(description="`used` also while a session keeps it.", examples=["good"])
    until: datetime | None = Field(description="From when on no session can have it; null for no end.")


class Coupons(BaseModel):
    """The driver's own coupons, the newest first."""

    items: list[Coupon]


@router.get("/points", responses=declared())
async def get_points(services: Wired, caller: ReadsBalance) -> Points:
    """Get the eco points.

    How many the driver has, what they are worth, and the newest changes.
    """
    async with services.database.transaction() as session:
        standing = await points.standing(session, caller.driver.id)
        expiring = await points.next_to_expire(session, caller.driver.id)
        history = await points.history(session, caller.driver.id, NEWEST)
    worth = worth_minor(standing.available, services.settings.point_value)
    return Points(
        available=standing.available,
        reserved=standing.reserved,
        worth=money(worth, services.settings.currency),
        expires_at=expiring[0] if expiring is not None else None,
        expiring=expiring[1] if expiring is not None else 0,
        changes=[
            Change(
                at=one.at,
                points=one.points,
                reason=one.reason,
                session_id=str(one.session_id) if one.session_id is not None else None,
            )
            for one in history
        ],
    )


@router.get("/coupons", responses=declared())
async def list_coupons(services: Wired, caller: ReadsBalance) -> Coupons:
    """List the coupons.

    Those that were given to the driver; codes for everybody are not among them.
    """
    async with services.database.transaction() as session:
        own = await listing.coupons_of(session, caller.driver.id, services.clock.now())
    return Coupons(items=[_coupon(one) for one in own])


def _coupon(own: OwnCoupon) -> Coupon:
    terms = own.coupon
    return Coupon(
        code=own.label,
        kind=terms.kind,
        value=f"{terms.value:f}",
        currency=terms.currency,
        least=money(terms.least_minor, terms.currency) if terms.least_minor else None,
        state=own.state,
        until=own.until,
    )
