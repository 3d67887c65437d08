"""What cookies are set with, and which addresses are of this site."""

from typing import Literal, TypedDict
from urllib.parse import urlsplit


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
