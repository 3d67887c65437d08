"""Asking a station to do something. What was asked and what it answered stands in the audit log and on its page."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import asked, repository, station_call
from konsento.backoffice.render import office_page
from konsento.backoffice.site import site_named
from konsento.backoffice.station_now import Message, Now
from konsento.backoffice.who import Member, RemoteOperator
from konsento.backoffice.words import OUTLET_TONES, OUTLETS
from konsento.charging import inventory
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import marked
from konsento.models import StaffMember
from konsento.ocpp import messages as ocpp
from konsento.ocpp import version_of
from konsento.ocpp.redaction import HIDDEN, PLAIN_VARIABLES
from konsento.services import Services
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MOST_FRAMES: Final = 25
MOST_ENTRIES: Final = 20
TRIGGERS: Final = {
    "StatusNotification": marked("state of the outlets"),
    "TransactionEvent": marked("meter of running sessions"),
    "BootNotification": marked("that it has started"),
    "Heartbeat": marked("that it is there"),
}
RESETS: Final = {
    ocpp.ResetType.ON_IDLE: marked("when no session runs"),
    ocpp.ResetType.IMMEDIATE: marked("at once, running sessions end"),
}
REPORTS: Final = {
    ocpp.ReportBase.SUMMARY_INVENTORY: marked("summary"),
    ocpp.ReportBase.CONFIGURATION_INVENTORY: marked("what can be set"),
    ocpp.ReportBase.FULL_INVENTORY: marked("everything"),
}


@dataclass(frozen=True, kw_only=True)
class KnownVariable:
    """A variable that the page offers: by name, so that nobody has to know OCPP's spelling."""

    component: str
    variable: str
    settable: bool = False
    instance: str | None = None
    of_outlet: bool = False

    @property
    def key(self) -> str:
        """What stands in the form."""
        return f"{self.component}.{self.variable}" + (f".{self.instance}" if self.instance else "")


_LINK: Final = "OCPPCommCtrlr"
VARIABLES: Final = (
    KnownVariable(component="ChargingStation", variable="FirmwareVersion"),
    KnownVariable(component="ChargingStation", variable="Model"),
    KnownVariable(component="ChargingStation", variable="AvailabilityState"),
    KnownVariable(component=_LINK, variable="HeartbeatInterval", settable=True),
    KnownVariable(component=_LINK, variable="RetryBackOffWaitMinimum", settable=True),
    KnownVariable(component=_LINK, variable="RetryBackOffRandomRange", settable=True),
    KnownVariable(component=_LINK, variable="RetryBackOffRepeatTimes", settable=True),
    KnownVariable(component=_LINK, variable="MessageAttempts", instance="TransactionEvent", settable=True),
    KnownVariable(component=_LINK, variable="MessageAttemptInterval", instance="TransactionEvent", settable=True),
    KnownVariable(component=_LINK, variable="WebSocketPingInterval"),
    KnownVariable(component="SampledDataCtrlr", variable="TxUpdatedInterval", settable=True),
    KnownVariable(component="SecurityCtrlr", variable="BasicAuthPassword", settable=True),
    KnownVariable(component="EVSE", variable="AvailabilityState", of_outlet=True),
    KnownVariable(component="EVSE", variable="Problem", of_outlet=True),
    KnownVariable(component="EVSE", variable="FirmwareVersion", of_outlet=True),
    KnownVariable(component="EVSE", variable="Model", of_outlet=True),
)
_BY_KEY: Final = {known.key: known for known in VARIABLES}


class NotOffered(KonsentoError):
    """The form asks for something that there is not."""

    status = 422
    message = "This cannot be asked of the site. Nothing was sent. Choose from the lists, and fill in the value."


class VariableForm(BaseModel):
    """Which variable, and what it should be."""

    variable: str = ""
    outlet: int = 0
    value: str = ""


@router.get("/stations/{station_id}")
async def station_page(request: Request, station_id: str, services: Wired, member: Member) -> Response:
    """Show a site's line: its outlets, what was asked of it, what was said last."""
    return await page_of_station(request, services, member, station_id)


async def page_of_station(
    request: Request, services: Services, member: StaffMember, station_id: str, traced: object = None
) -> Response:
    """Return the page of a station; `traced` is what an outlet was asked for just now (`backoffice.trace`)."""
    async with services.database.transaction() as session:
        site = await site_named(session, station_id)
        outlets = await repository.outlets_at(session, site.id)
        link = await repository.link_of(session, station_id)
        frames = await repository.frames_at(session, station_id, MOST_FRAMES)
        entries = await repository.entries_about(session, station_id, MOST_ENTRIES)
        version = await version_of(session, station_id)
    language = language_of(request)
    return office_page(
        request,
        "station.html",
        member=member,
        site=site,
        outlets=[(o, language.text(OUTLETS[o.status]), OUTLET_TONES[o.status]) for o in outlets],
        version=version,
        now=Now.of(language, site, link, services.clock.now()),
        said=[Message.of(language, frame, services.clock.now()) for frame in frames],
        entries=[(entry, who, json.dumps(entry.details, indent=2, ensure_ascii=False)) for entry, who in entries],
        triggers=[(key, language.text(name)) for key, name in TRIGGERS.items()],
        resets=[(key.value, language.text(name)) for key, name in RESETS.items()],
        reports=[(key.value, language.text(name)) for key, name in REPORTS.items()],
        variables=VARIABLES,
        traced=traced,
    )


@router.get("/stations/{station_id}/live")
async def live(request: Request, station_id: str, services: Wired, member: Member) -> Response:
    """Answer how the site's line is now."""
    async with services.database.transaction() as session:
        site = await site_named(session, station_id)
        link = await repository.link_of(session, station_id)
    now = Now.of(language_of(request), site, link, services.clock.now())
    return office_page(request, "station_now.html", member=member, site=site, now=now)


@router.get("/stations/{station_id}/messages/live")
async def live_messages(request: Request, station_id: str, services: Wired, member: Member) -> Response:
    """Answer what was said last."""
    async with services.database.transaction() as session:
        site = await site_named(session, station_id)
        frames = await repository.frames_at(session, station_id, MOST_FRAMES)
    now = services.clock.now()
    said = [Message.of(language_of(request), frame, now) for frame in frames]
    return office_page(request, "station_messages.html", member=member, site=site, said=said)


@router.post("/stations/{station_id}/trigger")
async def trigger(
    station_id: str,
    services: Wired,
    member: RemoteOperator,
    message: Annotated[str, Form()],
    outlet: Annotated[int, Form()] = 0,
) -> Response:
    """Have the site send a message now."""
    if message not in TRIGGERS:
        raise NotOffered
    evse = ocpp.Evse(id=outlet) if outlet > 0 else None
    return await _ask(
        services,
        member,
        station_id,
        ocpp.TriggerMessage(requested_message=message, evse=evse),
        message=message,
        outlet=outlet,
    )


@router.post("/stations/{station_id}/reset")
async def reset(
    station_id: str,
    services: Wired,
    member: RemoteOperator,
    kind: Annotated[ocpp.ResetType, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Restart the site's link, for a reason that is logged."""
    why = asked.reason(reason)
    return await _ask(services, member, station_id, ocpp.Reset(type=kind), type=kind.value, reason=why)


@router.post("/stations/{station_id}/availability")
async def availability(
    station_id: str,
    services: Wired,
    member: RemoteOperator,
    status: Annotated[ocpp.OperationalStatus, Form()],
    outlet: Annotated[int, Form()] = 0,
) -> Response:
    """Put one outlet, or all of a site, into or out of service."""
    evse = ocpp.Evse(id=outlet) if outlet > 0 else None
    request = ocpp.ChangeAvailability(operational_status=status, evse=evse)
    return await _ask(services, member, station_id, request, status=status.value, outlet=outlet)


@router.post("/stations/{station_id}/report")
async def report(
    station_id: str, services: Wired, member: RemoteOperator, base: Annotated[ocpp.ReportBase, Form()]
) -> Response:
    """Have the site send its device model; its pages come as messages."""
    request = ocpp.GetBaseReport(request_id=inventory.request_id(base), report_base=base)
    return await _ask(services, member, station_id, request, base=base.value)


@router.post("/stations/{station_id}/read")
async def read_variable(
    station_id: str, services: Wired, member: RemoteOperator, form: Annotated[VariableForm, Form()]
) -> Response:
    """Read a variable of the device model."""
    known, component, variable = _chosen(form)
    data = ocpp.GetVariableData(component=component, variable=variable)
    request = ocpp.GetVariables(get_variable_data=[data])
    return await _ask(services, member, station_id, request, variable=known.key, outlet=form.outlet)


@router.post("/stations/{station_id}/write")
async def write_variable(
    station_id: str, services: Wired, member: RemoteOperator, form: Annotated[VariableForm, Form()]
) -> Response:
    """Set a variable of the device model. A secret value is neither shown nor logged."""
    known, component, variable = _chosen(form)
    value = form.value.strip()
    if not known.settable or not 0 < len(value) <= 1000:
        raise NotOffered
    data = ocpp.SetVariableData(component=component, variable=variable, attribute_value=value)
    request = ocpp.SetVariables(set_variable_data=[data])
    shown = value if known.variable in PLAIN_VARIABLES else HIDDEN
    return await _ask(services, member, station_id, request, variable=known.key, outlet=form.outlet, value=shown)


def _chosen(form: VariableForm) -> tuple[KnownVariable, ocpp.Component, ocpp.Variable]:
    known = _BY_KEY.get(form.variable)
    if known is None or (known.of_outlet and form.outlet < 1):
        raise NotOffered
    evse = ocpp.Evse(id=form.outlet) if known.of_outlet else None
    component = ocpp.Component(name=known.component, evse=evse)
    return known, component, ocpp.Variable(name=known.variable, instance=known.instance)


async def _ask[R: ocpp.Response](
    services: Services, member: StaffMember, station_id: str, request: ocpp.Request[R], **details: Any
) -> Response:
    """Ask, and go back to the page, where the answer stands."""
    await station_call.ask(services, member, station_id, request, what=type(request).__name__, **details)
    return RedirectResponse(f"/office/stations/{station_id}#done", 303)
