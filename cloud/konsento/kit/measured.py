"""What is put around an application to measure its answers, and to give each request a name in the log."""

import logging
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from konsento.kit.ids import new_token
from konsento.kit.logs import log_context
from konsento.kit.metrics import OTHER, Metrics

log = logging.getLogger(__name__)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measured:
    """Counts and times requests by the template of their address, never by the address: that holds ids and codes."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        status = 500
        log_context.set({"request_id": new_token(12)})

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_look)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else OTHER
            route = template_of(scope)
            self._metrics.requests[method, route, str(status)].inc()
            self._metrics.request_seconds[method, route].observe(perf_counter() - began)


def template_of(scope: Scope) -> str:
    """Return the template of the address that was asked for: `/s/{session_id}`; `other` for what there is not."""
    path = getattr(scope.get("route"), "path", None)
    mounted: str = scope.get("root_path", "")
    if path is not None:
        return f"{mounted}{path}"
    return mounted or OTHER
