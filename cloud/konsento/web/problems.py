"""What a person, or a program, reads when something cannot be done: what happened, the money, the way on."""

import logging
from collections.abc import Callable
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.charging.errors import AlreadyChargingHere
from konsento.kit.asgi import SECURITY_HEADERS
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import marked
from konsento.web.errors import FormTooLarge, MethodNotAllowed, OurFault, PageNotFound, SignInNeeded, UnreadableRequest
from konsento.web.language import language_of
from konsento.web.render import page

log = logging.getLogger(__name__)

_DATA = (
    "/progress",
    "/events",
    "/estimate",
    "/state",
    "/push",
    "/push/off",
    "/push/renew",
    "/passkey/answer",
    "/passkeys/new",
    "/options",
    "/map/sites",
    "/outlets",
)
_TITLES = {
    402: marked("Your balance is too low."),
    403: marked("That is not allowed."),
    404: marked("There is nothing here."),
    405: marked("That did not work."),
    409: marked("That is not possible now."),
    413: marked("That is too large."),
    422: marked("That cannot be right."),
    429: marked("Too many attempts."),
    500: marked("That did not work."),
    502: marked("The charging did not start."),
    504: marked("The outlet did not answer."),
}
_TITLES_BY_CODE = {
    "UnknownOutlet": marked("We cannot find this outlet."),
    "UnknownSite": marked("We cannot find this site."),
    "CardDeclined": marked("The card was declined."),
    "OutletBusy": marked("This outlet is in use."),
    "OutletOffline": marked("This outlet cannot be reached."),
    "OutletFaulty": marked("This outlet is out of order."),
    "PresenceNeeded": marked("Are you in front of the outlet?"),
    "PresenceTaken": marked("Somebody else is about to start here."),
    "OutletDisabled": marked("This outlet is switched off by its owner."),
    "OutletOutOfOrder": marked("This outlet is out of use."),
    "OutletOutOfOrderFor": marked("This outlet is out of use."),
    "StationRefused": marked("The station refused."),
    "AnswerUnreadable": marked("The station's answer cannot be read."),
    "NoAnswerFromStation": marked("The station did not answer."),
    "LinkLost": marked("The connection to the station was lost."),
    "SiteClosed": marked("This site is closed now."),
    "SiteClosedForLong": marked("This site is closed now."),
    "NotOnSaleYet": marked("Nothing is sold here yet."),
}


def note(request: Request, error: KonsentoError) -> None:
    """Write a refusal to the log: its code and the kind of page, nothing that a person typed or is."""
    route = request.scope.get("route")
    log.info("refused: %s at %s %s", error.code, request.method, getattr(route, "path", "no page"))


def title_of(code: str, status: int) -> str:
    """Return the short message that stands above the sentence of an error."""
    return _TITLES_BY_CODE.get(code) or _TITLES.get(status, _TITLES[409])


def answer(request: Request, error: KonsentoError) -> Response:
    """Return the page (or the JSON, where a program asks) of an error."""
    note(request, error)
    language = language_of(request)
    message = language.error(error)
    if request.url.path.endswith(_DATA):
        return JSONResponse({"code": error.code, "message": message}, status_code=error.status)
    if isinstance(error, SignInNeeded):
        return RedirectResponse(f"/signin?next={quote(_back_to(request), safe='/')}", 303)
    code = str(request.path_params.get("code", ""))
    way_on, way_on_says = _way_on(request, error)
    return page(
        request,
        "error.html",
        driver=None,
        status=error.status,
        title=language.text(title_of(error.code, error.status)),
        message=message,
        # True because an error changes nothing, and a start that fails has given its hold back before it is told.
        money=language.text("Nothing was started, nothing is charged.")
        if code and error.status != OurFault.status and not isinstance(error, AlreadyChargingHere)
        else None,
        way_on=way_on,
        way_on_says=language.text(way_on_says),
    )


def _way_on(request: Request, error: KonsentoError) -> tuple[str, str]:
    """Return where the page of an error leads, and what its button says."""
    code, session_id = request.path_params.get("code"), request.path_params.get("session_id")
    # Not from the outlet's own page, which would lead in a circle.
    if code and error.status != 404 and request.url.path != f"/o/{code}":
        return f"/o/{quote(str(code))}", marked("Back to the outlet")
    if session_id and error.status != 404:
        return f"/s/{quote(str(session_id))}", marked("Back to the charging")
    return "/", marked("To the start page")


def _back_to(request: Request) -> str:
    path = request.url.path
    if request.method not in {"GET", "HEAD"}:
        # A form that was sent cannot be sent again after signing in: back to the page before it.
        return path.removesuffix("/start").removesuffix("/presence").removesuffix("/mail")
    return f"{path}?{request.url.query}" if request.url.query else path


def install(app: FastAPI, answer: Callable[[Request, KonsentoError], Response] = answer) -> None:
    """Let every error of an application be answered by `answer`, for example a page in the reader's language."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, KonsentoError)  # noqa: S101  # Starlette calls this for no other
        return answer(request, error)

    async def unreadable(request: Request, _error: Exception) -> Response:
        return answer(request, UnreadableRequest())

    async def of_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == 405:
            return answer(request, MethodNotAllowed())
        if status == 413:
            return answer(request, FormTooLarge())
        return answer(request, PageNotFound() if status == 404 else UnreadableRequest())

    async def broken(request: Request, _error: Exception) -> Response:
        # Answered outside of all middleware, so the headers come from here; the server logs the traceback.
        page_of_it = answer(request, OurFault())
        page_of_it.headers.update(SECURITY_HEADERS)
        return page_of_it

    app.add_exception_handler(KonsentoError, ours)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, broken)
