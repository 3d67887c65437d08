"""The web app manifest: lets a phone put the pages on its home screen (W3C Application Manifest)."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from konsento.web.language import language_of
from konsento.web.render import asset
from konsento.web.who import Wired

router = APIRouter()

_PAPER = "#fbfaf6"  # as in konsento.css


@router.get("/manifest.webmanifest")
async def manifest(request: Request, services: Wired) -> Response:
    """Describe the app in the reader's language. Open to everybody."""
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
