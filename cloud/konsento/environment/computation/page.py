"""The page: what was published, for people."""

import base64
import binascii
import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Query, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from konsento.environment.access import Role, holder
from konsento.environment.computation import charts
from konsento.environment.computation.errors import NoRun
from konsento.environment.computation.export import factors_csv, results_csv
from konsento.environment.computation.library import factors_by_number
from konsento.environment.computation.models import Supplier
from konsento.environment.computation.results import Asked, By, Made, lines, run_of, runs
from konsento.environment.computation.settings import ComputationSettings
from konsento.environment.computation.view import METHODS, View, names_of, view_of
from konsento.environment.regions import Tree
from konsento.environment.web import Offices
from konsento.kit.i18n import LANGUAGES, Language

router = APIRouter(include_in_schema=False)

_STATIC: Final = Path(__file__).parent / "static"
_RUNS_SHOWN: Final = 5
_templates: Final = Environment(
    loader=PackageLoader("konsento.environment.computation"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Chosen(BaseModel):
    """What somebody chose on the page."""

    region: str = ""
    method: str = "market"
    lang: str = ""


type Choices = Annotated[Chosen, Query()]


def install(app: FastAPI, settings: ComputationSettings) -> None:
    """Serve what the page needs."""
    app.state.settings = settings
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")


@cache
def _asset(name: str) -> str:
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


async def _may_read(request: Request, office: Offices) -> bool:
    """Tell whether the page may be shown: to everybody, or to a reader whose browser sends the token as a password."""
    settings: ComputationSettings = request.app.state.settings
    if settings.public_page:
        return True
    kind, _, credentials = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        token = base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except binascii.Error, UnicodeDecodeError:
        return False
    async with office.database.transaction() as session:
        row = await holder(session, office.tokens, token)
    return row is not None and row.role in {Role.READER, Role.OPERATOR}


def _language(request: Request, chosen: Chosen) -> Language:
    return LANGUAGES.get(chosen.lang) or LANGUAGES.accepted(request.headers.get("accept-language", ""))


def _rendered(request: Request, chosen: Chosen, template: str, status: int = 200, **values: object) -> HTMLResponse:
    language = _language(request, chosen)

    def address(path: str = "/", **changes: str) -> str:
        query = {name: value for name, value in (chosen.model_dump() | changes).items() if value}
        return f"{path}?{urlencode(query)}" if query else path

    html = _templates.get_template(template).render(
        **values,
        _=language.text,
        language=language,
        other_languages=[other for other in LANGUAGES if other is not language],
        address=address,
        asset=_asset,
        chosen=chosen,
        charts=charts,
        methods=METHODS,
    )
    headers = {"Content-Language": language.code, "Vary": "Accept-Language"}
    return HTMLResponse(html, status_code=status, headers=headers)


def _ask_who(request: Request, chosen: Chosen) -> Response:
    answer = _rendered(request, chosen, "locked.html", 401)
    answer.headers["WWW-Authenticate"] = 'Basic realm="konsento", charset="UTF-8"'
    return answer


@router.get("/")
async def show(request: Request, office: Offices, chosen: Choices) -> Response:
    """Show what was published last."""
    if not await _may_read(request, office):
        return _ask_who(request, chosen)
    async with office.database.transaction() as session:
        tree = await office.trees.now(session)
        if chosen.region and chosen.region not in tree:
            return _rendered(request, chosen, "empty.html", 404, unknown=chosen.region)
        made = await runs(session, _RUNS_SHOWN)
        if not made:
            return _rendered(request, chosen, "empty.html", unknown="")
        view = await _view(session, tree, _language(request, chosen), chosen, made)
    return _rendered(request, chosen, "page.html", view=view)


async def _view(session: AsyncSession, tree: Tree, language: Language, chosen: Chosen, made: list[Made]) -> View:
    all_lines = await lines(session, made[0].run, Asked(), exact=False)
    used = {number for line in all_lines for number in line.figures.factors} | set(made[0].run.mix_factors)
    return view_of(
        language,
        tree,
        all_lines,
        made,
        factors=await factors_by_number(session, used),
        suppliers=await names_of(session, Supplier),
        region=chosen.region,
        method=chosen.method if chosen.method in METHODS else "market",
    )


@router.get("/results.csv")
async def download_results(request: Request, office: Offices, chosen: Choices) -> Response:
    """Give what the page shows, as a table."""
    if not await _may_read(request, office):
        return _ask_who(request, chosen)
    async with office.database.transaction() as session:
        tree = await office.trees.now(session)
        if chosen.region and chosen.region not in tree:
            return _rendered(request, chosen, "empty.html", 404, unknown=chosen.region)
        asked = Asked(regions=tree.within(chosen.region) if chosen.region else None)
        try:
            found = await lines(session, await run_of(session), asked, exact=False)
        except NoRun:
            return _rendered(request, chosen, "empty.html", 404, unknown="")
    return _download(results_csv(found, list(By)), "konsento-results.csv")


@router.get("/factors.csv")
async def download_factors(request: Request, office: Offices, chosen: Choices) -> Response:
    """Give all factors with their sources, as a table."""
    if not await _may_read(request, office):
        return _ask_who(request, chosen)
    async with office.database.transaction() as session:
        return _download(factors_csv(await factors_by_number(session)), "konsento-factors.csv")


def _download(text: str, name: str) -> Response:
    # With a mark, or Excel takes UTF-8 for the system's own encoding.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)
