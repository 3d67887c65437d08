"""Links of advice that open without signing in: an end to its mails, and the calendar."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from konsento.advice import calendar, choices, recipients
from konsento.kit.i18n import LANGUAGES
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import Wired

router = APIRouter()


@router.get("/advice/off/{token}")
async def ask_off(request: Request, token: str, services: Wired) -> Response:
    """Ask whether the mails are to end: mail programs look at links before people do. For whoever has the link."""
    async with services.database.transaction() as session:
        await choices.of_link(session, token)
    return page(request, "advice_off.html", driver=None, done=False)


@router.post("/advice/off/{token}")
async def off(request: Request, token: str, services: Wired) -> Response:
    """End the mails, as often as it is asked; also for a mail program's one click (RFC 8058, 3.2).

    For whoever has the link; who is signed in counts for nothing.
    """
    async with services.database.transaction() as session:
        await choices.unsubscribe(session, token)
    return page(request, "advice_off.html", driver=None, done=True)


@router.get("/advice/calendar/{token}.ics")
async def calendar_file(
    request: Request, token: str, services: Wired, if_none_match: Annotated[str, Header()] = ""
) -> Response:
    """Give the windows of a driver's regions as a calendar. For whoever has the address, which the driver can end."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        driver = await choices.of_calendar(session, token)
        regions = await recipients.regions_of(session, driver.id, now)
        some = await calendar.entries(session, regions, now)
    language = LANGUAGES.get(driver.locale) or language_of(request)
    content = calendar.written(language, services.settings, some)
    headers = {"ETag": calendar.etag(content), "Cache-Control": "private, no-cache"}
    if calendar.etag(content) in {one.strip().removeprefix("W/") for one in if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=calendar.MEDIA_TYPE, headers=headers)
