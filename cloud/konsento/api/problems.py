"""Errors as `application/problem+json` (RFC 9457), and what every operation declares of them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from konsento.api.errors import (
    BodyTooLarge,
    InvalidRequest,
    MethodNotOffered,
    NoSuchResource,
    ScopeMissing,
    TokenNeeded,
    TokenNotValid,
    TooManyQuestions,
    TooManyRequests,
)
from konsento.kit.asgi import SECURITY_HEADERS
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES, Language
from konsento.ocpp import schemas
from konsento.remote.errors import RequestNotAllowed
from konsento.web import problems as pages
from konsento.web.errors import OurFault

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
MOST_BODY: Final = 65_536
"""Bytes of a request's body; the largest that makes sense is a fraction of it."""
PREFIX: Final = "/api/v1"
ALWAYS: Final[tuple[type[KonsentoError], ...]] = (
    TokenNeeded,
    TokenNotValid,
    ScopeMissing,
    InvalidRequest,
    TooManyRequests,
    OurFault,
    BodyTooLarge,
)
"""What every operation with a token can answer."""


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str = Field(description="JSON pointer into the body, or the name of the parameter.", examples=["/limit"])
    detail: str = Field(description="What is wrong with it, in English.", examples=["Field required"])


class Problem(BaseModel):
    """Why something was not done (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(
        description="Address of a page that explains the reason; the same for every occurrence.",
        examples=["https://charge.example/api/v1/problems/OutletBusy"],
    )
    title: str = Field(description="Short, in the language of `Accept-Language`.", examples=["This outlet is in use."])
    status: int = Field(description="The HTTP status.", examples=[409])
    detail: str = Field(
        description="A sentence for a person: what happened and what to do, in the language of `Accept-Language`.",
        examples=["This outlet is in use. Take another outlet, or wait until it is free."],
    )
    code: str = Field(description="Stable name of the reason, for programs.", examples=["OutletBusy"])
    instance: str = Field(description="Path of the request.", examples=["/api/v1/sessions"])
    errors: list[Fault] | None = Field(
        default=None, description="What is wrong with a request of the wrong form; null otherwise."
    )


DECLARED: Final[dict[str, type[KonsentoError]]] = {}
"""Every reason that an operation declares, by its code: each has a page."""


def declared(*errors: type[KonsentoError]) -> dict[int | str, dict[str, Any]]:
    """Return what an operation declares: these reasons and those that every operation can have, by status."""
    by_status: dict[int | str, list[type[KonsentoError]]] = {}
    for error in (*errors, *ALWAYS):
        DECLARED[error.__name__] = error
        by_status.setdefault(error.status, []).append(error)
    return {status: _response(status, reasons) for status, reasons in sorted(by_status.items(), key=str)}


def open_to_all(*errors: type[KonsentoError]) -> dict[int | str, dict[str, Any]]:
    """Return what an operation declares that needs no token."""
    return {s: r for s, r in declared(*errors).items() if s not in {401, 403, 413, 429} or _has(errors, s)}


def _has(errors: Sequence[type[KonsentoError]], status: int | str) -> bool:
    return any(error.status == status for error in errors)


def _response(status: int | str, reasons: list[type[KonsentoError]]) -> dict[str, Any]:
    described = "\n".join(f"- `{reason.__name__}`: {reason.message}" for reason in reasons)
    response: dict[str, Any] = {"model": Problem, "description": described}
    if status == TooManyRequests.status:
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return response


def language_of(request: Request) -> Language:
    """Return the language of an answer: that of `Accept-Language`. Cookies and addresses say nothing here."""
    return LANGUAGES.accepted(request.headers.get("accept-language", ""))


def problem(request: Request, error: KonsentoError, faults: list[Fault] | None = None) -> Problem:
    """Describe an error to a program."""
    language = language_of(request)
    base = str(request.app.state.services.settings.public_url).rstrip("/")
    return Problem(
        type=f"{base}{PREFIX}/problems/{error.code}",
        title=language.text(pages.title_of(error.code, error.status)),
        status=error.status,
        detail=language.error(error),
        code=error.code,
        instance=request.url.path,
        errors=faults,
    )


def answer(
    request: Request,
    error: KonsentoError,
    faults: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer to a request that was refused."""
    pages.note(request, error)
    content = problem(request, error, faults).model_dump(exclude_none=True)
    return JSONResponse(
        content,
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers={"Content-Language": language_of(request).code, **_headers_of(error), **(headers or {})},
    )


def _headers_of(error: KonsentoError) -> dict[str, str]:
    match error:
        case TokenNeeded():
            return {"WWW-Authenticate": 'Bearer realm="konsento"'}
        case TokenNotValid():
            return {"WWW-Authenticate": 'Bearer realm="konsento", error="invalid_token"'}
        case ScopeMissing():
            scope = error.values["scope"]
            return {"WWW-Authenticate": f'Bearer realm="konsento", error="insufficient_scope", scope="{scope}"'}
        case TooManyRequests() | TooManyQuestions():
            return {"Retry-After": str(error.values["seconds"])}
    return {}


def install(api: FastAPI) -> None:
    """Let every error of the API be answered as a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, KonsentoError)  # noqa: S101  # Starlette calls this for no other
        return answer(request, error)

    async def by_schema(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestNotAllowed)  # noqa: S101  # Starlette calls this for no other
        return answer(request, error, faults_of(error.faults))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  # Starlette calls this for no other
        return answer(request, InvalidRequest(), [_fault(one) for one in error.errors()])

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # Starlette calls this for no other
        match error.status_code:
            case 405:
                return answer(request, MethodNotOffered(), headers={"Allow": ", ".join(_methods(request))})
            case 413:
                return answer(request, BodyTooLarge(maximum=MOST_BODY))
            case 404:
                return answer(request, NoSuchResource())
        return answer(request, InvalidRequest())

    async def broken(request: Request, _error: Exception) -> Response:
        # Answered outside of all middleware, so the headers come from here; the server logs the traceback.
        return answer(request, OurFault(), headers=SECURITY_HEADERS)

    api.add_exception_handler(KonsentoError, ours)
    api.add_exception_handler(RequestNotAllowed, by_schema)
    api.add_exception_handler(RequestValidationError, invalid)
    api.add_exception_handler(HTTPException, of_http)
    api.add_exception_handler(Exception, broken)


def _methods(request: Request) -> list[str]:
    """Return the methods that an address takes; Starlette names only those of the first operation that is there."""
    at = [route for route in request.app.state.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in at for method in route.methods})


def faults_of(faults: Iterable[schemas.Fault]) -> list[Fault]:
    """Return what an official schema of OCPP does not allow."""
    return [Fault(pointer=fault.pointer, detail=fault.sentence) for fault in faults]


def _fault(error: Mapping[str, Any]) -> Fault:
    where, *path = error["loc"]
    if where == "body":
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
    else:
        pointer = ".".join(str(part) for part in path)
    # Where a text stops being JSON is a number, not a place in the body.
    is_json = error["type"] != "json_invalid"
    return Fault(pointer=pointer[:200] if is_json else "", detail=str(error["msg"])[:200] if is_json else "Not JSON")
