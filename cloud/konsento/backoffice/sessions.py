"""Sessions: found by what somebody on the phone can name, shown in a table, given out as a file."""

from collections.abc import AsyncIterator
from decimal import Decimal, InvalidOperation
from typing import Annotated
from unicodedata import normalize
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from konsento.backoffice import asked, repository, session_search
from konsento.backoffice.paging import PAGE, Pages
from konsento.backoffice.render import office_page
from konsento.backoffice.session_search import RUNNING, Wanted, states_of
from konsento.backoffice.session_view import session_row
from konsento.backoffice.who import Member
from konsento.backoffice.words import END_REASONS, STATES, ended
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.kit.money import major_from_minor, minor_from_major
from konsento.models import ChargingSession, Driver, Receipt, StaffMember
from konsento.operations import audit
from konsento.services import Services
from konsento.sites import codes
from konsento.staff.permissions import Permission, may
from konsento.web import problems
from konsento.web.csv import Rows, csv_file, headings, local
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MOST_DRIVERS = 25
"""Whose mail address has what was typed in it; with more of them the search is too wide to be about anybody."""
SHORTEST_EMAIL = 3


class Filters(BaseModel):
    """What is typed into the search. Nonsense narrows nothing."""

    text: str = ""
    site: str = ""
    state: str = ""
    end: str = ""
    amount: str = ""
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


class TooWide(KonsentoError):
    """So little of a mail address that it means anybody."""

    status = 422
    message = "Type more of the mail address: at least {shortest} characters, and what fewer than {most} drivers have."


@router.get("/sessions")
async def sessions_page(
    request: Request, services: Wired, member: Member, filters: Annotated[Filters, Query()]
) -> Response:
    """Search sessions; by a driver's mail address only with a reason (`by_driver`)."""
    return await _found(request, services, member, filters)


@router.post("/sessions")
async def by_driver(request: Request, services: Wired, member: Member, filters: Annotated[Filters, Form()]) -> Response:
    """Search the sessions of drivers by a part of the mail address, for a reason that is logged."""
    if not may(member.role, Permission.DRIVERS):
        raise DriversHidden
    email = normalize("NFKC", filters.email).strip().casefold()[:254]
    try:
        why = asked.reason(filters.reason)
        if len(email) < SHORTEST_EMAIL:
            raise TooWide(shortest=SHORTEST_EMAIL, most=MOST_DRIVERS)
    except KonsentoError as error:
        return await _found(request, services, member, filters, error=error)
    async with services.database.transaction() as session:
        drivers = await repository.drivers_by_email(session, email, MOST_DRIVERS)
        await audit.note(
            session,
            services.clock.now(),
            member.id,
            action="driver.search",
            subject=str(drivers[0].id) if len(drivers) == 1 else "",
            details={"searched": email, "reason": why, "found": len(drivers), "for": "sessions"},
        )
    if len(drivers) == MOST_DRIVERS:
        too_wide = TooWide(shortest=SHORTEST_EMAIL, most=MOST_DRIVERS)
        return await _found(request, services, member, filters, error=too_wide)
    return await _found(request, services, member, filters, drivers=drivers)


@router.get("/sessions.csv")
async def sessions_csv(
    request: Request, services: Wired, _member: Member, filters: Annotated[Filters, Query()]
) -> Response:
    """Return what the search finds as a file, the newest first; without its drivers."""
    language = language_of(request)
    async with services.database.transaction() as session:
        wanted = _wanted(services, filters, await repository.time_zones(session))

    async def parts() -> AsyncIterator[Rows]:
        async for found in session_search.every(services.database, wanted):
            yield [_line(language, charging, receipt) for charging, receipt in found]

    return csv_file("sessions", headings(language, COLUMNS), parts())


COLUMNS = (
    marked("Session"), marked("Created"), marked("Started"), marked("Ended"), marked("Time zone"), marked("Site"),
    marked("Station"), marked("Outlet"), marked("Code"), marked("State"), marked("End"), marked("Energy (Wh)"),
    marked("Time of supply (s)"), marked("Price per kWh"), marked("Billed"), marked("Currency"), marked("Receipt"),
    marked("Transaction"), marked("Start request"),
)  # fmt: skip


def _line(language: Language, charging: ChargingSession, receipt: Receipt | None) -> tuple[object, ...]:
    outlet = charging.outlet
    zone = outlet.site.time_zone
    return (
        str(charging.id),
        *(local(at, zone) for at in (charging.created_at, charging.started_at, charging.ended_at)),
        zone,
        outlet.site.name,
        outlet.site.station_id,
        outlet.name,
        codes.label(outlet.code),
        language.text(STATES[charging.state]),
        ended(language, charging),
        receipt.billed_wh if receipt else charging.delivered_mwh // 1000,
        charging.seconds,
        charging.unit_price,
        major_from_minor(receipt.amount_minor, receipt.currency) if receipt else None,
        charging.currency,
        receipt.number if receipt else None,
        charging.transaction_id,
        charging.remote_start_id,
    )


async def _found(
    request: Request,
    services: Services,
    member: StaffMember,
    filters: Filters,
    *,
    drivers: list[Driver] | None = None,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        sites = await repository.all_sites(session)
        zones = {site.id: site.time_zone for site in sites}
        wanted = _wanted(services, filters, zones, drivers)
        total = await session_search.count(session, wanted) if error is None else 0
        pages = Pages.of(filters.page, total)
        found = await session_search.find(session, wanted, offset=pages.offset, most=PAGE) if total else []
    states = [(RUNNING, language.text(marked("running (all of the first three)")))]
    states += [(state.value, language.text(name)) for state, name in STATES.items()]
    return office_page(
        request,
        "sessions.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        rows=[session_row(language, charging, receipt) for charging, receipt in found],
        sites=sites,
        states=states,
        reasons=[(word, language.text(name)) for word, name in END_REASONS.items()],
        filters=filters,
        pages=pages,
        query=filters.model_dump(exclude={"page", "email", "reason"}, exclude_defaults=True),
        zone=_zone(filters, zones),
        by_driver=drivers is not None,
    )


def _wanted(
    services: Services, filters: Filters, zones: dict[UUID, str], drivers: list[Driver] | None = None
) -> Wanted:
    zone = _zone(filters, zones)
    text = normalize("NFKC", filters.text).strip()[:64]
    code = codes.normal(codes.without_evse_prefix(text, services.settings.evse_id_prefix))
    return Wanted(
        text=text,
        code=code if codes.is_code(code) else "",
        site_id=asked.number(filters.site),
        states=states_of(filters.state),
        reason=filters.end.strip()[:50],
        since=asked.day(filters.since, zone),
        until=asked.day(filters.until, zone, following=True),
        amount_minor=_minor(filters.amount, services.settings.currency),
        driver_ids=[driver.id for driver in drivers] if drivers is not None else None,
        sort=filters.sort,
        down=filters.down,
    )


def _zone(filters: Filters, zones: dict[UUID, str]) -> str:
    """Return whose days the filter means: the chosen site's, or those that most sites have."""
    usual = asked.usual_zone(zones.values())
    site_id = asked.number(filters.site)
    return zones.get(site_id, usual) if site_id else usual


def _minor(text: str, currency: str) -> int | None:
    plain = "".join(c for c in normalize("NFKC", text) if c.isdecimal() or c == ".")
    try:
        return minor_from_major(Decimal(plain), currency) if len(plain) <= 15 else None
    except InvalidOperation, ValueError:
        return None
