"""Puts the back office into the application."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from konsento.backoffice import (
    advice,
    alarms,
    any_request,
    bills,
    driver_rewards,
    drivers,
    feeds,
    frames,
    health,
    invoices,
    labels,
    log,
    messages,
    outlets,
    overview,
    partners,
    payments,
    pending,
    power_types,
    prices,
    problems,
    region_decisions,
    regions,
    remote,
    rewards,
    session,
    sessions,
    signin,
    site,
    sites,
    staff,
    statements,
    suppliers,
    tokens,
    trace,
)
from konsento.backoffice.render import STATIC
from konsento.kit.asgi import BodyLimit
from konsento.web.errors import FormTooLarge
from konsento.web.install import LARGEST_FORM, Assets
from konsento.web.problems import install as install_problems

ROUTERS: Final[tuple[APIRouter, ...]] = tuple(
    part.router
    for part in (
        signin,
        overview,
        sessions,
        session,
        invoices,
        frames,
        messages,
        sites,
        pending,
        site,
        outlets,
        prices,
        rewards,
        advice,
        partners,
        regions,
        region_decisions,
        feeds,
        suppliers,
        power_types,
        payments,
        drivers,
        driver_rewards,
        alarms,
        remote,
        any_request,
        trace,
        labels,
        log,
        health,
        staff,
        bills,
        statements,
        tokens,
    )
)
"""The pages. Every route names who may call it (`backoffice.who`), or is open: the sign-in and the invitation."""


@cache
def routes() -> Sequence[BaseRoute]:
    """Return the pages. What each takes is looked at once, however many applications have them."""
    pages = APIRouter()
    for router in ROUTERS:
        pages.include_router(router, include_in_schema=False)
    return pages.routes


def install(app: FastAPI) -> None:
    """Add the back office under `/office`: an application of its own, so that its errors have its own pages.

    `app.state.services` is set before; headers and the guard against other sites are those of the application around.
    """
    office = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    office.state.services = app.state.services
    office.state.latest = overview.Latest()
    office.mount("/static", Assets(directory=STATIC), name="static")
    office.router.routes.extend(routes())
    install_problems(office, problems.answer)
    office.add_middleware(
        BodyLimit,
        most=LARGEST_FORM,
        refused=lambda request: problems.answer(request, FormTooLarge()),
        # The forms with a file read it only after the sign-in, and within their own bounds.
        elsewhere=lambda request: request.url.path.endswith(("/plan", "/upload")),
    )
    app.mount("/office", office, name="office")
