"""The reference and the explained errors, for people: made of the document, without any script."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from konsento.api.document import METHODS, scopes_of
from konsento.api.errors import NoSuchResource
from konsento.api.problems import ALWAYS, DECLARED, MEDIA_TYPE, PREFIX
from konsento.kit.i18n import LANGUAGES
from konsento.web.render import rendered, templates_of

router = APIRouter()

_templates = templates_of("konsento.api")
_templates.filters["code"] = lambda text: Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped
_BY_TYPE: Final[dict[tuple[str | None, str | None], object]] = {
    ("string", "date-time"): "2026-11-22T01:58:00Z",
    ("string", "uuid"): "01932f4e-7c00-7a1b-8c2d-3e4f5a6b7c8d",
    ("string", None): "",
    ("integer", None): 0,
    ("boolean", None): False,
}
_ALWAYS: Final = tuple(error.__name__ for error in ALWAYS)
_DEEP: Final = 6
"""Objects inside of each other in an example; no schema goes deeper."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation as the reference writes it."""

    id: str
    method: str
    path: str
    summary: str
    paragraphs: list[str]
    scopes: list[str]
    parameters: list[tuple[str, str, str]]
    """Name, where it stands and what it means."""
    body: str
    """An example; empty for none."""
    answer: str
    success: str
    """Status of success."""
    reasons: list[str]
    """Codes of the errors, without those that every operation has."""


@router.get("/")
async def root() -> Response:
    """Lead to the reference."""
    return RedirectResponse(f"{PREFIX}/docs", 303)


@router.get("/docs")
async def reference(request: Request) -> Response:
    """Show all operations."""
    found = request.app.state.document()
    return rendered(
        request,
        _templates.get_template("reference.html"),
        200,
        document=found,
        paragraphs=_paragraphs(found["info"]["description"]),
        always=_ALWAYS,
        tags=[(tag, list(_operations(found, tag["name"]))) for tag in found["tags"]],
        events=list(_events(found)),
        prefix=PREFIX,
    )


@router.get("/problems")
async def all_problems(request: Request) -> Response:
    """List all reasons for which something is not done."""
    listed = sorted((error.status, code) for code, error in DECLARED.items())
    return rendered(request, _templates.get_template("problems.html"), 200, problems=listed, prefix=PREFIX)


@router.get("/problems/{code}")
async def problem(request: Request, code: str) -> Response:
    """Explain a reason. Raises `NoSuchResource`."""
    error = DECLARED.get(code)
    if error is None:
        raise NoSuchResource
    found = request.app.state.document()
    used = [one for tag in found["tags"] for one in _operations(found, tag["name"]) if code in one.reasons]
    return rendered(
        request,
        _templates.get_template("problem.html"),
        200,
        code=code,
        number=error.status,
        about=(error.__doc__ or "").splitlines()[0],
        sentences=[(language, language.text(error.message)) for language in LANGUAGES],
        operations=used,
        always=code in _ALWAYS,
        prefix=PREFIX,
    )


def _operations(found: dict[str, Any], tag: str) -> Iterable[Operation]:
    for path, methods in found["paths"].items():
        for method in METHODS:
            operation = methods.get(method)
            if operation is not None and tag in operation["tags"]:
                yield _operation(found, method.upper(), path, operation)


def _events(found: dict[str, Any]) -> Iterable[Operation]:
    for name, methods in found["webhooks"].items():
        yield _operation(found, "POST", name, methods["post"])


def _operation(found: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Operation:
    responses = operation["responses"]
    success = next(status for status in responses if int(status) < 400)
    refused = [response for status, response in responses.items() if MEDIA_TYPE in response.get("content", {})]
    return Operation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation.get("summary", ""),
        paragraphs=_paragraphs(operation.get("description", "").split("\n\nScope:")[0]),
        scopes=scopes_of(operation),
        parameters=[
            (one["name"], one["in"], one.get("description") or one["schema"].get("description", ""))
            for one in operation.get("parameters", [])
        ],
        body=_example(found, operation.get("requestBody", {})),
        answer=_example(found, responses[success]),
        success=success,
        reasons=[code for response in refused for code in _codes(response) if code not in _ALWAYS],
    )


def _codes(response: dict[str, Any]) -> list[str]:
    return [line[3:].split("`")[0] for line in response["description"].splitlines()]


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _example(found: dict[str, Any], holder: dict[str, Any]) -> str:
    schema = holder.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return ""
    return json.dumps(_value(found, schema, 0), indent=2, ensure_ascii=False)


def _value(found: dict[str, Any], schema: dict[str, Any], depth: int) -> Any:
    """Return an example of a schema: its own, else what its type looks like."""
    if "$ref" in schema:
        schema = found["components"]["schemas"][schema["$ref"].rpartition("/")[2]] | {
            key: value for key, value in schema.items() if key == "examples"
        }
    for own in (schema.get("examples"), [schema[name] for name in ("default", "const") if name in schema]):
        if own:
            return own[0]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return None if {"type": "null"} in schema["anyOf"] else _value(found, schema["anyOf"][0], depth)
    if "properties" in schema and depth < _DEEP:
        return {name: _value(found, one, depth + 1) for name, one in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_value(found, schema["items"], depth + 1)]
    return _BY_TYPE.get((schema.get("type"), schema.get("format")), {})
