"""What a management server may read and set: the variables of OCPP that mean something for a site (docs/site.md)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ..control.driver import OutletDriver
from ..control.ratings import most_power
from ..control.site import SiteControl
from ..control.words import Connector
from .connection import PING_S
from .device_model import Variable
from .link_settings import LinkSettingsStore
from .messages import timestamp
from .rpc import ANSWER_S

MAX_HEARTBEAT_S = 86_400
MAX_METER_S = 900
ITEMS_PER_REPORT = 50
ITEMS_PER_MESSAGE = 100
BYTES_PER_MESSAGE = 65_536
LEAST_PASSWORD, MOST_PASSWORD = 16, 40
"""Length of a station's password (OCPP 2.1 part 2, A00.FR.205)."""
_MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import,Voltage,Current.Import"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who the site is to one server."""

    station_id: str
    security_profile: int
    """1 = Basic authentication, 2 = the same over TLS."""
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What the server can set that is not kept by the link itself."""

    set_meter_interval: Callable[[int], None]
    set_password: Callable[[str], None]


def variables(
    site: SiteControl, server: str, identity: Identity, link: LinkSettingsStore, wishes: Wishes
) -> Iterator[Variable]:
    """Return all of them, with the outlets of this moment."""
    yield from _station(site, server, identity)
    for evse in sorted(site.outlets):
        yield from _outlet(site, server, evse)
    yield from _link(link)
    yield from _security(identity, wishes)
    yield from _transactions(site, wishes)
    yield from _constants()


def _constant(value: str) -> Callable[[], str]:
    return lambda: value


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _station(site: SiteControl, server: str, identity: Identity) -> Iterator[Variable]:
    name = "ChargingStation"
    yield Variable(component=name, name="Model", read=_constant("Konsento site"))
    yield Variable(component=name, name="VendorName", read=_constant("Konsento"))
    yield Variable(component=name, name="FirmwareVersion", read=_constant(identity.version))
    if site.common_name:
        yield Variable(component=name, name="CommonName", read=_constant(site.common_name))
    yield Variable(component=name, name="Available", kind="boolean", read=_constant("true"))
    yield Variable(component=name, name="SupplyPhases", kind="integer", read=_constant("1"))
    yield Variable(
        component=name,
        name="AvailabilityState",
        kind="OptionList",
        choices=tuple(Connector),
        read=lambda: _state_of_all(site, server),
    )


def _state_of_all(site: SiteControl, server: str) -> str:
    states = {site.connector(server, evse)[0] for evse in site.outlets}
    return Connector.AVAILABLE if states - {Connector.FAULTED, Connector.UNAVAILABLE} else Connector.UNAVAILABLE


def _outlet(site: SiteControl, server: str, evse: int) -> Iterator[Variable]:
    control = site.outlets[evse]

    def state() -> str:
        return site.connector(server, evse)[0]

    states = tuple(Connector)
    yield Variable(component="EVSE", evse=evse, name="AvailabilityState", kind="OptionList", choices=states, read=state)
    yield Variable(component="EVSE", evse=evse, name="Available", kind="boolean", read=_constant("true"))
    yield Variable(
        component="EVSE", evse=evse, name="Problem", kind="boolean", read=lambda: _flag(bool(control.problems))
    )
    yield Variable(component="EVSE", evse=evse, name="SupplyPhases", kind="integer", read=_constant("1"))
    yield from _electric(control.driver, evse)
    yield Variable(component="EVSE", evse=evse, name="EvseId", read=_constant(control.outlet))
    yield Variable(component="EVSE", evse=evse, name="FirmwareVersion", read=lambda: control.driver.facts.firmware)
    yield Variable(component="EVSE", evse=evse, name="Model", read=lambda: control.driver.facts.model)
    yield Variable(component="EVSE", evse=evse, name="VendorName", read=lambda: control.driver.facts.manufacturer)
    yield Variable(
        component="Connector",
        evse=evse,
        connector=1,
        name="AvailabilityState",
        kind="OptionList",
        choices=states,
        read=state,
    )
    # A household socket: OCPP has no name of its own for it.
    yield Variable(
        component="Connector", evse=evse, connector=1, name="ConnectorType", read=_constant("Other1PhMax16A")
    )
    yield Variable(
        component="Connector", evse=evse, connector=1, name="Available", kind="boolean", read=_constant("true")
    )
    yield Variable(
        component="Connector", evse=evse, connector=1, name="SupplyPhases", kind="integer", read=_constant("1")
    )


def _electric(driver: OutletDriver, evse: int) -> Iterator[Variable]:
    """Return what an outlet measures, with its rating as the largest value where its firmware says one."""
    report, facts = driver.report, driver.facts
    if report is None:
        return
    for name, unit, value, most in (
        ("Power", "W", report.power_w, most_power(facts, report.voltage_v)),
        ("ACVoltage", "V", report.voltage_v, None),
        ("ACCurrent", "A", report.current_a, facts.max_current_a),
    ):
        if value is not None:
            yield Variable(
                component="EVSE",
                evse=evse,
                name=name,
                kind="decimal",
                unit=unit,
                most=most,
                read=_constant(f"{value:.1f}"),
            )


def _link(link: LinkSettingsStore) -> Iterator[Variable]:
    name, seconds = "OCPPCommCtrlr", "s"

    def number(
        variable: str, field: str, least: int, most: int, *, unit: str | None = seconds, instance: str | None = None
    ) -> Variable:
        return Variable(
            component=name,
            name=variable,
            instance=instance,
            kind="integer",
            unit=unit,
            least=least,
            most=most,
            read=lambda: str(getattr(link.now, field)),
            write=lambda text: link.change(**{field: int(text)}),
        )

    yield number("HeartbeatInterval", "heartbeat_s", 1, MAX_HEARTBEAT_S)
    yield number("RetryBackOffWaitMinimum", "wait_minimum_s", 1, 600)
    yield number("RetryBackOffRandomRange", "wait_random_s", 0, 600)
    yield number("RetryBackOffRepeatTimes", "wait_doublings", 0, 10, unit=None)
    yield number("MessageAttempts", "attempts", 1, 100, unit=None, instance="TransactionEvent")
    yield number("MessageAttemptInterval", "attempt_interval_s", 1, 600, instance="TransactionEvent")
    yield Variable(
        component=name,
        name="MessageTimeout",
        instance="Default",
        kind="integer",
        unit=seconds,
        read=_constant(f"{ANSWER_S:.0f}"),
    )
    yield Variable(
        component=name, name="WebSocketPingInterval", kind="integer", unit=seconds, read=_constant(f"{PING_S:.0f}")
    )
    # Everything that was not told at once is told as offline, however short the absence.
    yield Variable(component=name, name="OfflineThreshold", kind="integer", unit=seconds, read=_constant("0"))
    yield Variable(component=name, name="QueueAllMessages", kind="boolean", read=_constant("false"))
    yield Variable(component=name, name="NetworkConfigurationPriority", kind="SequenceList", read=_constant("0"))
    yield Variable(component=name, name="NetworkProfileConnectionAttempts", kind="integer", read=_constant("1"))
    yield Variable(component=name, name="FileTransferProtocols", kind="MemberList", read=_constant(""))
    yield Variable(component=name, name="ResetRetries", kind="integer", read=_constant("0"))
    yield Variable(component=name, name="UnlockOnEVSideDisconnect", kind="boolean", read=_constant("false"))


def _security(identity: Identity, wishes: Wishes) -> Iterator[Variable]:
    name = "SecurityCtrlr"
    yield Variable(component=name, name="Identity", read=_constant(identity.station_id))
    yield Variable(component=name, name="OrganizationName", read=_constant("Konsento"))
    yield Variable(
        component=name, name="SecurityProfile", kind="integer", read=_constant(str(identity.security_profile))
    )
    yield Variable(component=name, name="CertificateEntries", kind="integer", read=_constant("0"))
    yield Variable(
        component=name, name="BasicAuthPassword", least=LEAST_PASSWORD, most=MOST_PASSWORD, write=wishes.set_password
    )


def _transactions(site: SiteControl, wishes: Wishes) -> Iterator[Variable]:
    # A bare outlet senses no plug, so it never claims that a car is connected.
    yield Variable(component="TxCtrlr", name="TxStartPoint", kind="MemberList", read=_constant("Authorized"))
    yield Variable(
        component="TxCtrlr", name="TxStopPoint", kind="MemberList", read=_constant("Authorized,EnergyTransfer")
    )
    yield Variable(component="TxCtrlr", name="EVConnectionTimeOut", kind="integer", unit="s", read=_constant("600"))
    yield Variable(component="TxCtrlr", name="StopTxOnEVSideDisconnect", kind="boolean", read=_constant("true"))
    yield Variable(component="TxCtrlr", name="StopTxOnInvalidId", kind="boolean", read=_constant("false"))
    yield Variable(
        component="SampledDataCtrlr",
        name="TxUpdatedInterval",
        kind="integer",
        unit="s",
        least=1,
        most=MAX_METER_S,
        read=lambda: str(site.settings.meter_s),
        write=lambda text: wishes.set_meter_interval(int(text)),
    )
    yield Variable(component="SampledDataCtrlr", name="TxEndedInterval", kind="integer", unit="s", read=_constant("0"))
    for point in ("TxStartedMeasurands", "TxUpdatedMeasurands", "TxEndedMeasurands"):
        yield Variable(component="SampledDataCtrlr", name=point, kind="MemberList", read=_constant(_MEASURANDS))


def _constants() -> Iterator[Variable]:
    yield Variable(component="AlignedDataCtrlr", name="Available", kind="boolean", read=_constant("false"))
    yield Variable(component="AlignedDataCtrlr", name="Interval", kind="integer", unit="s", read=_constant("0"))
    yield Variable(component="AuthCtrlr", name="AuthorizeRemoteStart", kind="boolean", read=_constant("false"))
    yield Variable(component="AuthCtrlr", name="LocalAuthorizeOffline", kind="boolean", read=_constant("false"))
    yield Variable(component="AuthCtrlr", name="LocalPreAuthorize", kind="boolean", read=_constant("false"))
    yield Variable(component="AuthCacheCtrlr", name="Enabled", kind="boolean", read=_constant("false"))
    yield Variable(component="LocalAuthListCtrlr", name="Enabled", kind="boolean", read=_constant("false"))
    yield Variable(component="SmartChargingCtrlr", name="Enabled", kind="boolean", read=_constant("false"))
    yield Variable(component="ClockCtrlr", name="DateTime", kind="dateTime", read=lambda: timestamp(datetime.now(UTC)))
    yield Variable(component="ClockCtrlr", name="TimeSource", kind="SequenceList", read=_constant("NTP"))
    for instance in ("GetReport", "GetVariables", "SetVariables"):
        yield Variable(
            component="DeviceDataCtrlr",
            name="ItemsPerMessage",
            instance=instance,
            kind="integer",
            read=_constant(str(ITEMS_PER_REPORT if instance == "GetReport" else ITEMS_PER_MESSAGE)),
        )
        yield Variable(
            component="DeviceDataCtrlr",
            name="BytesPerMessage",
            instance=instance,
            kind="integer",
            read=_constant(str(BYTES_PER_MESSAGE)),
        )
    yield Variable(component="ReservationCtrlr", name="Available", kind="boolean", read=_constant("true"))
    yield Variable(component="ReservationCtrlr", name="Enabled", kind="boolean", read=_constant("true"))
    yield Variable(component="ReservationCtrlr", name="NonEvseSpecific", kind="boolean", read=_constant("false"))
