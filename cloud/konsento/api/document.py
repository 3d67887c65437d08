"""The OpenAPI 3.1 document: what FastAPI makes of the operations, with what it cannot know."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from konsento.api.problems import MEDIA_TYPE, PREFIX
from konsento.settings import Settings

VERSION: Final = "1.0.0"
DESCRIPTION: Final = """\
Charge electric vehicles at ordinary outlets: find an outlet, see the price, start, watch, stop, read the receipt.

Every request carries a token of a driver (`Authorization: Bearer kon_…`), those to stations one of the staff
(`Bearer kos_…`). Amounts of money are integers of the
currency's minor unit, energy is in whole Wh or mWh, times are RFC 3339 in UTC. Errors are `application/problem+json`
(RFC 9457) with a stable `code`. Lists come in parts: follow `next`. A request that changes something can carry an
`Idempotency-Key` and then be sent again safely.
"""
METHODS: Final = ("get", "put", "post", "patch", "delete")


def operation_id(route: APIRoute) -> str:
    """Return the stable name of an operation: `startSession` for `start_session`."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def document(api: FastAPI, settings: Settings) -> dict[str, Any]:
    """Return the document of the API."""
    found = get_openapi(
        title="Konsento",
        version=VERSION,
        openapi_version="3.1.0",
        summary="EV charging from ordinary outlets",
        description=DESCRIPTION,
        routes=api.routes,
        webhooks=api.webhooks.routes,
        tags=api.openapi_tags,
        servers=[{"url": f"{settings.public_url.rstrip('/')}{PREFIX}"}],
    )
    for operation in _all(found):
        for status, response in operation["responses"].items():
            content = response.get("content", {})
            if int(status) >= 400 and "application/json" in content:
                response["content"] = {MEDIA_TYPE: content["application/json"]}
        # The docstring of an operation: a sentence, which is its summary, then what else there is to say.
        summary, _, more = operation.get("description", "").partition("\n\n")
        operation["summary"] = " ".join(summary.split()).removesuffix(".")
        needed = scopes_of(operation)
        scopes = ", ".join(f"`{scope}`" for scope in needed)
        operation["description"] = f"{more}\n\nScope: {scopes}.".strip() if needed else more or summary
    for event in found["webhooks"].values():
        # FastAPI's own, for requests that it would check; these are sent by this server.
        del event["post"]["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        del found["components"]["schemas"][name]
    return found


def scopes_of(operation: dict[str, Any]) -> list[str]:
    """Return the scopes that the token of an operation needs."""
    schemes = (scheme for one in operation.get("security", []) for scheme in one.values())
    return sorted({scope for scopes in schemes for scope in scopes})


def _all(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from operations(found)
    yield from (methods["post"] for methods in found["webhooks"].values())


def operations(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every operation of a document."""
    for path in found["paths"].values():
        yield from (path[method] for method in METHODS if method in path)
