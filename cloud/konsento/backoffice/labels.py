"""Labels of a site's outlets, to be printed."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import SiteKeeper
from konsento.kit.paper.drawing import Page
from konsento.models import Outlet, Site
from konsento.services import Services
from konsento.sites import labels
from konsento.sites import service as sites
from konsento.sites.labels.sheets import DEFAULT
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MOST_START: Final = 100


class Wanted(BaseModel):
    """Which labels, and how."""

    model_config = ConfigDict(populate_by_name=True)

    layout: str = DEFAULT
    outlet: list[int] = []
    """Numbers of outlets; empty for all."""
    start: int = Field(default=1, ge=1, le=MOST_START)
    """The first label that is still there on the sheet."""
    cut_marks: bool = False
    page: int = Field(default=1, ge=1)
    """Of an SVG, which has one."""

    def sheet(self) -> labels.Layout:
        """Return the layout. Raises `PageNotFound`."""
        layout = labels.LAYOUTS.get(self.layout)
        if layout is None:
            raise PageNotFound
        return layout


@router.get("/stations/{station_id}/labels")
async def labels_page(
    request: Request, station_id: str, services: Wired, member: SiteKeeper, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Choose outlets and a sheet, and see the first page of it."""
    site, outlets, pages = await _pages(services, station_id, wanted)
    language = language_of(request)
    return office_page(
        request,
        "labels.html",
        member=member,
        site=site,
        outlets=outlets,
        chosen={outlet.evse_id for outlet in outlets} if not wanted.outlet else set(wanted.outlet),
        layouts=[(key, language.text(layout.title)) for key, layout in labels.LAYOUTS.items()],
        wanted=wanted,
        pages=len(pages),
        paper=(round(wanted.sheet().page_w), round(wanted.sheet().page_h)),
        query=request.url.query,
    )


@router.get("/stations/{station_id}/labels.pdf")
async def labels_pdf(
    station_id: str, services: Wired, member: SiteKeeper, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Give the labels as a PDF."""
    site, _, pages = await _pages(services, station_id, wanted)
    # A large site takes seconds.
    file = await asyncio.to_thread(labels.as_pdf, pages, site.name)
    return _file(file, "application/pdf", f"labels-{station_id}.pdf")


@router.get("/stations/{station_id}/labels.svg")
async def labels_svg(
    station_id: str, services: Wired, member: SiteKeeper, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Give one page of the labels as an SVG drawing."""
    site, _, pages = await _pages(services, station_id, wanted)
    if wanted.page > len(pages):
        raise PageNotFound
    file = labels.as_svg(pages[wanted.page - 1], site.name)
    return _file(file, "image/svg+xml", f"labels-{station_id}-{wanted.page}.svg")


async def _pages(services: Services, station_id: str, wanted: Wanted) -> tuple[Site, list[Outlet], list[Page]]:
    layout = wanted.sheet()
    async with services.database.transaction() as session:
        site, outlets = await _outlets(session, station_id)
    chosen = [outlet for outlet in outlets if not wanted.outlet or outlet.evse_id in wanted.outlet]
    start = min(wanted.start, layout.count)
    made = labels.labels_of(site, chosen, services.settings)
    pages = await asyncio.to_thread(labels.pages_of, made, layout, start=start, cut_marks=wanted.cut_marks)
    return site, outlets, pages


async def _outlets(session: AsyncSession, station_id: str) -> tuple[Site, list[Outlet]]:
    site = await sites.site_of_station(session, station_id)
    if site is None:
        raise PageNotFound
    return site, await sites.outlets_of(session, site.id)


def _file(content: bytes, media_type: str, name: str) -> Response:
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'inline; filename="{safe}"'})
