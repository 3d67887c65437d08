"""Which requests a browser may send from elsewhere: none that change anything."""

from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from konsento.web import problems
from konsento.web.errors import FromAnotherSite
from konsento.web.security import origin_of

_PROGRAMS: Final = ("/api/", "/hooks/", "/advice/off/")
"""Cookies count for nothing there, so no page can borrow them; programs send no origin, mail programs among them."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class SameOriginOnly:
    """Refuses requests that change something and were sent by a page of another site (403).

    Browsers set `Sec-Fetch-Site` and `Origin` themselves; scripts cannot. The first comes only over HTTPS and from
    localhost, the second with every unsafe request, so one without either is from no browser and has to say its origin.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._public_origin = origin_of(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not self._may(scope):
            await problems.answer(Request(scope), FromAnotherSite())(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        return scope["method"] in _SAFE or scope["path"].startswith(_PROGRAMS) or self._from_here(Request(scope))

    def _from_here(self, request: Request) -> bool:
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = request.headers.get("origin")
        if origin is None:
            return False
        try:
            return origin in {self._public_origin, origin_of(str(request.base_url))}
        except ValueError:  # A Host header that is no host.
            return False
