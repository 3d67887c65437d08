"""What a driver is told of a planned charging: by mail, and on the phones that they are advised on."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import browsers
from konsento.advice.errors import CardAsks, NotStarted, PriceHigher, WindowOver
from konsento.catalogue.errors import NoTariff, OfferGone
from konsento.charging.errors import CHECKOUT_FAILURES, FAILURES, MeteringNotAgreed, StillUnpaid
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES, Language
from konsento.kit.work import Again, Job
from konsento.models import AdviceBrowser, Driver, PlannedCharge, PlannedState
from konsento.notifications import mail, push
from konsento.notifications.mail import Mail
from konsento.notifications.push import Notice
from konsento.payments.errors import (
    BalanceTooLow,
    CardDeclined,
    PaymentRefused,
    TooMuchLater,
    UnknownCard,
    UnknownMethod,
)
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import OutletOutOfOrder, OutletOutOfOrderFor

PUSH: Final = "planned-push"
"""Due work: one notice to one browser; its keys are the ids of plan and browser, one after the other."""
_HEX: Final = 32
"""Digits of an id."""
_KEPT_S: Final = 4 * 3600
"""How long a push service keeps it for a phone that is off, s."""
REASONS: Final[dict[str, type[KonsentoError]]] = {
    **CHECKOUT_FAILURES,
    **{kind.__name__: kind for kind in FAILURES.values()},
    **{
        kind.__name__: kind
        for kind in (
            BalanceTooLow,
            CardAsks,
            CardDeclined,
            MeteringNotAgreed,
            NoTariff,
            OfferGone,
            OutletOutOfOrder,
            PaymentRefused,
            PriceHigher,
            StillUnpaid,
            TooMuchLater,
            UnknownCard,
            UnknownMethod,
            WindowOver,
        )
    },
    OutletOutOfOrderFor.__name__: OutletOutOfOrder,
}
"""Why a plan can fail, to what the driver reads."""


@dataclass(frozen=True, kw_only=True)
class _News:
    title: str
    body: str
    says: str
    path: str


def install(services: Services) -> None:
    """Register the handler of notices."""

    @services.work.on(PUSH, places=2)
    async def send_push(job: Job) -> Again | None:
        await _push(services, UUID(job.key[:_HEX]), UUID(job.key[_HEX:]))
        return None


async def tell(session: AsyncSession, services: Services, planned: PlannedCharge) -> None:
    """Tell a plan's driver what has become of it, in the transaction in which that is noted."""
    driver = await session.get_one(Driver, planned.driver_id)
    keys = [f"{planned.id.hex}{browser.id.hex}" for browser in await browsers.of(session, driver.id)]
    await services.work.add_all(session, PUSH, keys)
    if not driver.email:
        return
    language = LANGUAGES.get(driver.locale) or LANGUAGES.default
    news = await _news(session, planned, language)
    letter = Mail(
        recipient=driver.email,
        subject=news.title,
        paragraphs=(news.body,),
        link=(news.says, f"{services.settings.public_url.rstrip('/')}{news.path}"),
    )
    await mail.queue(session, services, letter, language)


def why(planned: PlannedCharge) -> KonsentoError:
    """Return what a driver reads for why a plan failed."""
    return REASONS.get(planned.reason, NotStarted)()


async def _push(services: Services, plan_id: UUID, browser_id: UUID) -> None:
    async with services.database.transaction() as session:
        planned = await session.get(PlannedCharge, plan_id)
        browser = await session.get(AdviceBrowser, browser_id)
        if planned is None or browser is None or browser.driver_id != planned.driver_id:
            return
        news = await _news(session, planned, LANGUAGES.get(browser.locale) or LANGUAGES.default)
    notice = Notice(title=news.title, body=news.body, path=news.path, topic=planned.id.hex, kept_s=_KEPT_S)
    if not await push.send(services, browser, notice):
        async with services.database.transaction() as session:
            await browsers.forget(session, browser.driver_id, browser.endpoint)


async def _news(session: AsyncSession, planned: PlannedCharge, language: Language) -> _News:
    text = language.text
    outlet = await sites.outlet_by_id(session, planned.outlet_id)
    if planned.state is PlannedState.STARTED:
        when = language.moment(planned.over_at or planned.start_at, ZoneInfo(outlet.site.time_zone))
        return _News(
            title=text("Your planned charging has started"),
            body=text("{outlet}, {site}: started {when}.", outlet=outlet.name, site=outlet.site.name, when=when),
            says=text("See the charging"),
            path=f"/s/{planned.session_id}",
        )
    return _News(
        title=text("Your planned charging did not start"),
        body=text(
            "{outlet}, {site}: {reason}",
            outlet=outlet.name, site=outlet.site.name, reason=language.error(why(planned)),
        ),
        says=text("See what was planned"),
        path=f"/planned/{planned.id}",
    )  # fmt: skip
