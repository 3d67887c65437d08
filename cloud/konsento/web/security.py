"""What every answer says to the browser, and which addresses are of this site."""

from collections.abc import Mapping
from typing import Final, Literal, TypedDict
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def content_security_policy(*, scripts: str = "", pictures: str = "") -> str:
    """Return the policy; `scripts` and `pictures` are further sources of a page that needs them."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {scripts}".rstrip(),
            "style-src 'self'",
            f"img-src 'self' {pictures}".rstrip(),
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def permissions_policy(*allowed: str) -> str:
    """Return the policy: no camera, place, microphone or payment but what is named in `allowed`."""
    features = ("camera", "geolocation", "microphone", "payment")
    return ", ".join(f"{feature}=({'self' if feature in allowed else ''})" for feature in features)


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


def is_https(url: str) -> bool:
    """Tell whether drivers reach the pages over TLS, so that cookies may insist on it."""
    return url.startswith("https:")


class CookieFlags(TypedDict):
    """What every cookie of the pages is set with."""

    httponly: Literal[True]
    samesite: Literal["lax"]
    secure: bool


def cookie_flags(public_url: str) -> CookieFlags:
    """Return the flags: out of reach of scripts, not sent along by other sites, over TLS only where there is."""
    return {"httponly": True, "samesite": "lax", "secure": is_https(public_url)}


def cookie_name(name: str, public_url: str, path: str = "/") -> str:
    """Return what a cookie is called: over TLS so that browsers take it from this host alone (RFC 6265bis, 4.1.3)."""
    if not is_https(public_url):
        return name
    return f"__Host-{name}" if path == "/" else f"__Secure-{name}"


def origin_of(url: str) -> str:
    """Return the origin (RFC 6454) of an address, as a browser writes it. Raises ValueError for what is none."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in {None, default} else ""
    return f"{parts.scheme}://{host}{port}"


def safe_next(path: str | None) -> str:
    r"""Return where to go after signing in: `path` when it leads to a page of this site, else the start page.

    Takes only a plain absolute path: browsers read `//host` and `/\host` as another site.
    """
    if not path or not path.startswith("/") or path.startswith("//") or len(path) > 500:
        return "/"
    if "\\" in path or any(ord(c) < 33 or ord(c) == 127 for c in path):
        return "/"
    return path
