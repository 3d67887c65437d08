"""What is put around an application: headers that make browsers careful, and a limit to the size of bodies."""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def content_security_policy(*, scripts: str = "", pictures: str = "", frames: str = "", connections: str = "") -> str:
    """Return the policy; further sources are given for a page that needs them, frames only there."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {scripts}".rstrip(),
            "style-src 'self'",
            f"img-src 'self' {pictures}".rstrip(),
            f"connect-src 'self' {connections}".rstrip(),
            *((f"frame-src {frames}",) if frames else ()),
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def permissions_policy(*allowed: str) -> str:
    """Return the policy: no camera, place, microphone or payment but what is named in `allowed`.

    A name may be followed by the origin of a frame that may use it as well: `payment "https://pay.example"`.
    """
    named = {name: f"self {origin}".rstrip() for name, _, origin in (one.partition(" ") for one in allowed)}
    features = ("camera", "geolocation", "microphone", "payment")
    return ", ".join(f"{feature}=({named.get(feature, '')})" for feature in features)


SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": content_security_policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers would then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": permissions_policy(),
}
_ONE_YEAR: Final = "max-age=31536000"


class SecurityHeaders:
    """Puts the security headers on every answer and keeps pages out of shared caches.

    Pure ASGI: Starlette's convenience class would hold back the live stream.
    """

    def __init__(self, app: ASGIApp, *, https: bool, pictures: str = "") -> None:
        """`pictures` is the origin of the operator's map tiles; empty for none."""
        self._app = app
        self._headers = dict(SECURITY_HEADERS) | ({"Strict-Transport-Security": _ONE_YEAR} if https else {})
        self._headers["Content-Security-Policy"] = content_security_policy(pictures=pictures)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # Balance, sessions and receipts are one person's.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Refuses bodies of more than `most` bytes: by their announced length with `refused`, else with an HTTP 413.

    `elsewhere` tells of which requests something else bounds the body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int,
        refused: Callable[[Request], ASGIApp],
        elsewhere: Callable[[Request], bool] = lambda _: False,
    ) -> None:
        self._app = app
        self._most = most
        self._refused = refused
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._elsewhere(Request(scope)):
            await self._app(scope, receive, send)
            return
        taken = 0

        async def receive_some() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise HTTPException(413)
            return message

        request = Request(scope)
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > self._most:
            await self._refused(request)(scope, receive, send)
            return
        await self._app(scope, receive_some, send)
