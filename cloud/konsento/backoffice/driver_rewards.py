"""A driver's points and coupons, for support: corrected and given for a reason that is logged."""

from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.backoffice import asked
from konsento.backoffice.drivers import SENT_TWICE, driver_of, look
from konsento.backoffice.reward_forms import whole
from konsento.backoffice.who import CreditGiver, Number
from konsento.kit.errors import KonsentoError
from konsento.models import Coupon
from konsento.operations import audit
from konsento.rewards import codes, making, points
from konsento.rewards.errors import GuestsHaveNoPoints
from konsento.rewards.facts import has_account
from konsento.rewards.texts import number_of
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


class Correction(BaseModel):
    """How many points a driver gets, or loses, and why."""

    points: str = ""
    reason: str = ""
    once: UUID
    """Of the form: sent twice it counts once."""


@router.post("/drivers/{number}/points")
async def correct_points(
    request: Request, number: Number, services: Wired, member: CreditGiver, form: Annotated[Correction, Form()]
) -> Response:
    """Give a driver points, or take some, to make a mistake good."""
    language = language_of(request)
    try:
        why = asked.reason(form.reason)
        async with services.database.transaction() as session:
            if not has_account(await driver_of(session, number)):
                raise GuestsHaveNoPoints
            correction_id, now = uuid5(number, f"points {form.once}"), services.clock.now()
            left = await points.correct(session, number, whole(form.points) or 0, correction_id, now)
            if left is not None:
                details = {"reason": why, "points": whole(form.points), "transfer": str(correction_id)}
                await audit.note(session, now, member.id, action="driver.points", subject=str(number), details=details)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await look(request, services, member, number, reason=form.reason, error=error)
    done = language.text("The driver now has {points}.", points=number_of(language, left)) if left is not None else ""
    return await look(request, services, member, number, reason=form.reason, done=done or language.text(SENT_TWICE))


class Gift(BaseModel):
    """Which coupon a driver is given, and why."""

    coupon: str = ""
    reason: str = ""


@router.post("/drivers/{number}/coupon")
async def give_coupon(
    request: Request, number: Number, services: Wired, member: CreditGiver, form: Annotated[Gift, Form()]
) -> Response:
    """Give a driver a code of their own."""
    try:
        why = asked.reason(form.reason)
        async with services.database.transaction() as session:
            driver = await driver_of(session, number)
            coupon = await _coupon(session, form.coupon)
            now = services.clock.now()
            code = await making.give_code(session, coupon, driver, now)
            details = {"reason": why, "coupon": coupon.title}
            await audit.note(session, now, member.id, action="driver.coupon", subject=str(number), details=details)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await look(request, services, member, number, reason=form.reason, error=error)
    done = language_of(request).text("The driver has a new coupon: {code}", code=codes.label(code.code))
    return await look(request, services, member, number, reason=form.reason, done=done)


async def _coupon(session: AsyncSession, text: str) -> Coupon:
    number = asked.number(text)
    coupon = await session.get(Coupon, number) if number is not None else None
    if coupon is None:
        raise PageNotFound
    return coupon
