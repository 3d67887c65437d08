"""Stations that no site is known for: who waits, and what the operator makes of them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import asked, repository
from konsento.backoffice.render import office_page
from konsento.backoffice.site_forms import SiteForm, region_choices
from konsento.backoffice.who import Member, Number, SiteKeeper
from konsento.backoffice.words import PRESENCE, PROFILES
from konsento.kit.errors import KonsentoError
from konsento.models import PendingStation, SecurityProfile, StaffMember
from konsento.ocpp import CallError, connected_of
from konsento.ocpp import messages as ocpp
from konsento.operations import audit
from konsento.services import Services
from konsento.settings import UnknownStations
from konsento.sites import pending, setup
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

TELL_WITHIN_S = 5.0
"""A station that does not answer in time hears it when it asks again."""


@router.get("/pending")
async def pending_page(request: Request, services: Wired, member: Member) -> Response:
    """List them; the script of the page asks for the same again every few seconds."""
    return await _list(request, services, member, "pending.html")


@router.get("/pending/live")
async def live(request: Request, services: Wired, member: Member) -> Response:
    """Answer the inner part of the page as it is now."""
    return await _list(request, services, member, "pending_now.html")


async def _list(request: Request, services: Services, member: StaffMember, template: str) -> Response:
    async with services.database.transaction() as session:
        rows = await pending.listed(session)
        connected = await connected_of(session, [row.station_id for row in rows])
    language = language_of(request)
    return office_page(
        request,
        template,
        member=member,
        rows=[(row, row.station_id in connected) for row in rows],
        profiles={profile.value: language.text(name) for profile, name in PROFILES.items()},
        holds=services.settings.ocpp_unknown is UnknownStations.HOLD,
        at=services.clock.now(),
    )


@router.get("/pending/{number}")
async def one_page(request: Request, number: Number, services: Wired, member: SiteKeeper) -> Response:
    """Show one of them, and ask what is said about it as a site."""
    async with services.database.transaction() as session:
        others = await repository.time_zones(session)
    form = SiteForm(time_zone=asked.usual_zone(others.values(), "Asia/Tokyo"))
    return await _one(request, services, member, number, form)


@router.post("/pending/{number}/accept")
async def accept(
    request: Request, number: Number, services: Wired, member: SiteKeeper, form: Annotated[SiteForm, Form()]
) -> Response:
    """Make it a site, and have it hear so at once."""
    try:
        async with services.database.transaction() as session:
            row = await _row(session, number)
            profile = SecurityProfile(row.security_profile)
            site = await pending.accept(session, row, form.details(services.settings, profile))
            details = {"name": site.name, "place": site.place, "security_profile": site.security_profile}
            await _note(session, services, member, "pending.accept", site.station_id, **details)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _one(request, services, member, number, form, error=error)
    await _tell(services, site.station_id)
    return RedirectResponse(f"/office/sites/{site.station_id}", 303)


@router.post("/pending/{number}/reject")
async def reject(number: Number, services: Wired, member: SiteKeeper) -> Response:
    """Keep it out, until that is taken back."""
    async with services.database.transaction() as session:
        row = await _row(session, number)
        pending.reject(row, services.clock.now())
        await _note(session, services, member, "pending.reject", row.station_id)
    await _tell(services, row.station_id)
    return RedirectResponse("/office/pending", 303)


@router.post("/pending/{number}/take-back")
async def take_back(number: Number, services: Wired, member: SiteKeeper) -> Response:
    """Let a rejected one wait again."""
    async with services.database.transaction() as session:
        row = await _row(session, number)
        pending.take_back(row)
        await _note(session, services, member, "pending.take-back", row.station_id)
    await _tell(services, row.station_id)
    return RedirectResponse("/office/pending", 303)


async def _tell(services: Services, station_id: str) -> None:
    """Have a station ask once more whether it is accepted, so that it need not wait for its time to do so."""
    request = ocpp.TriggerMessage(requested_message="BootNotification")
    try:
        await services.router.call(station_id, request, timeout_s=TELL_WITHIN_S)
    except CallError:
        return


async def _one(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    form: SiteForm,
    *,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        row = await _row(session, number)
        connected = await connected_of(session, [row.station_id])
        regions = await region_choices(session, language)
    return office_page(
        request,
        "pending_one.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        row=row,
        connected=row.station_id in connected,
        profile=language.text(PROFILES[SecurityProfile(row.security_profile)]),
        form=form,
        zones=setup.time_zones(),
        regions=regions,
        presences=[(key, language.text(name)) for key, name in PRESENCE.items()],
        profiles=(),
    )


async def _row(session: AsyncSession, number: UUID) -> PendingStation:
    row = await pending.one(session, number)
    if row is None:
        raise PageNotFound
    return row


async def _note(
    session: AsyncSession, services: Services, member: StaffMember, action: str, station_id: str, **details: object
) -> None:
    await audit.note(session, services.clock.now(), member.id, action=action, subject=station_id, details=details)
