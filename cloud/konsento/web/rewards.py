"""A driver's eco points and coupons: what they have, what it is worth, what has become of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from konsento.charging import service as charging
from konsento.kit.i18n import Language
from konsento.kit.power_words import power_type
from konsento.models import PointRule
from konsento.rewards import listing, points
from konsento.rewards import service as rewards
from konsento.rewards.discounts import worth_minor
from konsento.rewards.facts import has_account
from konsento.rewards.listing import OwnCoupon, OwnState
from konsento.rewards.points import Happened
from konsento.rewards.texts import conditions, gain, number_of, rule_text
from konsento.settings import Settings
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired
from konsento.web.words import points_reason

router = APIRouter()

ON_A_PAGE: Final = 30
MOST_PAGES: Final = 1000


@dataclass(frozen=True, kw_only=True)
class PointsLine:
    """One change of a driver's points."""

    what: str
    when: str
    points: str
    session_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class CouponView:
    """A coupon of a driver's own."""

    code: str
    gain: str
    conditions: list[str]
    state: str
    good: bool


@router.get("/account/rewards")
async def rewards_page(
    request: Request,
    services: Wired,
    driver: SignedIn,
    number: Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)] = 1,
) -> Response:
    """Show the driver's points and coupons; a guest is told what an account would bring."""
    language, settings, now = language_of(request), services.settings, services.clock.now()
    async with services.database.transaction() as session:
        standing = await points.standing(session, driver.id)
        next_one = await points.next_to_expire(session, driver.id)
        # One more than is shown tells whether there is a next page.
        history = await points.history(session, driver.id, ON_A_PAGE + 1, (number - 1) * ON_A_PAGE)
        own = await listing.coupons_of(session, driver.id, now)
        rules = await rewards.rules_between(session, now, now)
        first = await charging.first(session, driver.id)
    # By the clock where the driver began to charge, as the months of the receipts.
    zone = ZoneInfo(first.time_zone if first is not None else "UTC")
    return page(
        request,
        "rewards.html",
        driver=driver,
        has_account=has_account(driver),
        available=number_of(language, standing.available),
        reserved=number_of(language, standing.reserved) if standing.reserved else "",
        worth=worth_text(language, settings, standing.available),
        expiring=expiry_text(language, next_one, zone),
        terms=terms(language, settings),
        rules=[rule_line(language, rule) for rule in rules],
        coupons=[_coupon(language, one, zone) for one in own],
        history=[_line(language, happened, zone) for happened in history[:ON_A_PAGE]],
        newer=number - 1,
        older=number + 1 if len(history) > ON_A_PAGE else 0,
    )


def worth_text(language: Language, settings: Settings, number: int) -> str:
    """Return what so many points take off a bill; empty where that is nothing."""
    minor = worth_minor(number, settings.point_value)
    return language.money(minor, settings.currency) if minor else ""


def expiry_text(language: Language, next_one: tuple[datetime, int] | None, zone: ZoneInfo) -> str:
    """Return which points expire next; empty where none do."""
    if next_one is None:
        return ""
    at, number = next_one
    return language.text("{points} of them expire on {day}.", points=number, day=language.day(at, zone))


def terms(language: Language, settings: Settings) -> list[str]:
    """Return what points are, in plain words."""
    text, value = language.text, settings.point_value
    if value == 0:
        spent = text("Points are collected. They cannot be taken off a bill here at the moment.")
    else:
        # As many points as make the value a whole amount of money are easier to think in: 10 points take ¥1 off.
        count = 1
        while (value * count) % 1 and count < 10**8:
            count *= 10
        amount = language.money(int(value * count), settings.currency)
        spent = (
            text("1 point takes {amount} off a bill.", amount=amount)
            if count == 1
            else text("{points} points take {amount} off a bill.", points=count, amount=amount)
        )
    return [
        spent,
        *([text("You choose before each start whether to use them, and how many at most.")] if value else []),
        text("Points come when a charging is billed, for the energy that was measured."),
        text("They expire {days} days after they came.", days=settings.points_expire_days)
        if settings.points_expire_days
        else text("They do not expire."),
        text(
            "Points are no money: they are not paid out, sold or passed on. What is refunded of them is points again."
        ),
    ]


def rule_line(language: Language, rule: PointRule) -> str:
    """Return a rule as drivers read it."""
    return rule_text(language, rule, language.text(power_type(rule.power_type)) if rule.power_type else "")


def _line(language: Language, happened: Happened, zone: ZoneInfo) -> PointsLine:
    number = language.number(happened.points)
    return PointsLine(
        what=language.text(points_reason(happened.reason)),
        when=language.day(happened.at, zone),
        points=f"+{number}" if happened.points > 0 else number,
        session_id=happened.session_id,
    )


def _coupon(language: Language, own: OwnCoupon, zone: ZoneInfo) -> CouponView:
    text = language.text
    match own.state:
        case OwnState.USED:
            state = text("used")
        case OwnState.OVER:
            state = text("has run out")
        case OwnState.GOOD:
            until = own.until
            state = text("good until {day}", day=language.day(until, zone)) if until is not None else text("good")
    return CouponView(
        code=own.label,
        gain=gain(language, own.coupon),
        conditions=conditions(language, own.coupon, lambda word: text(power_type(word))),
        state=state,
        good=own.state is OwnState.GOOD,
    )
