"""Link trace: which hops from the server to an outlet answer, and how fast. And an outlet that shows where it is."""

from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from msgspec import Meta, Struct, ValidationError, convert
from starlette.responses import Response

from konsento.backoffice import station_call
from konsento.backoffice.remote import page_of_station
from konsento.backoffice.who import RemoteOperator
from konsento.kit.i18n import Language, marked
from konsento.models import StaffMember
from konsento.ocpp import VENDOR_ID, CallError, CallRefused
from konsento.ocpp.messages import DataTransfer, DataTransferResponse, DataTransferStatus
from konsento.services import Services
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

BLINK_S: Final = 20
_MOST_HOPS: Final = 16
_NOT_KNOWN: Final = {DataTransferStatus.UNKNOWN_VENDOR_ID, DataTransferStatus.UNKNOWN_MESSAGE_ID}
_ANOTHER_MAKE: Final = marked("This site is of another make and does not know this request. Nothing was done.")
_NO_ANSWER: Final = marked("The site did not answer: {reason}. Look at its network and its power.")


class _Hop(Struct, rename="camel"):
    """One part of the way, as a site tells it."""

    hop: Annotated[str, Meta(max_length=100)]
    reachable: bool
    round_trip_ms: Annotated[float, Meta(ge=0, le=3_600_000)] | None = None


class _Trace(Struct):
    hops: Annotated[list[_Hop], Meta(min_length=2, max_length=_MOST_HOPS)]
    """To the server, then to the outlet."""


@dataclass(frozen=True, kw_only=True)
class HopView:
    """One part of the way, as it is read."""

    name: str
    reachable: bool
    time: str
    """Its round trip; empty where nothing came back."""


@dataclass(frozen=True, kw_only=True)
class Traced:
    """What came of a question to an outlet."""

    outlet: int
    sentence: str
    good: bool
    hops: list[HopView]


@router.post("/stations/{station_id}/trace")
async def trace(
    request: Request, station_id: str, services: Wired, member: RemoteOperator, outlet: Annotated[int, Form()] = 0
) -> Response:
    """Trace the way to an outlet and show it."""
    language = language_of(request)
    began = monotonic()
    answer = await _ask(services, member, station_id, "LinkTrace", {"evseId": outlet})
    return await page_of_station(
        request, services, member, station_id, _traced(language, outlet, answer, monotonic() - began)
    )


@router.post("/stations/{station_id}/identify")
async def identify(
    request: Request, station_id: str, services: Wired, member: RemoteOperator, outlet: Annotated[int, Form()] = 0
) -> Response:
    """Have an outlet blink, so that whoever stands at the wall finds it."""
    language = language_of(request)
    answer = await _ask(services, member, station_id, "Identify", {"evseId": outlet, "seconds": BLINK_S})
    problem = _problem(language, answer)
    sentence = problem or language.text("Outlet {outlet} blinks for {seconds} s.", outlet=outlet, seconds=BLINK_S)
    return await page_of_station(
        request,
        services,
        member,
        station_id,
        Traced(outlet=outlet, sentence=sentence, good=problem == "", hops=[]),
    )


async def _ask(
    services: Services, member: StaffMember, station_id: str, message: str, data: dict[str, Any]
) -> DataTransferResponse | CallError:
    request = DataTransfer(vendor_id=VENDOR_ID, message_id=message, data=data)
    return await station_call.ask(services, member, station_id, request, what=message, outlet=data["evseId"])


def _problem(language: Language, answer: DataTransferResponse | CallError) -> str:
    """Return why there is no result; empty where there is one."""
    if isinstance(answer, CallRefused) and answer.code in {"NotSupported", "NotImplemented"}:
        return language.text(_ANOTHER_MAKE)
    if isinstance(answer, CallError):
        return language.text(_NO_ANSWER, reason=str(answer))
    if answer.status in _NOT_KNOWN:
        return language.text(_ANOTHER_MAKE)
    if answer.status is not DataTransferStatus.ACCEPTED:
        reason = answer.status_info.reason_code if answer.status_info is not None else "–"
        return language.text("The site refused: {reason}.", reason=reason)
    return ""


def _traced(language: Language, outlet: int, answer: DataTransferResponse | CallError, took_s: float) -> Traced:
    problem = _problem(language, answer)
    if problem or isinstance(answer, CallError):
        return Traced(outlet=outlet, sentence=problem, good=False, hops=[])
    try:
        told = convert(answer.data, _Trace).hops
    except ValidationError:
        sentence = language.text("The site's answer cannot be read.")
        return Traced(outlet=outlet, sentence=sentence, good=False, hops=[])
    # What the outlet took is part of what the site took to answer.
    beyond_ms = sum(hop.round_trip_ms or 0 for hop in told[1:])
    site_ms = max(0.0, took_s * 1000 - beyond_ms)
    hops = [HopView(name=language.text("Server → site"), reachable=True, time=_ms(language, site_ms))]
    for number, hop in enumerate(told[1:], start=1):
        last = number == len(told) - 1
        hops.append(
            HopView(
                name=language.text("Site → outlet {outlet}", outlet=outlet) if last else hop.hop,
                reachable=hop.reachable,
                time=_ms(language, hop.round_trip_ms) if hop.round_trip_ms is not None else "",
            )
        )
    silent = [hop for hop in hops if not hop.reachable]
    sentence = (
        language.text("The outlet does not answer the site.")
        if silent
        else language.text("Every part of the way answers.")
    )
    return Traced(outlet=outlet, sentence=sentence, good=not silent, hops=hops)


def _ms(language: Language, ms: float) -> str:
    return f"{language.number(round(ms))} ms" if ms >= 1 else "< 1 ms"
