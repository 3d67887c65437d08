"""Turns templates into pages of the back office."""

from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from starlette.requests import Request
from starlette.responses import HTMLResponse

from konsento.kit.i18n import Language, marked
from konsento.models import StaffMember
from konsento.staff.permissions import PERMISSIONS, Permission
from konsento.web.language import language_of
from konsento.web.render import asset, rendered, templates_of

STATIC = Path(__file__).parent / "static"

_templates = templates_of("konsento.backoffice")
# Unlike Jinja's own filter it writes a list as the same name again and again, as a form does.
_templates.filters["query"] = lambda values: urlencode(values, doseq=True)


def office_asset(name: str) -> str:
    """Return the address of a static file of the back office."""
    return asset(name, STATIC, "/office/static")


NAVIGATION = (
    ("/office/", marked("Overview"), Permission.LOOK),
    ("/office/sessions", marked("Sessions"), Permission.LOOK),
    ("/office/sites", marked("Sites"), Permission.LOOK),
    ("/office/messages", marked("Messages"), Permission.LOOK),
    ("/office/prices", marked("Prices"), Permission.SITES),
    ("/office/rewards", marked("Points and coupons"), Permission.REWARDS),
    ("/office/advice", marked("Advice to drivers"), Permission.LOOK),
    ("/office/regions", marked("Regions"), Permission.LOOK),
    ("/office/feeds", marked("Data sources"), Permission.LOOK),
    ("/office/partners", marked("Partners"), Permission.PARTNERS),
    ("/office/bills", marked("Bills"), Permission.BILLS),
    ("/office/statements", marked("Statements"), Permission.STATEMENTS),
    ("/office/payments", marked("Payments"), Permission.LOOK),
    ("/office/drivers", marked("Drivers"), Permission.DRIVERS),
    ("/office/alarms", marked("Alarms"), Permission.LOOK),
    ("/office/log", marked("Log"), Permission.LOG),
    ("/office/health", marked("Health"), Permission.LOOK),
    ("/office/staff", marked("Staff"), Permission.STAFF),
)
BELONGS = {
    "/office/invoices": "/office/sessions",
    "/office/stations": "/office/sites",
    "/office/pending": "/office/sites",
    "/office/frames": "/office/messages",
    "/office/suppliers": "/office/prices",
    "/office/power-types": "/office/prices",
}
"""Pages that stand elsewhere than below the page of the navigation that leads to them."""


def section_of(path: str) -> str:
    """Return the page of the navigation to which a page belongs; empty for none."""
    for at, section in BELONGS.items():
        if path == at or path.startswith(f"{at}/"):
            return section
    if path == "/office/":
        return path
    return next((at for at, *_ in NAVIGATION[1:] if path == at or path.startswith(f"{at}/")), "")


def exact_time(language: Language, at: datetime | None, time_zone: str = "UTC") -> str:
    """Return a moment to the second, where the site is; a dash for none."""
    if at is None:
        return "–"
    return format_datetime(at, "yyyy-MM-dd HH:mm:ss", tzinfo=ZoneInfo(time_zone), locale=language.dates)


def office_page(
    request: Request, template: str, *, member: StaffMember | None, status: int = 200, **values: object
) -> HTMLResponse:
    """Return a page of the back office in the language of the request. `member` is who is signed in."""
    language = language_of(request)
    allowed = PERMISSIONS[member.role] if member is not None else frozenset()
    return rendered(
        request,
        _templates.get_template(template),
        status,
        **values,
        exact=lambda at, zone="UTC": exact_time(language, at, zone),
        member=member,
        may=allowed,
        navigation=[(at, language.text(name)) for at, name, needed in NAVIGATION if needed in allowed],
        section=section_of(request.url.path),
        office_asset=office_asset,
    )
