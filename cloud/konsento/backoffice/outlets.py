"""One outlet: its name and price, where it is on the plan, out of order and back."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.site import check_in_force, outlet_rows, plan_view, site_named, slots, tariff_choices
from konsento.backoffice.site_forms import OutletForm
from konsento.backoffice.who import Member, SiteKeeper
from konsento.backoffice.words import METERING
from konsento.catalogue import service as catalogue
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.models import Outlet, StaffMember
from konsento.operations import audit
from konsento.services import Services
from konsento.sites import repository, setup
from konsento.sites.errors import TextTooLong
from konsento.sites.setup import METERING_CLASSES
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

AT = "/sites/{station_id}/outlets/{evse_id}"


@router.get(AT)
async def outlet_page(request: Request, station_id: str, evse_id: int, services: Wired, member: Member) -> Response:
    """Show an outlet, to keepers with its forms."""
    return await _page(request, services, member, station_id, evse_id)


@router.post(AT)
async def change(
    request: Request,
    station_id: str,
    evse_id: int,
    services: Wired,
    *,
    member: SiteKeeper,
    form: Annotated[OutletForm, Form()],
) -> Response:
    """Change what is said and sold there."""
    try:
        async with services.database.transaction() as session:
            outlet = await _outlet(session, station_id, evse_id)
            details = form.details()
            new_ones = set(details.tariff_names) - set(outlet.tariff_names)
            await check_in_force(session, new_ones, services.clock.now())
            new = setup.change_outlet(outlet, details)
            await _note(session, services, member, "outlet.change", outlet, **new)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _page(request, services, member, station_id, evse_id, form=form, error=error)
    return RedirectResponse(f"/office/sites/{station_id}#outlets", 303)


@router.post(f"{AT}/close")
async def close(
    request: Request,
    station_id: str,
    evse_id: int,
    services: Wired,
    *,
    member: SiteKeeper,
    note: Annotated[str, Form()] = "",
) -> Response:
    """Put it out of order; a session that runs there goes on."""
    try:
        async with services.database.transaction() as session:
            outlet = await _outlet(session, station_id, evse_id)
            setup.put_out_of_order(outlet, note)
            await _note(session, services, member, "outlet.close", outlet, note=outlet.closed_note)
    except TextTooLong as error:
        return await _page(request, services, member, station_id, evse_id, error=error)
    return RedirectResponse(f"/office/sites/{station_id}/outlets/{evse_id}", 303)


@router.post(f"{AT}/open")
async def reopen(station_id: str, evse_id: int, services: Wired, member: SiteKeeper) -> Response:
    """Put it back in order."""
    async with services.database.transaction() as session:
        outlet = await _outlet(session, station_id, evse_id)
        setup.put_in_order(outlet)
        await _note(session, services, member, "outlet.open", outlet)
    return RedirectResponse(f"/office/sites/{station_id}/outlets/{evse_id}", 303)


async def _outlet(session: AsyncSession, station_id: str, evse_id: int) -> Outlet:
    site = await site_named(session, station_id)
    # No database takes a larger number.
    outlet = await repository.outlet_by_evse(session, site.id, evse_id) if 0 < evse_id < 2**31 else None
    if outlet is None:
        raise PageNotFound
    return outlet


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    station_id: str,
    evse_id: int,
    *,
    form: OutletForm | None = None,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    now = services.clock.now()
    language = language_of(request)
    async with services.database.transaction() as session:
        site = await site_named(session, station_id)
        outlet = await _outlet(session, station_id, evse_id)
        rows = await outlet_rows(session, language, site, now)
        tariffs = await catalogue.tariffs_in_force(session, now)
        plan = await repository.floor_plan(session, site.id)
    return office_page(
        request,
        "outlet.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        site=site,
        row=next(row for row in rows if row.outlet.id == outlet.id),
        outlets=rows,
        reported=_reported(outlet, language),
        as_reported=(outlet.rated_w, outlet.volts) == (outlet.reported_w, outlet.reported_volts),
        form=form or OutletForm.of(outlet),
        tariffs=tariff_choices(language, tariffs),
        slots=slots((form or OutletForm.of(outlet)).tariff),
        meterings=[(key, language.text(name)) for key, name in METERING.items()],
        metering_classes=METERING_CLASSES,
        plan=plan_view(plan),
    )


def _reported(outlet: Outlet, language: Language) -> str:
    """Return the ratings that the site reports, as far as it does."""
    volts, watts = outlet.reported_volts, outlet.reported_w
    return " · ".join(([f"{volts}\u00a0V"] if volts else []) + ([language.power(watts)] if watts else []))


async def _note(
    session: AsyncSession, services: Services, member: StaffMember, action: str, outlet: Outlet, **details: object
) -> None:
    await audit.note(session, services.clock.now(), member.id, action=action, subject=outlet.code, details={**details})
