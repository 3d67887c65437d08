"""The pages: a code is typed or scanned, the suppliers of the outlet stand side by side, a link leads to one."""

import hashlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Annotated, Final, cast
from urllib.parse import parse_qsl, quote, urlencode

import segno
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from konsento.kit import handover
from konsento.kit.asgi import SECURITY_HEADERS, SecurityHeaders
from konsento.kit.clock import Clock
from konsento.kit.errors import KonsentoError
from konsento.kit.handover import Handover, Wish
from konsento.kit.i18n import LANGUAGES, Language
from konsento.kit.offer_view import STATES, TONES, OfferView, offer_views
from konsento.kit.offers import OutletOffers
from konsento.portal.directory import Directory, Place, SupplierEntry
from konsento.portal.errors import Broken, NoSuchOffer, NoSuchOutlet, NoSuchPage
from konsento.portal.settings import PortalSettings
from konsento.portal.watch import Watch, Word

router = APIRouter(include_in_schema=False)

_STATIC: Final = Path(__file__).parent / "static"
_DAY_S: Final = 86_400
_templates: Final = Environment(
    loader=PackageLoader("konsento.portal"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, kw_only=True)
class Portal:
    """What the pages work with."""

    settings: PortalSettings
    directory: Directory
    watch: Watch
    clock: Clock


def portal_of(request: Request) -> Portal:
    """Return what the pages work with."""
    return cast("Portal", request.app.state.portal)


type Wired = Annotated[Portal, Depends(portal_of)]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A supplier at an outlet."""

    name: str
    at: str
    """Address of the way there; `&offer=` follows."""
    state: str
    tone: str
    age: str
    offers: list[OfferView]
    """None: it cannot be asked now."""


def made(portal: Portal) -> FastAPI:
    """Return the application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.portal = portal
    app.mount("/static", _Assets(directory=_STATIC), name="static")
    app.include_router(router)
    _answer_errors(app)
    app.add_middleware(SecurityHeaders, https=portal.settings.public_url.startswith("https:"))
    return app


@router.get("/")
async def start_page(request: Request, portal: Wired, code: str = "") -> Response:
    """Ask for the code of an outlet, and lead to it."""
    if not code:
        return _page(request, portal, "start.html", code="", problem=None)
    place = portal.directory.place(code)
    if place is None:
        error = NoSuchOutlet()
        return _page(
            request,
            portal,
            "start.html",
            error.status,
            code=code[:40],
            problem=language_of(request).error(error),
        )
    return RedirectResponse(_address(request, f"/o/{place.code}"), 303)


@router.get("/o/{code}")
async def outlet_page(request: Request, portal: Wired, code: str) -> Response:
    """Show the suppliers of an outlet side by side."""
    place = _place(portal, code)
    if code != place.code:
        return RedirectResponse(_address(request, f"/o/{place.code}"), 303)
    words = await portal.watch.words(place)
    language = language_of(request)
    rows = [_row(request, portal, place, supplier, words.get(supplier.id)) for supplier in place.suppliers]
    return _page(
        request,
        portal,
        "outlet.html",
        place=place,
        rows=[row for row in rows if row is not None],
        nothing=language.text("Nothing is sold at this outlet now."),
    )


@router.get("/O/{code}")
async def from_qr_code(request: Request, code: str) -> Response:
    """Lead to an outlet from its QR code, which has the address in capitals."""
    return RedirectResponse(_address(request, f"/o/{quote(code)}"), 308)


@router.get("/o/{code}/qr.svg")
async def outlet_qr(portal: Wired, code: str) -> Response:
    """Draw the QR code of an outlet's address here: in capitals, which makes smaller squares unnecessary."""
    place = _place(portal, code)
    address = f"{portal.settings.base_url}/o/{place.code}"
    path = address.partition("://")[2].partition("/")[2]
    # A path of the deployment's own may not be written in capitals.
    text = address.upper() if path == f"o/{place.code}" else address
    picture = BytesIO()
    segno.make(text, error="q", micro=False).save(picture, kind="svg", scale=8, xmldecl=False, light="#fff")
    return Response(
        picture.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": f"public, max-age={_DAY_S}"}
    )


@router.get("/o/{code}/{supplier_id}")
async def go_over(
    request: Request, portal: Wired, code: str, supplier_id: str, offer: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Lead to a supplier's page of the outlet, with what was chosen where a key is shared with it."""
    place = _place(portal, code)
    supplier = next((one for one in place.suppliers if one.id == supplier_id), None)
    word = (await portal.watch.words(place)).get(supplier_id)
    if supplier is None or word is None or word.outlet is None:
        raise NoSuchOffer
    query = {"lang": language_of(request).code}
    if supplier.key is not None:
        signed = Handover(
            sender=portal.settings.base_url,
            receiver=supplier.url,
            outlet=place.common_name,
            back=f"{portal.settings.base_url}/o/{place.code}",
            wish=Wish(offer=offer),
            expires=handover.expiry(portal.clock.now()),
        ).signed(supplier.key)
        query |= {handover.PARAMETER: signed}
    return RedirectResponse(f"{word.outlet.page}?{urlencode(query)}", 303)


@router.get("/healthz")
async def health() -> Response:
    """Tell that the program answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def ready(portal: Wired) -> Response:
    """Tell that it can show something: there is nothing that it needs but its directory."""
    facts = {"status": "ok", "suppliers": len(portal.directory.suppliers), "outlets": portal.directory.count}
    return JSONResponse(facts)


def language_of(request: Request) -> Language:
    """Return the language asked for in the address, else the browser's. No cookie keeps it: links carry it."""
    return LANGUAGES.get(request.query_params.get("lang")) or LANGUAGES.accepted(
        request.headers.get("accept-language", "")
    )


def _place(portal: Portal, code: str) -> Place:
    place = portal.directory.place(code)
    if place is None:
        raise NoSuchOutlet
    return place


def _row(request: Request, portal: Portal, place: Place, supplier: SupplierEntry, word: Word | None) -> Row | None:
    """Describe a supplier; None for one that says that it does not know the outlet."""
    language = language_of(request)
    at = _address(request, f"/o/{place.code}/{supplier.id}", lang=language.code)
    if word is None:
        return Row(name=supplier.name, at=at, state="", tone="", age="", offers=[])
    if word.outlet is None or not word.outlet.offers:
        return None
    outlet: OutletOffers = word.outlet
    return Row(
        name=supplier.name,
        at=at,
        state=language.text(STATES[outlet.state]),
        tone=TONES[outlet.state],
        age=language.duration(int((portal.clock.now() - word.at).total_seconds())),
        offers=offer_views(language, outlet),
    )


def _address(request: Request, path: str, **query: str) -> str:
    """Return an address here that keeps the language that was asked for."""
    asked = {"lang": request.query_params["lang"]} if "lang" in request.query_params else {}
    return f"{path}?{urlencode(asked | query)}" if asked or query else path


def _page(request: Request, portal: Portal, template: str, status: int = 200, **values: object) -> HTMLResponse:
    language = language_of(request)
    rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != "lang"]
    html = _templates.get_template(template).render(
        **values,
        _=language.text,
        language=language,
        other_languages=[
            (other, f"{request.url.path}?{urlencode([*rest, ('lang', other.code)])}")
            for other in LANGUAGES
            if other is not language
        ],
        home=_address(request, "/"),
        lang=request.query_params.get("lang", ""),
        asset=_asset,
        operator=portal.settings.operator_name,
        support=portal.settings.support_contact,
    )
    headers = {"Content-Language": language.code, "Vary": "Accept-Language"}
    return HTMLResponse(html, status_code=status, headers=headers)


@cache
def _asset(name: str) -> str:
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


class _Assets(StaticFiles):
    """Static files whose address changes with their content, so browsers may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file."""
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer


def _answer_errors(app: FastAPI) -> None:
    def answer(request: Request, error: KonsentoError) -> Response:
        return _page(request, portal_of(request), "error.html", error.status, message=language_of(request).error(error))

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, KonsentoError)  # noqa: S101  # Starlette calls this for no other
        return answer(request, error)

    async def of_http(request: Request, _error: Exception) -> Response:
        return answer(request, NoSuchPage())

    async def broken(request: Request, _error: Exception) -> Response:
        # Answered outside of all middleware, so the headers come from here.
        page = answer(request, Broken())
        page.headers.update(SECURITY_HEADERS)
        return page

    app.add_exception_handler(KonsentoError, ours)
    app.add_exception_handler(RequestValidationError, of_http)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, broken)
