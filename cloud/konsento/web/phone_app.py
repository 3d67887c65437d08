"""The pages as an app of the phone: its manifest, its service worker, and what it shows without a connection."""

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, JSONResponse, Response

from konsento.web.language import language_of
from konsento.web.render import STATIC, asset, page
from konsento.web.who import Wired

router = APIRouter()

_PAPER = "#fbfaf6"  # as in konsento.css


@router.get("/manifest.webmanifest")
async def manifest(request: Request, services: Wired) -> Response:
    """Describe the app in the reader's language (W3C Web Application Manifest). Open to everybody."""
    language = language_of(request)
    answer = JSONResponse(
        {
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "name": f"konsento · {services.settings.operator_name}",
            "short_name": "konsento",
            "description": language.text("Charge your car from an ordinary outlet."),
            "lang": language.code,
            "display": "standalone",
            "background_color": _PAPER,
            "theme_color": _PAPER,
            "icons": [
                {"src": asset("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
                {"src": asset("icon-192.png"), "sizes": "192x192", "type": "image/png"},
                {"src": asset("icon-512.png"), "sizes": "512x512", "type": "image/png"},
                {"src": asset("icon-maskable.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
            ],
        },
        media_type="application/manifest+json",
    )
    answer.headers["Vary"] = "Accept-Language, Cookie"
    return answer


@router.get("/sw.js")
async def worker() -> Response:
    """Serve the worker. At the root, because a worker serves what lies below its own address. Open to everybody."""
    # Without this header browsers look for a new one only once a day.
    return FileResponse(STATIC / "sw.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get("/offline")
async def offline(request: Request) -> Response:
    """Show what the worker keeps for the time without a connection. Open to everybody, and the same for all."""
    return page(request, "offline.html", driver=None)
