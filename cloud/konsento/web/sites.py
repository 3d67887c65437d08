"""A site: where it is, and its outlets on the floor plan and in a list, as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from konsento.catalogue import service as catalogue
from konsento.charging import service as charging
from konsento.models import Driver, Outlet
from konsento.services import Services
from konsento.sites import finding
from konsento.sites import service as sites
from konsento.web.errors import PageNotFound
from konsento.web.finding import unchanged_or
from konsento.web.language import language_of
from konsento.web.outlet_view import OutletView, outlet_view
from konsento.web.render import page
from konsento.web.site_view import SiteView, site_view
from konsento.web.who import MaybeSignedIn, SiteNumber, Wired

router = APIRouter()

PLAN_WIDTH: Final = 1000
"""Of the drawing over a floor plan, whose outlets are placed in thousandths."""


@dataclass(frozen=True, kw_only=True)
class SiteOutlet:
    """An outlet in its site."""

    number: int
    view: OutletView
    place: tuple[int, int] | None
    """In thousandths of the floor plan, from the left and from the top."""


@router.get("/sites/{site_id}")
async def site_page(request: Request, site_id: SiteNumber, services: Wired, driver: MaybeSignedIn) -> Response:
    """Show a site and its outlets. Open to everybody."""
    site, outlets = await _now(request, services, site_id, driver)
    async with services.database.transaction() as session:
        plan = await sites.floor_plan(session, site_id)
    placed = [outlet for outlet in outlets if outlet.place is not None]
    return page(
        request,
        "site.html",
        driver=driver,
        site=site,
        outlets=outlets,
        plan=plan if placed else None,
        plan_version=int(plan.changed_at.timestamp()) if plan is not None else 0,
        plan_height=PLAN_WIDTH * plan.height // plan.width if plan is not None else 0,
        placed=placed,
    )


@router.get("/sites/{site_id}/outlets")
async def outlets_now(request: Request, site_id: SiteNumber, services: Wired, driver: MaybeSignedIn) -> Response:
    """Tell what the page of a site shows of its outlets now, for its script. Open to everybody."""
    site, outlets = await _now(request, services, site_id, driver)
    return unchanged_or(
        request,
        {
            "says": site.says,
            "tone": site.tone,
            "outlets": {
                outlet.view.code: {
                    "state": outlet.view.state,
                    "tone": outlet.view.tone,
                    "seen": outlet.view.seen,
                    "standing": outlet.view.standing,
                }
                for outlet in outlets
            },
        },
    )


@router.get("/sites/{site_id}/plan")
async def floor_plan(site_id: SiteNumber, services: Wired) -> Response:
    """Give the picture of a site's floor plan; its address changes with it, so browsers may keep it. Open to all."""
    async with services.database.transaction() as session:
        plan = await sites.floor_plan(session, site_id)
    if plan is None:
        raise PageNotFound
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(plan.picture, media_type=plan.media_type, headers=headers)


async def _now(
    request: Request, services: Services, site_id: UUID, driver: Driver | None
) -> tuple[SiteView, Sequence[SiteOutlet]]:
    language, now = language_of(request), services.clock.now()
    async with services.database.transaction() as session:
        on_sale = await catalogue.on_sale(session, now)
        found, rows = await finding.site_with_outlets(session, site_id, on_sale.sold(), now)
        running = await charging.running(session, driver.id) if driver is not None else []
    mine = {progress.outlet_code for progress in running}

    def described(row: Outlet) -> SiteOutlet:
        return SiteOutlet(
            number=row.evse_id,
            view=outlet_view(language, row, on_sale.offers_of(row), now, mine=row.code in mine),
            place=(row.plan_x, row.plan_y) if row.plan_x is not None and row.plan_y is not None else None,
        )

    return site_view(language, found), [described(row) for row in rows]
