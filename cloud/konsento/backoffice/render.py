"""Turns templates into pages of the back office."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from konsento.kit.i18n import LANGUAGES, Language, marked
from konsento.models import StaffMember
from konsento.settings import Settings
from konsento.staff.permissions import PERMISSIONS, Permission
from konsento.web.language import COOKIE, address_in, language_of
from konsento.web.render import asset
from konsento.web.security import cookie_flags

STATIC = Path(__file__).parent / "static"

_templates = Environment(
    loader=PackageLoader("konsento.backoffice"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def office_asset(name: str) -> str:
    """Return the address of a static file of the back office."""
    return asset(name, STATIC, "/office/static")


NAVIGATION = (
    ("/office/", marked("Overview"), Permission.LOOK),
    ("/office/sessions", marked("Sessions"), Permission.LOOK),
    ("/office/sites", marked("Sites"), Permission.LOOK),
    ("/office/drivers", marked("Drivers"), Permission.DRIVERS),
    ("/office/alarms", marked("Alarms"), Permission.LOOK),
    ("/office/log", marked("Log"), Permission.LOG),
    ("/office/health", marked("Health"), Permission.LOOK),
    ("/office/staff", marked("Staff"), Permission.STAFF),
)


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
    settings: Settings = request.app.state.services.settings
    allowed = PERMISSIONS[member.role] if member is not None else frozenset()
    html = _templates.get_template(template).render(
        **values,
        _=language.text,
        language=language,
        exact=lambda at, zone="UTC": exact_time(language, at, zone),
        other_languages=[(other, address_in(request, other)) for other in LANGUAGES if other is not language],
        can_switch=request.method in {"GET", "HEAD"},
        member=member,
        may=allowed,
        navigation=[(at, language.text(name)) for at, name, needed in NAVIGATION if needed in allowed],
        path=request.url.path,
        asset=asset,
        office_asset=office_asset,
        operator=settings.operator_name,
    )
    answer = HTMLResponse(html, status_code=status)
    answer.headers["Content-Language"] = language.code
    answer.headers["Vary"] = "Accept-Language, Cookie"
    if request.query_params.get("lang") == language.code:
        year = int(timedelta(days=365).total_seconds())
        answer.set_cookie(COOKIE, language.code, max_age=year, **cookie_flags(settings.public_url))
    return answer
