"""The application that both systems serve: errors as problems (RFC 9457), a document, limits, and a graceful end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from konsento.environment.base import Office
from konsento.environment.errors import (
    InvalidRequest,
    MethodNotOffered,
    NothingHere,
    OurFault,
    RoleMissing,
    TokenNeeded,
    TokenNotValid,
    TooLarge,
)
from konsento.environment.wire import MOST_BODY, MOST_ITEMS, Measurement
from konsento.kit.asgi import SECURITY_HEADERS, BodyLimit, SecurityHeaders
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES
from konsento.kit.serving import PageServer, open_door, server_config, stop_on_signals

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
VERSION: Final = "1.0.0"


class Problem(BaseModel):
    """Why a request was not carried out (RFC 9457)."""

    type: str = Field(default="about:blank", description="Always `about:blank`: `code` tells the reason.")
    title: str = Field(description="The HTTP status in words.")
    status: int
    detail: str = Field(description="What happened and what to do, in the language of `Accept-Language`.")
    code: str = Field(description="Stable name of the reason, for programs.")


def declared(*errors: type[KonsentoError]) -> dict[int | str, dict[str, Any]]:
    """Return what an operation with a token declares: these reasons and those that each can have."""
    by_status: dict[int | str, list[str]] = {}
    always: tuple[type[KonsentoError], ...] = (TokenNeeded, TokenNotValid, RoleMissing, InvalidRequest)
    for error in (*errors, *always):
        by_status.setdefault(error.status, []).append(f"- `{error.__name__}`: {error.message}")
    return {status: {"model": Problem, "description": "\n".join(lines)} for status, lines in sorted(by_status.items())}


def office_of(request: Request) -> Office:
    """Return what the application works with."""
    return cast("Office", request.app.state.office)


type Offices = Annotated[Office, Depends(office_of)]


def made(office: Office, title: str, description: str, routers: Sequence[APIRouter], *, https: bool) -> FastAPI:
    """Return an application with these operations."""
    app = FastAPI(
        title=title, description=description, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.office = office
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.add_api_route("/openapi.json", _document, include_in_schema=False)
    for router in routers:
        app.include_router(router)
    _answer_problems(app)
    app.add_middleware(BodyLimit, most=MOST_BODY, refused=lambda request: answer(request, _too_large()))
    app.add_middleware(SecurityHeaders, https=https)
    return app


# Not within `made`: FastAPI remembers every function that it has looked at, and with it the application.
async def _healthz(office: Offices) -> Response:
    async with office.database.transaction() as session:
        await session.execute(text("SELECT 1"))
    return JSONResponse({"status": "ok"})


async def _document(request: Request) -> Response:
    return JSONResponse(document(request.app, request.app.title, request.app.description))


def document(app: FastAPI, title: str, description: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, with the items of a batch, which are checked one by one."""
    found = get_openapi(
        title=title, version=VERSION, openapi_version="3.1.0", description=description, routes=app.routes
    )
    schemas = found["components"]["schemas"]
    if "Measurements" in schemas:
        item = Measurement.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {name: schema for name, schema in item.pop("$defs").items() if name not in schemas}
        schemas["Measurement"] = item
        schemas["Measurements"]["properties"]["measurements"]["items"] = {"$ref": "#/components/schemas/Measurement"}
    for path in found["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if int(status) >= 400 and "application/json" in content:
                    response["content"] = {MEDIA_TYPE: content["application/json"]}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return found


def answer(request: Request, error: KonsentoError) -> Response:
    """Return the answer to a request that was refused."""
    language = LANGUAGES.accepted(request.headers.get("accept-language", ""))
    log.info("%s %s refused: %s", request.method, request.url.path, error.code)
    problem = Problem(
        title=HTTPStatus(error.status).phrase, status=error.status, detail=language.error(error), code=error.code
    )
    headers = {"Content-Language": language.code}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="konsento"'
    return JSONResponse(problem.model_dump(), status_code=error.status, media_type=MEDIA_TYPE, headers=headers)


def _too_large() -> TooLarge:
    return TooLarge(items=MOST_ITEMS, bytes=MOST_BODY)


def _answer_problems(app: FastAPI) -> None:
    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, KonsentoError)  # noqa: S101  # Starlette calls this for no other
        return answer(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  # Starlette calls this for no other
        first = error.errors()[0]
        if first["type"] == "too_long":
            return answer(request, _too_large())
        # Where, never what: a body may hold anything.
        where = "body" if first["type"] == "json_invalid" else ".".join(str(part) for part in first["loc"])[:100]
        return answer(request, InvalidRequest(where=where))

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # Starlette calls this for no other
        match error.status_code:
            case 404:
                return answer(request, NothingHere())
            case 405:
                refused = answer(request, MethodNotOffered())
                refused.headers.update(error.headers or {})
                return refused
            case 413:
                return answer(request, _too_large())
        return answer(request, InvalidRequest(where="body"))

    async def broken(request: Request, _error: Exception) -> Response:
        # Answered outside of all middleware, so the headers come from here; the server logs the traceback.
        refused = answer(request, OurFault())
        refused.headers.update(SECURITY_HEADERS)
        return refused

    app.add_exception_handler(KonsentoError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, broken)


async def serve(
    office: Office, app: FastAPI, *, host: str, port: int, begin: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Serve an application and work off what is due until SIGTERM or SIGINT. Raises OSError for a taken port.

    `begin` is awaited before the first request.
    """
    stop = stop_on_signals()
    door = open_door(host, port)
    server = PageServer(server_config(app, host, port))
    runner: asyncio.Task[None] | None = None
    serving: asyncio.Task[None] | None = None
    try:
        if begin is not None:
            await begin()
        runner = asyncio.create_task(office.work.run(), name="due work")
        serving = asyncio.create_task(server.serve(sockets=[door]), name="pages")
        stopped = asyncio.create_task(stop.wait())
        log.info("ready on http://%s:%d", host, port)
        await asyncio.wait({stopped, serving, runner}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        log.info("ending")
    finally:
        server.should_exit = True
        if serving is not None:
            await serving
        if runner is not None:
            runner.cancel()
            with suppress(asyncio.CancelledError):
                await runner
        door.close()
        await office.database.close()
