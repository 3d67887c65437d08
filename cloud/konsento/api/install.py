"""Puts the API into the application."""

import re
from collections.abc import Sequence
from functools import cache, partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount

from konsento.api import (
    account,
    advice,
    bills,
    health,
    outlets,
    payments,
    presence,
    problems,
    public_offers,
    receipts,
    reference,
    rewards,
    sessions,
    sites,
    stations,
    tokens,
    webhooks,
)
from konsento.api.document import document, operation_id
from konsento.api.errors import BodyTooLarge, TooManyQuestions
from konsento.api.middleware import NotedHeaders
from konsento.api.who import Rate
from konsento.kit.asgi import BodyLimit
from konsento.services import Services
from konsento.settings import Settings

ROUTERS: Final[tuple[APIRouter, ...]] = tuple(
    part.router
    for part in (
        sites,
        public_offers,
        outlets,
        presence,
        sessions,
        advice,
        payments,
        bills,
        receipts,
        account,
        rewards,
        webhooks,
        tokens,
        stations,
        health,
    )
)
"""The operations. Each names the scope that its token needs (`api.who`), or is open: offers and health."""
TAGS: Final = [
    {"name": "Sites", "description": "Where there are outlets, by name and on the map."},
    {"name": "Outlets", "description": "Where one can charge, and what it costs."},
    {"name": "Offers", "description": "For other suppliers and portals: what is sold here. Open to everybody."},
    {"name": "Sessions", "description": "Start, watch, change, stop."},
    {"name": "Advice", "description": "When charging is good, and charging that starts by itself then."},
    {"name": "Payments", "description": "Paying outside, paying in, and what is owed."},
    {"name": "Receipts", "description": "What was billed."},
    {"name": "Account", "description": "The driver, and how the driver can pay."},
    {"name": "Webhooks", "description": "Addresses that are told what happens."},
    {"name": "Tokens", "description": "With which programs act for the driver."},
    {"name": "Stations", "description": "For the staff: any request of OCPP to a station."},
    {"name": "Health", "description": "Whether the API can be used."},
]


def install(app: FastAPI, services: Services) -> None:
    """Add the API under `/api/v1`: an application of its own, so that its errors are problems and not pages."""
    mount = Mount(problems.PREFIX, made(services), name="api")
    # As Starlette writes it, an address with a line break would be none of the API, and be answered with a page.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    app.router.routes.append(mount)


def made(services: Services) -> FastAPI:
    """Return the API as an application."""
    api = bare()
    api.state.services = services
    api.state.rate = Rate[UUID](services.settings.api_requests_per_minute)
    api.state.offers_rate = Rate[str](services.settings.offers_requests_per_minute, "network", TooManyQuestions)
    # Made when it is asked for first: that takes as long as all else of a start.
    api.state.document = cache(partial(document, api, services.settings))

    api.add_api_route("/openapi.json", _document, include_in_schema=False)
    api.router.routes.extend(_reference())
    api.state.routes = [route for router in (*ROUTERS, reference.router) for route in router.routes]
    api.add_middleware(BodyLimit, most=problems.MOST_BODY, refused=_too_large)
    api.add_middleware(NotedHeaders)
    problems.install(api)
    return api


# Not within `made`: FastAPI remembers every function that it has looked at, and with it the application.
async def _document(request: Request) -> Response:
    return JSONResponse(request.app.state.document(), headers={"Cache-Control": "public, max-age=300"})


def _too_large(request: Request) -> Response:
    return problems.answer(request, BodyTooLarge(maximum=problems.MOST_BODY))


# What each operation takes is looked at once, however many applications have them.
@cache
def _operations() -> Sequence[BaseRoute]:
    operations = APIRouter(generate_unique_id_function=operation_id)
    for router in ROUTERS:
        operations.include_router(router)
    return operations.routes


@cache
def _reference() -> Sequence[BaseRoute]:
    pages = APIRouter()
    pages.include_router(reference.router, include_in_schema=False)
    return pages.routes


def bare() -> FastAPI:
    """Return the API's operations, without anything to work with: enough for its document."""
    api = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
        openapi_tags=TAGS,
        redirect_slashes=False,
    )
    api.router.routes.extend(_operations())
    webhooks.describe_events(api)
    return api


def openapi(settings: Settings) -> dict[str, Any]:
    """Return the document, for the command that prints it."""
    return document(bare(), settings)
