"""What a member of the staff reads when something cannot be done."""

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import marked
from konsento.staff.errors import StaffSignInNeeded
from konsento.web import problems
from konsento.web.errors import MethodNotAllowed, OurFault, PageNotFound, UnreadableRequest
from konsento.web.language import language_of
from konsento.web.security import SECURITY_HEADERS

_DATA = ("/live", ".csv")
_TITLES = {
    403: marked("That is not allowed."),
    404: marked("There is nothing here."),
    422: marked("That cannot be right."),
    429: marked("Too many attempts."),
}
_OTHER_TITLE = marked("That did not work.")
_NOT_FOUND = marked("This page does not exist, or what it was about is no longer there.")


def answer(request: Request, error: KonsentoError) -> Response:
    """Return the page of an error (JSON where a program asks); without a sign-in, the way to it."""
    problems.note(request, error)
    language = language_of(request)
    message = language.text(_NOT_FOUND) if isinstance(error, PageNotFound) else language.error(error)
    if request.url.path.endswith(_DATA):
        return JSONResponse({"code": error.code, "message": message}, status_code=error.status)
    if isinstance(error, StaffSignInNeeded):
        back = request.url.path if request.method in {"GET", "HEAD"} else "/office/"
        query = f"?{request.url.query}" if request.url.query and back != "/office/" else ""
        return RedirectResponse(f"/office/signin?next={quote(back + query, safe='/')}", 303)
    return office_page(
        request,
        "error.html",
        member=None,
        status=error.status,
        title=language.text(_TITLES.get(error.status, _OTHER_TITLE)),
        message=message,
    )


def install(office: FastAPI) -> None:
    """Let every error be answered by a page of the back office."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, KonsentoError)  # noqa: S101  # Starlette calls this for no other
        return answer(request, error)

    async def unreadable(request: Request, _error: Exception) -> Response:
        return answer(request, UnreadableRequest())

    async def of_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == 405:
            return answer(request, MethodNotAllowed())
        return answer(request, PageNotFound() if status == 404 else UnreadableRequest())

    async def broken(request: Request, _error: Exception) -> Response:
        page_of_it = answer(request, OurFault())
        page_of_it.headers.update(SECURITY_HEADERS)
        return page_of_it

    office.add_exception_handler(KonsentoError, ours)
    office.add_exception_handler(RequestValidationError, unreadable)
    office.add_exception_handler(HTTPException, of_http)
    office.add_exception_handler(Exception, broken)
