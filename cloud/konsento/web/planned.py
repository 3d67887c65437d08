"""A planned charging: how it stands, and cancelling it."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.advice import planned, planned_news
from konsento.kit.i18n import Language, marked
from konsento.models import Outlet, PlannedCharge, PlannedState
from konsento.services import Services
from konsento.sites import service as sites
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.session_view import limit_text
from konsento.web.who import SessionNumber, SignedIn, Wired

router = APIRouter()

_TITLES = {
    PlannedState.PLANNED: marked("Planned: it starts by itself."),
    PlannedState.STARTED: marked("Your planned charging has started."),
    PlannedState.FAILED: marked("Your planned charging did not start."),
    PlannedState.CANCELLED: marked("Cancelled: nothing starts."),
}


@dataclass(frozen=True, kw_only=True)
class PlannedView:
    """A planned charging as pages write it."""

    id: UUID
    title: str
    outlet: str
    site: str
    amount: str
    """What is to be charged."""
    when: str
    """From when until when it may start."""
    price: str
    """The most that a kWh may cost."""
    most: str
    """The most that all of it may cost."""
    reason: str
    """Why it did not start."""
    is_open: bool
    session: UUID | None
    """Its session, where one has begun."""


@router.get("/planned/{session_id}")
async def planned_page(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Show a planned charging."""
    async with services.database.transaction() as session:
        found = await planned.own(session, driver.id, number)
        outlet = await sites.outlet_by_id(session, found.outlet_id)
    view = planned_view(language_of(request), services, found, outlet)
    return page(request, "planned.html", driver=driver, planned=view)


@router.post("/planned/{session_id}/cancel")
async def cancel(number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Cancel it; one that has started meanwhile is shown as that."""
    async with services.database.transaction() as session:
        await planned.cancel(session, services, driver.id, number)
    return RedirectResponse(f"/planned/{number}", 303)


async def open_views(
    session: AsyncSession, services: Services, language: Language, driver_id: UUID
) -> list[PlannedView]:
    """Return what a driver has planned, in order of its start."""
    return [
        planned_view(language, services, one, await sites.outlet_by_id(session, one.outlet_id))
        for one in await planned.open_of(session, driver_id)
    ]


def planned_view(language: Language, services: Services, found: PlannedCharge, outlet: Outlet) -> PlannedView:
    """Describe a planned charging; its outlet has its site."""
    zone, currency = ZoneInfo(outlet.site.time_zone), services.settings.currency
    return PlannedView(
        id=found.id,
        title=language.text(_TITLES[found.state]),
        outlet=outlet.name,
        site=outlet.site.name,
        amount=limit_text(language, found.limit_kind, found.limit_amount, currency),
        when=f"{language.moment(found.window_begin, zone)}–{language.clock(found.window_end, zone)}",
        price=language.text("{price} per kWh", price=language.unit_price(found.agreed_unit_price, currency)),
        most=language.money(found.agreed_most_minor, currency),
        reason=language.error(planned_news.why(found)) if found.reason else "",
        is_open=found.state is PlannedState.PLANNED,
        session=found.session_id if found.state is PlannedState.STARTED else None,
    )
