"""Any OCPP request to a station, written by hand: its form by the official schema, and what the station answers."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, NoReturn

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import Response

from konsento.backoffice.render import office_page
from konsento.backoffice.site import site_named
from konsento.backoffice.who import RemoteOperator
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.models import StaffMember
from konsento.ocpp import Version, schemas, version_of
from konsento.ocpp.actions import to_station
from konsento.ocpp.schemas import Fault
from konsento.ocpp.stations import DEFAULT_CALL_TIMEOUT_S
from konsento.remote import calls
from konsento.remote.calls import RawAnswer
from konsento.remote.errors import RequestNotAllowed, UnknownRequest
from konsento.services import Services
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

_STRAY: Final = marked(
    "A transaction that is started here belongs to no session: nobody is billed for it, and the server stops it as a"
    " stray. Sessions start on the drivers' pages."
)
_PASSWORD: Final = marked(
    "A password that is set here is not known to this server, so the station could not sign in any more. Make another"
    " password on the page of the site instead."
)
WARNINGS: Final = {
    "RequestStartTransaction": _STRAY,
    "RemoteStartTransaction": _STRAY,
    "SetVariables": _PASSWORD,
    "ChangeConfiguration": _PASSWORD,
    "SetNetworkProfile": marked(
        "With another address or password the station may not find its way back to this server."
    ),
}
KINDS: Final = {
    "string": marked("text"),
    "integer": marked("whole number"),
    "number": marked("number"),
    "boolean": marked("true or false"),
    "array": marked("list"),
    "object": marked("object"),
    "date-time": marked("date and time"),
    "any": marked("anything"),
}
_MOST_CHARACTERS: Final = marked("{kind}, {most} characters at most")
_MOST_ENTRIES: Final = marked("{kind}, {most} entries at most")


class NotJson(KonsentoError):
    """What was typed is no JSON."""

    status = 422
    message = "This is not JSON: look at line {line}, column {column}. Nothing was sent."


class JsonTooDeep(KonsentoError):
    """What was typed goes deeper than any request."""

    status = 422
    message = "This JSON is nested too deeply. Nothing was sent."


class RequestForm(BaseModel):
    """What to ask."""

    action: str = ""
    payload: str = ""


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What came of a request."""

    answer: RawAnswer | None = None
    error: KonsentoError | None = None


@router.get("/stations/{station_id}/ocpp")
async def request_page(
    request: Request, station_id: str, services: Wired, member: RemoteOperator, action: str = ""
) -> Response:
    """Show the requests that there are, and the form of the chosen one."""
    return await _page(request, services, member, station_id, RequestForm(action=action))


@router.post("/stations/{station_id}/ocpp")
async def send_request(
    request: Request, station_id: str, services: Wired, member: RemoteOperator, form: Annotated[RequestForm, Form()]
) -> Response:
    """Send a request, and show what came of it."""
    try:
        outcome = _Outcome(answer=await _send(services, member, station_id, form))
    except KonsentoError as error:
        problems.note(request, error)
        outcome = _Outcome(error=error)
    return await _page(request, services, member, station_id, form, outcome=outcome)


async def _send(services: Services, member: StaffMember, station_id: str, form: RequestForm) -> RawAnswer:
    return await calls.ask_anything(
        services, member.id, station_id, form.action, _read(form.payload), timeout_s=DEFAULT_CALL_TIMEOUT_S
    )


def _read(text: str) -> Any:
    """Return what was typed. Raises `NotJson`, `JsonTooDeep`."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise NotJson(line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise JsonTooDeep from error


def _no_number(word: str) -> NoReturn:
    raise json.JSONDecodeError("no number of JSON", word, 0)


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    station_id: str,
    form: RequestForm,
    *,
    outcome: _Outcome | None = None,
) -> Response:
    async with services.database.transaction() as session:
        site = await site_named(session, station_id)
        connected = await version_of(session, station_id)
    language = language_of(request)
    # What the newest version has is shown as long as nobody knows which one the station speaks.
    version = connected or Version.V21
    known = form.action in to_station(version)
    error = outcome.error if outcome else None
    if error is None and form.action and not known:
        error = UnknownRequest(version=version, action=form.action[:50])
    fields = schemas.fields(form.action, version) if known else []
    return office_page(
        request,
        "any_request.html",
        member=member,
        # A station's refusal is no fault of this page.
        status=error.status if error and error.status < 500 else 200,
        site=site,
        version=version,
        connected=connected is not None,
        actions=sorted(to_station(version)),
        action=form.action if known else "",
        warning=language.text(WARNINGS[form.action]) if form.action in WARNINGS else "",
        payload=form.payload or (_pretty(_skeleton(services, form.action, version)) if known else ""),
        needed=[_described(language, field) for field in fields if field.required],
        optional=[_described(language, field) for field in fields if not field.required],
        problem=language.error(error) if error else "",
        faults=_told(language, error.faults) if isinstance(error, RequestNotAllowed) else [],
        answer=_pretty(outcome.answer.payload) if outcome and outcome.answer else "",
        milliseconds=language.number(outcome.answer.round_trip_ms) if outcome and outcome.answer else "",
        unfit=_told(language, outcome.answer.faults) if outcome and outcome.answer else [],
    )


def _skeleton(services: Services, action: str, version: Version) -> dict[str, Any]:
    return schemas.skeleton(action, version, services.clock.now())


def _pretty(payload: dict[str, Any]) -> str:
    return json.dumps(payload, indent=2, ensure_ascii=False)


def _told(language: Language, faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    return [(fault.pointer or "/", language.text(fault.message, **dict(fault.values))) for fault in faults]


def _described(language: Language, field: schemas.Field) -> tuple[str, str, str, str]:
    """Return path, kind, choices and meaning of a field."""
    kind = language.text(KINDS[field.type])
    if field.most is not None:
        at_most = _MOST_CHARACTERS if field.type == "string" else _MOST_ENTRIES
        kind = language.text(at_most, kind=kind, most=field.most)
    return field.path, kind, ", ".join(field.choices), field.description
