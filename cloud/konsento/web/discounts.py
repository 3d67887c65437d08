"""A coupon and points on the page of the price: what they would take off, or why they cannot."""

from dataclasses import dataclass, replace
from typing import Final

from konsento import pricing
from konsento.charging.quote import Quote
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.models import LimitKind
from konsento.pricing import Adjustment, Usage
from konsento.rewards import points
from konsento.rewards import service as rewards
from konsento.rewards.discounts import POINTS_CODE
from konsento.rewards.errors import CannotDiscount
from konsento.rewards.facts import Purchase, has_account, place_at
from konsento.rewards.texts import number_of
from konsento.services import Services
from konsento.web.place import Place
from konsento.web.rewards import worth_text
from konsento.web.wanted import Off

LONGEST_CODE: Final = 40
"""Of what is shown again of a code that somebody typed."""


@dataclass(frozen=True, kw_only=True)
class OffView:
    """What the page shows of coupon and points."""

    available: str
    """Points that can be used now, in words; empty for none."""
    worth: str
    """What they take off; empty where that is nothing."""
    coupon: str
    points: str
    """As typed; at first all that there are."""
    use_points: bool
    lines: list[tuple[str, str]]
    """What is taken off the estimate, and what is left then; none where nothing is known to be taken off."""
    quote: Quote
    """With the estimate that is left."""
    problem: KonsentoError | None


async def off_view(services: Services, language: Language, place: Place, off: Off, quote: Quote) -> OffView | None:
    """Return what coupon and points would do to a quote; None where nobody is signed in who could have any."""
    if place.driver is None:
        return None
    settings, driver = services.settings, place.driver
    problem, checked = None, None
    async with services.database.transaction() as session:
        available = (await points.standing(session, driver.id)).available if has_account(driver) else 0
        try:
            purchase = Purchase(driver=driver, place=place_at(place.outlet, place.offer), most_minor=quote.hold_minor)
            checked = await rewards.check(session, settings, purchase, off.wanted(), services.clock.now())
        except CannotDiscount as error:
            problem = error
    usage = Usage.steady(begin=place.at, mwh=quote.estimated_wh * 1000, supply_s=quote.estimated_s)
    full = pricing.bill(quote.price, usage)
    bill = pricing.discounted(full, quote.price, checked.discounts if checked is not None else ())
    left = min(bill.total_minor, quote.estimated_minor)
    lines = [
        (
            language.text("Points") if line.code == POINTS_CODE else language.text("Coupon {code}", code=line.code),
            language.money(line.amount_minor, quote.currency),
        )
        for line in bill.lines
        if line.component is Adjustment.DISCOUNT
    ]
    if lines:
        left_text = language.money(left, quote.currency)
        until_full = quote.requested.kind is LimitKind.FULL
        lines.append((language.text("To pay, at most") if until_full else language.text("To pay, about"), left_text))
    return OffView(
        available=number_of(language, available) if available else "",
        worth=worth_text(language, settings, available),
        coupon=off.coupon[:LONGEST_CODE],
        points=off.points[:10] or str(available),
        use_points=bool(off.use_points),
        lines=lines,
        quote=replace(quote, estimated_minor=left),
        problem=problem,
    )
