"""Puts the pages into the application."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from konsento.kit.asgi import BodyLimit, SecurityHeaders
from konsento.settings import Settings
from konsento.web import (
    account,
    advice_links,
    advice_settings,
    balance,
    bills,
    cards,
    due,
    finding,
    guest,
    history,
    hooks,
    invoices,
    links,
    outlets,
    outlook,
    passkeys,
    pay,
    phone_app,
    planned,
    power,
    presence,
    problems,
    profile,
    rewards,
    sessions,
    sites,
    start,
    suppliers,
    tokens,
    top_up,
    webhooks,
)
from konsento.web.errors import FormTooLarge
from konsento.web.guard import SameOriginOnly
from konsento.web.render import STATIC
from konsento.web.security import is_https, origin_of

LARGEST_FORM: Final = 65_536
"""Bytes. A form is read before it is known who sent it."""
_APPLICATIONS: Final = ("/office/", "/api/")
"""Mounted beside the pages; each bounds its bodies itself."""
_PARTS: Final = (
    outlets,
    outlook,
    planned,
    finding,
    invoices,
    sites,
    power,
    suppliers,
    start,
    presence,
    sessions,
    history,
    balance,
    bills,
    top_up,
    pay,
    due,
    cards,
    account,
    guest,
    links,
    profile,
    advice_settings,
    advice_links,
    rewards,
    passkeys,
    tokens,
    webhooks,
    hooks,
    phone_app,
)


class Assets(StaticFiles):
    """Static files whose address changes with their content, so browsers may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file."""
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer


@cache
def routes() -> Sequence[BaseRoute]:
    """Return the pages. What each takes is looked at once, however many applications have them."""
    pages = APIRouter()
    for part in _PARTS:
        pages.include_router(part.router, include_in_schema=False)
    return pages.routes


def install(app: FastAPI, settings: Settings) -> None:
    """Add pages, static files, error pages and the browser's guard rails. `app.state.services` is set by start-up."""
    app.mount("/static", Assets(directory=STATIC), name="static")
    app.router.routes.extend(routes())
    problems.install(app)
    # Streams are left alone. Nothing can be guessed from the length of a page (BREACH): forms are kept to this site by
    # their origin, not by a token in the page, and a secret is shown once.
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)
    app.add_middleware(
        BodyLimit,
        most=LARGEST_FORM,
        refused=lambda request: problems.answer(request, FormTooLarge()),
        elsewhere=lambda request: request.url.path.startswith(_APPLICATIONS),
    )
    app.add_middleware(SameOriginOnly, public_url=settings.public_url)
    # Added last, so outermost: what the guard refuses carries the headers as well.
    pictures = origin_of(settings.map_tiles_url) if settings.map_tiles_url else ""
    app.add_middleware(SecurityHeaders, https=is_https(settings.public_url), pictures=pictures)
