"""Finding a site by its name or place, on the map or near the phone, and by a list that needs no map."""

import hashlib
import json
from math import isfinite
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from konsento.catalogue import service as catalogue
from konsento.kit.asgi import permissions_policy
from konsento.sites import finding
from konsento.sites.finding import Place
from konsento.sites.geometry import Box
from konsento.web.errors import UnreadableRequest
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.site_view import site_view
from konsento.web.who import MaybeSignedIn, Wired

router = APIRouter()

LONGEST_SEARCH: Final = 100
MOST_LISTED: Final = 50
MOST_SHOWN: Final = 100
"""Sites that a part of the map shows one by one; more are shown in groups."""


@router.get("/map")
async def map_page(request: Request, services: Wired, driver: MaybeSignedIn, q: str = "") -> Response:
    """Show where one can charge: a map, and the same as a list. `q` is a part of names or places."""
    words = q[:LONGEST_SEARCH]
    language = language_of(request)
    now = services.clock.now()
    async with services.database.transaction() as session:
        sold = (await catalogue.on_sale(session, now)).sold()
        places = await finding.places(session, sold, words=words)
        places.sort(key=lambda place: finding.searchable(place.name))
        found = await finding.described(session, sold, places[:MOST_LISTED], now)
    box = finding.bounds(places)
    answer = page(
        request,
        "map.html",
        driver=driver,
        q=words,
        sites=[site_view(language, one) for one in found],
        more=len(places) - len(found),
        box=",".join(f"{edge:.4f}" for edge in box) if box is not None else "",
    )
    answer.headers["Permissions-Policy"] = permissions_policy("geolocation")
    return answer


@router.get("/map/sites")
async def sites_on_map(
    request: Request,
    services: Wired,
    box: Annotated[str, Query(max_length=100)],
    q: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
) -> Response:
    """Tell which sites lie in a part of the map, `south,west,north,east` in degrees, for the script of the map.

    Where they are more than `MOST_SHOWN`, in groups. The position of the phone is no part of the question.
    """
    part = parse_box(box)
    language = language_of(request)
    groups: list[finding.Group] = []
    now = services.clock.now()
    async with services.database.transaction() as session:
        sold = (await catalogue.on_sale(session, now)).sold()
        places: list[Place] = await finding.places(session, sold, words=q, box=part)
        if len(places) > MOST_SHOWN:
            groups, places_shown = finding.grouped(places, part), []
        else:
            places_shown = places
        found = await finding.described(session, sold, places_shown, now)
    views = [site_view(language, one) for one in found]
    return unchanged_or(
        request,
        {
            "sites": [
                {"name": v.name, "place": v.place, "page": v.page, "state": v.state, "says": v.says, "tone": v.tone}
                | {"at": v.at, "free": one.free}
                for v, one in zip(views, found, strict=True)
            ],
            "groups": [
                {"at": group.at, "sites": group.sites, "says": language.text("{sites} sites here", sites=group.sites)}
                for group in groups
            ],
            "says": _says(language.text, len(places), grouped=bool(groups)),
        },
    )


def _says(text: Any, count: int, *, grouped: bool) -> str:
    if not count:
        return str(text("No site in this part of the map."))
    return str(text("{sites} sites here. Zoom in to see them one by one.", sites=count)) if grouped else ""


def parse_box(text: str) -> Box:
    """Read `south,west,north,east` in degrees. Raises `UnreadableRequest`."""
    try:
        south, west, north, east = (float(edge) for edge in text.split(","))
    except ValueError:
        raise UnreadableRequest from None
    if not all(isfinite(edge) for edge in (south, west, north, east)) or south > north:
        raise UnreadableRequest
    return Box(south, west, north, east)


def unchanged_or(request: Request, content: dict[str, Any]) -> Response:
    """Return content as JSON, or only that it is what the browser has (RFC 9110, 13.1.2)."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
