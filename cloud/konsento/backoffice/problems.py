"""What a member of the staff reads when something cannot be done."""

from urllib.parse import quote

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import marked
from konsento.staff.errors import StaffSignInNeeded
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of

_DATA = ("/live", ".csv", ".jsonl")
_TITLES = {
    403: marked("That is not allowed."),
    404: marked("There is nothing here."),
    413: marked("That is too large."),
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
