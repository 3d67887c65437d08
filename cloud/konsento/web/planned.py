"""What a driver has planned to start by itself: how it stands, and cancelling it."""

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from konsento.advice import planned, planned_news
from konsento.advice.errors import PlanOver
from konsento.grid.windows import Window
from konsento.kit.i18n import Language
from konsento.models import Outlet, PlannedCharge, PlannedState
from konsento.payments.ways import Way
from konsento.services import Services
from konsento.sites import service as sites
from konsento.web.language import language_of
from konsento.web.outlook_view import when_text
from konsento.web.planning import last_start
from konsento.web.render import page
from konsento.web.session_view import limit_text
from konsento.web.who import SessionNumber, SignedIn, Wired
from konsento.web.words import payment_method

router = APIRouter()


@router.get("/planned/{session_id}")
async def planned_page(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Show a plan of the driver's, or the charging that came of it."""
    async with services.database.transaction() as session:
        found = await planned.own(session, driver.id, number)
        outlet = await sites.outlet_by_id(session, found.outlet_id)
    if found.state is PlannedState.STARTED:
        return RedirectResponse(f"/s/{found.session_id}", 303)
    language = language_of(request)
    title, sentence = _sentences(language, services, found, outlet)
    return page(
        request,
        "planned.html",
        driver=driver,
        plan=found,
        outlet=outlet,
        title=title,
        sentence=sentence,
        lines=_lines(language, services, found, outlet),
    )


@router.post("/planned/{session_id}/cancel")
async def cancel(number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Cancel a plan; one that has started leads to its charging."""
    try:
        async with services.database.transaction() as session:
            await planned.cancel(session, services, driver.id, number)
    except PlanOver:
        pass  # its page says what has become of it
    return RedirectResponse(f"/planned/{number}", 303)


def _sentences(language: Language, services: Services, plan: PlannedCharge, outlet: Outlet) -> tuple[str, str]:
    text, zone, now = language.text, ZoneInfo(outlet.site.time_zone), services.clock.now()
    window = Window(begin=plan.window_begin, end=plan.window_end)
    if plan.state is PlannedState.CANCELLED:
        return text("You have cancelled this."), text("Nothing starts by itself, nothing is charged.")
    if plan.state is PlannedState.FAILED:
        return text("It did not start."), language.error(planned_news.why(plan))
    if plan.start_at <= now:
        until = language.clock(window.end, zone)
        return (
            text("It is about to start."),
            text("The outlet cannot be started at this moment. It is tried again until {until}.", until=until),
        )
    begin, last = language.clock(window.begin, zone), language.clock(last_start(window), zone)
    return (
        text("It starts by itself. {when}", when=when_text(language, window, now, zone)),
        text(
            "It starts between {begin} and {last}. Plug the car in before; we tell you how it went.",
            begin=begin,
            last=last,
        ),
    )


def _lines(language: Language, services: Services, plan: PlannedCharge, outlet: Outlet) -> list[tuple[str, str]]:
    text, currency = language.text, services.settings.currency
    way = Way.read(plan.way)
    lines = [
        (text("Outlet"), outlet.name),
        (text("Site"), outlet.site.name),
        (text("Ends at"), limit_text(language, plan.limit_kind, plan.limit_amount, currency)),
        (text("At most"), language.money(plan.agreed_most_minor, currency)),
        (text("Paid with"), text(payment_method(way.method or way.provider))),
    ]
    if plan.inside:
        zone = ZoneInfo(outlet.site.time_zone)
        lines.insert(3, (text("or at"), language.clock(plan.window_end, zone)))
    return lines
