"""Starting what was planned: once, while its window lasts, at a price that the driver has agreed to."""

import logging
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import errors
from konsento.advice.errors import CardAsks, PriceHigher, WindowOver
from konsento.advice.planned import WORK
from konsento.catalogue import service as catalogue
from konsento.charging import checkout
from konsento.charging import errors as charging_errors
from konsento.charging import service as charging
from konsento.charging.errors import PriceChanged, failure
from konsento.charging.limits import RequestedLimit
from konsento.charging.quote import quoted, terms_of
from konsento.charging.wish import Wish
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES
from konsento.kit.work import Again, Job
from konsento.models import CheckoutState, Driver, PlannedCharge, PlannedState, SessionState
from konsento.notifications import mail
from konsento.notifications.mail import Mail
from konsento.payments.errors import PaymentAway
from konsento.payments.ways import Way
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy, OutletDisabled, OutletFaulty, OutletOffline, SiteClosed, SiteClosedForLong

log = logging.getLogger(__name__)

AGAIN_S: Final = 60.0
"""An outlet that cannot be started now is tried again so often while the window lasts."""
_PASSING: Final = (
    OutletBusy,
    OutletOffline,
    OutletFaulty,
    OutletDisabled,
    SiteClosed,
    SiteClosedForLong,
    PriceChanged,
    PaymentAway,
)
"""What may be over in a minute."""


class _RefusedError(Exception):
    """The site has refused: it is over, or the driver would hear of every attempt."""

    def __init__(self, why: KonsentoError) -> None:
        super().__init__(why.code)
        self.why = why


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on(WORK)
    async def start_one(job: Job) -> Again | None:
        return await start(services, UUID(job.key))


async def start(services: Services, plan_id: UUID) -> Again | None:
    """Start what was planned if it is time; returns when to try again. Opens its own transactions."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        planned = await session.get(PlannedCharge, plan_id)
        if planned is None or planned.state is not PlannedState.PLANNED:
            return None
        if now < planned.start_at:
            return Again((planned.start_at - now).total_seconds())
        outlet = await sites.outlet_by_id(session, planned.outlet_id)
    try:
        if now >= planned.window_end:
            raise WindowOver
        session_id = await _start(services, planned, outlet.code)
    except _PASSING as error:
        log.info("planned %s: %s", plan_id, error.code)
        return Again(min(AGAIN_S, max(1.0, (planned.window_end - now).total_seconds())))
    except (KonsentoError, _RefusedError) as error:
        why = error.why if isinstance(error, _RefusedError) else error
        log.info("planned %s did not start: %s", plan_id, why.code)
        await _failed(services, plan_id, why)
    else:
        await _started(services, plan_id, session_id)
    return None


async def _start(services: Services, planned: PlannedCharge, code: str) -> UUID:
    """Start the session and return it; raises why it did not."""
    way = Way.read(planned.way)
    wish = Wish(
        driver_id=planned.driver_id,
        outlet_code=code,
        requested=RequestedLimit(kind=planned.limit_kind, amount=planned.limit_amount),
        offer=planned.offer,
        agreed=await _price(services, planned, code, way),
        coupon=planned.coupon,
        points=planned.points,
    )
    if way.provider in services.desk.external:
        asked = checkout.Asked(wish=wish, provider=way.provider, method=way.method, card=way.card, shown_before=True)
        opened = await checkout.begin(services, asked, checkout_id=planned.id)
        if opened.checkout.state is CheckoutState.OPEN:
            await checkout.give_up(services, planned.driver_id, planned.id)
            raise CardAsks
        if opened.checkout.state is not CheckoutState.STARTED:
            raise _RefusedError(failure(opened.checkout.failure))
        return opened.checkout.session_id
    begun = await charging.start(services, wish, way.provider, session_id=planned.session_id, shown_before=True)
    if begun.state is SessionState.FAILED:
        raise _RefusedError(failure(begun.failure))
    return begun.id


async def _price(services: Services, planned: PlannedCharge, code: str, way: Way) -> str:
    """Return the fingerprint of the price of this moment. Raises `PriceHigher` above what was agreed to."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        outlet = await sites.outlet_by_code(session, code)
        offer = (await catalogue.on_sale(session, now, outlet)).chosen(outlet, planned.offer)
        terms = terms_of(offer, outlet, now)
        funds = await settlement.funds(session, services, planned.driver_id, way.provider, way.method)
        requested = RequestedLimit(kind=planned.limit_kind, amount=planned.limit_amount)
        most = quoted(terms, requested, funds).hold_minor
    if terms.price.unit_price > planned.agreed_unit_price or most > planned.agreed_most_minor:
        raise PriceHigher
    return terms.price.fingerprint


async def _started(services: Services, plan_id: UUID, session_id: UUID) -> None:
    async with services.database.transaction() as session:
        planned = await session.get_one(PlannedCharge, plan_id, with_for_update=True)
        if planned.state is PlannedState.STARTED:
            return
        # Also one that was cancelled while it was being started: the session runs, and the driver sees it.
        planned.state, planned.over_at = PlannedState.STARTED, services.clock.now()
        planned.session_id = session_id
        await _tell(session, services, planned)


async def _failed(services: Services, plan_id: UUID, why: KonsentoError) -> None:
    async with services.database.transaction() as session:
        planned = await session.get_one(PlannedCharge, plan_id, with_for_update=True)
        if planned.state is PlannedState.PLANNED:
            planned.state, planned.over_at = PlannedState.FAILED, services.clock.now()
            planned.reason = why.code[:50]
            await _tell(session, services, planned)


async def _tell(session: AsyncSession, services: Services, planned: PlannedCharge) -> None:
    driver = await session.get_one(Driver, planned.driver_id)
    if not driver.email:
        return
    outlet = await sites.outlet_by_id(session, planned.outlet_id)
    language = LANGUAGES.get(driver.locale) or LANGUAGES.default
    text, started = language.text, planned.state is PlannedState.STARTED
    when = language.moment(planned.over_at or planned.start_at, ZoneInfo(outlet.site.time_zone))
    letter = Mail(
        recipient=driver.email,
        subject=text("Your planned charging has started") if started else text("Your planned charging did not start"),
        paragraphs=(
            text("{outlet}, {site}: started {when}.", outlet=outlet.name, site=outlet.site.name, when=when)
            if started
            else f"{outlet.name}, {outlet.site.name}: {language.text(message_of(planned.reason))}",
        ),
        link=(text("See the charging"), _address(services, planned)),
    )
    await mail.queue(session, services, letter, language)


def _address(services: Services, planned: PlannedCharge) -> str:
    return f"{services.settings.public_url.rstrip('/')}/planned/{planned.id}"


def message_of(code: str) -> str:
    """Return the sentence for why a plan failed."""
    found = getattr(errors, code, None) or getattr(charging_errors, code, None)
    if isinstance(found, type) and issubclass(found, KonsentoError) and "{" not in found.message:
        return found.message
    return failure(code).message
