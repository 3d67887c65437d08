"""Sessions: search them, see everything about one, stop it, ask the site about it, send its receipt again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.accounts import repository as accounts
from konsento.backoffice import asked, repository, timeline
from konsento.backoffice.csv import csv_file
from konsento.backoffice.paging import PAGE, Pages
from konsento.backoffice.render import exact_time, office_page
from konsento.backoffice.repository import Wanted
from konsento.backoffice.session_view import session_row
from konsento.backoffice.timeline import History, Source
from konsento.backoffice.who import Member, Number, SessionSupport
from konsento.backoffice.words import PAYMENTS, PROVIDERS, STATES
from konsento.charging import service as charging_service
from konsento.charging.progress import progress_of
from konsento.charging.repository import power_of
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES, Language
from konsento.models import ACTIVE, ChargingSession, Driver, Receipt, SessionState, StaffMember
from konsento.notifications import mail
from konsento.notifications.mail import Mail
from konsento.ocpp import CallError
from konsento.ocpp.messages import GetTransactionStatus
from konsento.operations import audit
from konsento.services import Services
from konsento.staff.permissions import Permission, may
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.session_view import curve_path, limit_text
from konsento.web.who import Wired
from konsento.web.words import power_type

router = APIRouter()

MOST_EXPORTED = 10_000
MOST_EVENTS = 2_000
"""Of one session, of each sort, on its page."""


class Filters(BaseModel):
    """What is typed into the search. Nonsense narrows nothing."""

    text: str = ""
    site: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    email: str = ""
    reason: str = ""
    sort: str = "created"
    down: bool = True
    page: int = 1


class DriversHidden(KonsentoError):
    """A search by a driver's mail address, by somebody who may not see drivers."""

    status = 403
    message = "Your role does not see drivers, so sessions cannot be searched by a mail address."


@router.get("/sessions")
async def sessions_page(
    request: Request, services: Wired, member: Member, filters: Annotated[Filters, Query()]
) -> Response:
    """Search sessions; by a driver's mail address only with a reason (`by_driver`)."""
    return await _found(request, services, member, filters)


@router.post("/sessions")
async def by_driver(request: Request, services: Wired, member: Member, filters: Annotated[Filters, Form()]) -> Response:
    """Search the sessions of the driver with a mail address, for a reason that is logged."""
    if not may(member.role, Permission.DRIVERS):
        raise DriversHidden
    try:
        why = asked.reason(filters.reason)
    except KonsentoError as error:
        return await _found(request, services, member, filters, error=error)
    email = filters.email.strip().casefold()[:254]
    async with services.database.transaction() as session:
        driver = await accounts.driver_by_email(session, email)
        await audit.note(
            session,
            services.clock.now(),
            member.id,
            action="driver.search",
            subject=str(driver.id) if driver else "",
            details={"searched": email, "reason": why, "for": "sessions"},
        )
    return await _found(request, services, member, filters, driver=driver, nobody=driver is None)


@router.get("/sessions.csv")
async def sessions_csv(
    request: Request, services: Wired, _member: Member, filters: Annotated[Filters, Query()]
) -> Response:
    """Return what the search finds as a file; without its drivers."""
    async with services.database.transaction() as session:
        wanted = await _wanted(session, filters)
        found = await repository.find_sessions(session, wanted, offset=0, most=MOST_EXPORTED)
    return csv_file("sessions", COLUMNS, (_line(charging, receipt) for charging, receipt in found))


COLUMNS = (
    "session", "created", "started", "ended", "site", "outlet", "code", "state", "end reason", "Wh", "seconds",
    "price per kWh", "currency", "billed in minor units", "transaction",
)  # fmt: skip


def _line(charging: ChargingSession, receipt: Receipt | None) -> tuple[object, ...]:
    outlet = charging.outlet
    times = (charging.created_at, charging.started_at, charging.ended_at)
    return (
        charging.id,
        *(at.isoformat(timespec="seconds") if at else None for at in times),
        outlet.site.name,
        outlet.name,
        outlet.code,
        charging.state.value,
        charging.end_reason or charging.failure,
        receipt.billed_wh if receipt else charging.delivered_mwh // 1000,
        charging.seconds,
        charging.unit_price,
        charging.currency,
        receipt.amount_minor if receipt else None,
        charging.transaction_id,
    )


@router.get("/sessions/{number}")
async def session_page(
    request: Request, number: Number, services: Wired, member: Member, show: Annotated[list[str] | None, Query()] = None
) -> Response:
    """Show everything about a session. Whose it is stays hidden; support finds the driver by a link with a reason."""
    language = language_of(request)
    async with services.database.transaction() as session:
        charging = await _charging(session, number)
        site = charging.outlet.site
        history = History(
            charging=charging,
            events=await repository.meter_events(session, number, MOST_EVENTS),
            frames=await repository.frames_of(session, charging, site.station_id, MOST_EVENTS),
            payment=await repository.payment_of(session, number),
            receipt=await session.get(Receipt, number),
            transfers=await repository.transfers_of(session, number),
            staff=await repository.entries_about(session, str(number), MOST_EVENTS),
        )
        power = await power_of(session, charging, 240)
    shown = [source for source in Source if not show or source.value in show]
    curve = progress_of(charging, power, history.receipt).curve
    return office_page(
        request,
        "session.html",
        member=member,
        row=session_row(language, charging, history.receipt),
        facts=_facts(language, history),
        curve=curve_path(curve) if len(curve) > 1 else "",
        most_power=language.power(max((point.watts for point in curve), default=0)),
        entries=timeline.timeline(language, history, shown),
        sources=[(source.value, language.text(name), source in shown) for source, name in timeline.SOURCES.items()],
        running=charging.state in ACTIVE,
        transaction=charging.transaction_id,
        driver_id=charging.driver_id,
        settled=history.receipt is not None,
        can_mail=mail.possible(services.settings),
    )


def _facts(language: Language, history: History) -> list[tuple[str, str]]:
    """Return the agreement, the measurement and the money, by name."""
    charging, receipt, payment, text = history.charging, history.receipt, history.payment, language.text
    zone = charging.outlet.site.time_zone
    facts = [
        (text("Price"), f"{language.unit_price(charging.unit_price, charging.currency)}/kWh"),
        (text("Limit"), limit_text(language, charging.limit_kind, charging.limit_amount, charging.currency)),
        (text("Told to the site"), _told(language, charging)),
        (text("Hold"), language.money(charging.hold_minor, charging.currency)),
        (text("Power · supplier"), f"{language.text(power_type(charging.power_type))} · {charging.supplier}"),
        (text("Meter at the start"), _register(language, charging.begin_mwh)),
        (text("Delivered"), language.energy(charging.delivered_mwh // 1000)),
        (text("Time of supply"), language.duration(charging.seconds)),
        (text("Last heard of"), exact_time(language, charging.last_update, zone)),
        (text("Transaction"), charging.transaction_id or "–"),
        (text("Start request"), str(charging.remote_start_id)),
    ]
    if payment is not None:
        word = PAYMENTS.get(payment.state)
        state = text(word) if word is not None else payment.state.value
        taken = language.money(payment.captured_minor, payment.currency)
        facts.append((text("Payment"), f"{text(PROVIDERS[payment.provider])}: {state}, {taken}"))
    if receipt is not None:
        facts.append((text("Receipt"), f"{receipt.number}: {language.money(receipt.amount_minor, receipt.currency)}"))
    return facts


def _told(language: Language, charging: ChargingSession) -> str:
    energy = language.energy(charging.energy_cap_wh)
    return f"{energy}, {language.duration(charging.time_limit_s)}" if charging.time_limit_s else energy


def _register(language: Language, mwh: int | None) -> str:
    return language.energy(mwh // 1000) if mwh is not None else "–"


@router.post("/sessions/{number}/stop")
async def stop(
    request: Request, number: Number, services: Wired, member: SessionSupport, reason: Annotated[str, Form()] = ""
) -> Response:
    """Stop a session for a reason that is logged. It ends as if its driver had stopped it."""
    why = asked.reason(reason)
    async with services.database.transaction() as session:
        charging = await _charging(session, number)
        await audit.note(
            session,
            services.clock.now(),
            member.id,
            action="session.stop",
            subject=str(number),
            details={"reason": why, "state": charging.state.value},
        )
    await charging_service.stop(services, charging.driver_id, number)
    return RedirectResponse(f"/office/sessions/{number}", 303)


@router.post("/sessions/{number}/check")
async def check(number: Number, services: Wired, member: SessionSupport) -> Response:
    """Ask the site how the session's transaction stands; its answer stands in the timeline."""
    async with services.database.transaction() as session:
        charging = await _charging(session, number)
    details = await _transaction_status(services, charging)
    async with services.database.transaction() as session:
        now = services.clock.now()
        await audit.note(session, now, member.id, action="session.check", subject=str(number), details=details)
    return RedirectResponse(f"/office/sessions/{number}", 303)


async def _transaction_status(services: Services, charging: ChargingSession) -> dict[str, Any]:
    if charging.transaction_id is None:
        return {"answer": "the site has named no transaction yet"}
    try:
        request = GetTransactionStatus(transaction_id=charging.transaction_id)
        answer = await services.router.call(charging.outlet.site.station_id, request)
    except CallError as error:
        return {"answer": str(error)}
    return {"ongoing": answer.ongoing_indicator, "messages in queue": answer.messages_in_queue}


@router.post("/sessions/{number}/receipt")
async def send_receipt(request: Request, number: Number, services: Wired, member: SessionSupport) -> Response:
    """Send the driver the receipt again, in the driver's language."""
    async with services.database.transaction() as session:
        charging = await _charging(session, number)
        receipt = await session.get(Receipt, number)
        if receipt is None or not mail.possible(services.settings):
            raise PageNotFound
        driver = await session.get_one(Driver, charging.driver_id)
        language = LANGUAGES.get(driver.locale) or LANGUAGES.default
        amount = language.money(receipt.amount_minor, receipt.currency)
        link = f"{services.settings.public_url.rstrip('/')}/s/{number}"
        message = Mail(
            recipient=driver.email,
            subject=language.text("Your receipt {number}: {amount}", number=receipt.number, amount=amount),
            paragraphs=(
                language.text(
                    "{energy} at {outlet}, {site}: {amount}.",
                    energy=language.energy(receipt.billed_wh),
                    outlet=charging.outlet.name,
                    site=charging.outlet.site.name,
                    amount=amount,
                ),
                language.text("All of its numbers are on the receipt itself."),
            ),
            link=(language.text("Open the receipt"), link),
        )
        await mail.queue(session, services, message, language)
        now = services.clock.now()
        await audit.note(session, now, member.id, action="session.send-receipt", subject=str(number))
    return RedirectResponse(f"/office/sessions/{number}", 303)


async def _charging(session: AsyncSession, number: UUID) -> ChargingSession:
    charging = await repository.session_with_all(session, number)
    if charging is None:
        raise PageNotFound
    return charging


async def _found(
    request: Request,
    services: Services,
    member: StaffMember,
    filters: Filters,
    *,
    driver: Driver | None = None,
    nobody: bool = False,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        sites = await repository.all_sites(session)
        wanted = await _wanted(session, filters, driver)
        total = 0 if nobody else await repository.count_sessions(session, wanted)
        pages = Pages.of(filters.page, total)
        found = await repository.find_sessions(session, wanted, offset=pages.offset, most=PAGE) if total else []
    return office_page(
        request,
        "sessions.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        rows=[session_row(language, charging, receipt) for charging, receipt in found],
        sites=sites,
        states=[(state.value, language.text(name)) for state, name in STATES.items()],
        filters=filters,
        pages=pages,
        query=filters.model_dump(exclude={"page", "email", "reason"}, exclude_defaults=True),
        driver=driver,
    )


async def _wanted(session: AsyncSession, filters: Filters, driver: Driver | None = None) -> Wanted:
    site_id = asked.number(filters.site)
    sites = {site.id: site for site in await repository.all_sites(session)}
    # Days are those of the site, where one is chosen.
    zone = sites[site_id].time_zone if site_id in sites else next((s.time_zone for s in sites.values()), "UTC")
    return Wanted(
        text=filters.text.strip()[:64],
        site_id=site_id,
        state=SessionState(filters.state) if filters.state in set(SessionState) else None,
        since=asked.day(filters.since, zone),
        until=asked.day(filters.until, zone, following=True),
        driver_id=driver.id if driver else None,
        sort=filters.sort,
        down=filters.down,
    )
