"""Turns templates into pages."""

import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import HTMLResponse

from konsento.kit.i18n import LANGUAGES
from konsento.models.driver import Driver
from konsento.settings import Settings
from konsento.web.language import COOKIE, address_in, language_of
from konsento.web.security import cookie_flags

STATIC = Path(__file__).parent / "static"
OUTLINES = "Natural Earth"
"""Whose outlines a map shows that has no other pictures."""


def templates_of(package: str) -> Environment:
    """Return the templates that lie in a package, as strict as pages with money on them have to be."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_templates = templates_of("konsento.web")


@cache
def asset(name: str, folder: Path = STATIC, at: str = "/static") -> str:
    """Return the address of a static file. It changes with the content, so that browsers may keep what they have."""
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]
    return f"{at}/{name}?v={digest}"


def page(
    request: Request, template: str, *, driver: Driver | None, status: int = 200, **values: object
) -> HTMLResponse:
    """Return a driver's page. `driver` is who is signed in."""
    return rendered(request, _templates.get_template(template), status, driver=driver, **values)


def rendered(request: Request, template: Template, status: int, **values: object) -> HTMLResponse:
    """Return a page in the language of the request, with what every page needs."""
    language = language_of(request)
    settings: Settings = request.app.state.services.settings
    html = template.render(
        **values,
        _=language.text,
        language=language,
        other_languages=[(other, address_in(request, other)) for other in LANGUAGES if other is not language],
        can_switch=request.method in {"GET", "HEAD"},
        path=request.url.path,
        asset=asset,
        operator=settings.operator_name,
        support=settings.support_contact,
        map_tiles=settings.map_tiles_url,
        map_attribution=settings.map_attribution if settings.map_tiles_url else OUTLINES,
    )
    answer = HTMLResponse(html, status_code=status)
    answer.headers["Content-Language"] = language.code
    answer.headers["Vary"] = "Accept-Language, Cookie"
    if request.query_params.get("lang") == language.code:
        year = int(timedelta(days=365).total_seconds())
        answer.set_cookie(COOKIE, language.code, max_age=year, **cookie_flags(settings.public_url))
    return answer
