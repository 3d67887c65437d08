"""One frame of the journal, as it went over the line, with what was asked or answered with it."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from konsento.backoffice import repository
from konsento.backoffice.render import office_page
from konsento.backoffice.timeline import message_entry
from konsento.backoffice.who import Member
from konsento.models import OcppFrame
from konsento.sites import service as sites
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


@router.get("/frames/{number}")
async def frame_page(request: Request, number: str, services: Wired, member: Member) -> Response:
    """Show a frame: when, which way, and its payload without what the journal leaves out."""
    language = language_of(request)
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise PageNotFound
    async with services.database.transaction() as session:
        frame = await session.get(OcppFrame, int(number))
        if frame is None:
            raise PageNotFound
        site = await sites.site_of_station(session, frame.station_id)
        exchange = await repository.exchange_of(session, frame)
    return office_page(
        request,
        "frame.html",
        member=member,
        frame=frame,
        site=site,
        zone=site.time_zone if site else "UTC",
        entries=[message_entry(language, one) for one in exchange],
    )
