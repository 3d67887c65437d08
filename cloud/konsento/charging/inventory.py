"""What outlets a site has: it is asked for its device model after a boot, and its answer is gathered page by page."""

import logging
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import outlet_labels
from konsento.kit.work import Again, Job
from konsento.models import OutletStatus
from konsento.ocpp import CallError, StationBusy
from konsento.ocpp.messages import (
    Attribute,
    ConnectorStatus,
    DeviceModelStatus,
    GetBaseReport,
    NotifyReport,
    ReportBase,
    ReportData,
)
from konsento.services import Services
from konsento.sites import chargers, stations
from konsento.sites import service as sites
from konsento.sites.outlets import HIGHEST_EVSE, Told

log = logging.getLogger(__name__)

AFTER_BOOT_S: Final = 2.0
"""A site that has just started tells the states of its outlets and delivers its journal first."""
AFTER_RETURN_S: Final = 60.0
"""After a power cut many come back together; and one with a bad radio link makes no more than one report a minute."""
ASK_AGAIN_S: Final = 20.0
"""Where other calls were in the way."""
MOST_GATHERED: Final = 1000
"""Reports of different sites that are under way at once; the oldest gives way."""
MOST_W: Final = 400_000
"""What a charger may say it supplies."""
_WHOLE: Final = 2**30
STATUS: Final = {
    ConnectorStatus.AVAILABLE: OutletStatus.AVAILABLE,
    ConnectorStatus.OCCUPIED: OutletStatus.OCCUPIED,
    ConnectorStatus.RESERVED: OutletStatus.RESERVED,
    ConnectorStatus.UNAVAILABLE: OutletStatus.UNAVAILABLE,
    ConnectorStatus.FAULTED: OutletStatus.FAULTED,
}


def request_id(base: ReportBase) -> int:
    """Return a number for a request for a report.

    It says by itself what was asked for, so whichever process hears the answer knows whether it is the whole.
    """
    number = secrets.randbelow(_WHOLE - 1) + 1
    return number + _WHOLE if base is ReportBase.FULL_INVENTORY else number


def install(services: Services) -> None:
    """Register the due work."""

    @services.work.on("inventory")
    async def inventory(job: Job) -> Again | None:
        return await ask(services, job.key)


async def after_boot(session: AsyncSession, services: Services, station_id: str) -> None:
    """Have a site asked soon, once for each boot."""
    await services.work.add(session, "inventory", station_id, after_s=AFTER_BOOT_S)


async def after_return(session: AsyncSession, services: Services, station_id: str) -> None:
    """Have a site asked when an outlet has come, or come back: it could not be described before, or it is updated."""
    await services.work.add(session, "inventory", station_id, after_s=AFTER_RETURN_S)


async def ask(services: Services, station_id: str) -> Again | None:
    """Ask a site for its whole device model. Its pages come as messages."""
    base = ReportBase.FULL_INVENTORY
    try:
        answer = await services.router.call(station_id, GetBaseReport(request_id=request_id(base), report_base=base))
    except StationBusy as error:
        log.info("%s; asked again later", error)
        return Again(ASK_AGAIN_S)
    except CallError as error:
        # Until then outlets show up as it tells their states.
        log.info("%s; not asked for its outlets again before its next boot, or an outlet's return", error)
    else:
        if answer.status is not DeviceModelStatus.ACCEPTED:
            log.info("station %s does not report its device model: %s", station_id, answer.status)
    return None


@dataclass(kw_only=True)
class _Report:
    request_id: int
    next_page: int = 0
    outlets: dict[int, Told] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)
    """EVSEs that the station could have and has not (2.1, EVSE: Available)."""
    kinds: dict[tuple[int, int], str] = field(default_factory=dict)
    """Connectors by EVSE and number, with OCPP's word for what they are."""
    limits: str | None = None
    """The limits of a transaction that it keeps."""
    common_name: str = ""
    """What it says all its servers call it (contracts, 5)."""
    too_many: bool = False


class Gatherer:
    """Puts the pages of reports together. One report of a station at a time; what is not whole is forgotten."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reports: OrderedDict[str, _Report] = OrderedDict()

    async def take(self, station_id: str, page: NotifyReport) -> None:
        """Take a page; after the last one the outlets are as the report says."""
        report = self._reports.get(station_id)
        if page.seq_no == 0:
            report = self._reports[station_id] = _Report(request_id=page.request_id)
            self._reports.move_to_end(station_id)
            if len(self._reports) > MOST_GATHERED:
                self._reports.popitem(last=False)
        if report is None or (page.request_id, page.seq_no) != (report.request_id, report.next_page):
            log.info("station %s: page %d of a report whose pages before are missing", station_id, page.seq_no)
            self._reports.pop(station_id, None)
            return
        report.next_page += 1
        _gather(report, page.report_data or ())
        if page.tbc:
            return
        del self._reports[station_id]
        for evse_id in report.absent:
            report.outlets.pop(evse_id, None)
        whole = report.request_id >= _WHOLE and not report.too_many and bool(report.outlets)
        async with self._services.database.transaction() as session:
            await stations.note_inventory(
                session, station_id, report.outlets, whole=whole, at=self._services.clock.now()
            )
            # One that is new has got its code only now.
            await outlet_labels.after_change(session, self._services.work, [station_id])
            await _note_charger(session, station_id, report)
            if report.common_name:
                await stations.note_common_name(session, station_id, report.common_name)
        log.info("station %s reports %d outlets", station_id, len(report.outlets))


def _gather(report: _Report, items: Iterable[ReportData]) -> None:
    for item in items:
        evse = item.component.evse
        names = item.component.name.lower(), item.variable.name.lower()
        if evse is None or evse.id == 0:
            if names == ("txctrlr", "supportedlimits"):
                report.limits = _plain(_actual(item), 200)
            if names == ("chargingstation", "commonname"):
                report.common_name = _actual(item)
            continue
        if evse.id > HIGHEST_EVSE:
            report.too_many = True
            continue
        if names == ("evse", "available") and _actual(item).lower() == "false":
            report.absent.add(evse.id)
        if names == ("connector", "connectortype") and evse.connector_id:
            report.kinds[evse.id, evse.connector_id] = _plain(_actual(item))
        report.outlets[evse.id] = _told(report.outlets.get(evse.id, Told()), item)


async def _note_charger(session: AsyncSession, station_id: str, report: _Report) -> None:
    site = await sites.site_of_station(session, station_id)
    if site is None or site.ours:
        return
    await chargers.note_kinds(session, site, report.kinds)
    if report.limits is not None:
        (await chargers.charger_of(session, site)).limits = report.limits


def _actual(item: ReportData) -> str:
    return next((one.value for one in item.variable_attribute if one.type is Attribute.ACTUAL and one.value), "")


def _told(told: Told, item: ReportData) -> Told:
    """Return what is known of an outlet with one more variable. OCPP's names know no capitals (2.1 part 1, 4)."""
    value = _actual(item)
    limit = item.variable_characteristics.max_limit if item.variable_characteristics is not None else None
    unit = (item.variable_characteristics.unit or "") if item.variable_characteristics is not None else ""
    match item.component.name.lower(), item.variable.name.lower():
        case "evse", "model":
            return replace(told, model=_plain(value))
        case "evse", "firmwareversion":
            return replace(told, firmware=_plain(value))
        case "evse", "availabilitystate" if value in ConnectorStatus:
            return replace(told, status=STATUS[ConnectorStatus(value)])
        case "evse", "power":
            # What it can supply is the largest value (2.1 part 2, referenced components and variables: Power).
            return replace(told, rated_w=_within(limit, 1000 if unit.lower() == "kw" else 1, 100, MOST_W))
        case "connector", "connectortype":
            kind = chargers.kind_name(value)
            return replace(told, kind=told.kind if kind in told.kind else ", ".join(filter(None, (told.kind, kind))))
        case (("evse" | "connector"), "acvoltage"):
            return replace(told, volts=_within(limit, 1, 90, 480) or _within(_number(value), 1, 90, 480) or told.volts)
    return told


def _plain(text: str, most: int = 50) -> str:
    return "".join(c for c in text if c.isprintable())[:most]


def _number(text: str) -> Decimal | None:
    # Only what a meter shows: an exponent could be enormous.
    plain = text.strip()
    return Decimal(plain) if plain.replace(".", "", 1).isdecimal() and plain.isascii() and len(plain) < 12 else None


def _within(value: Decimal | None, factor: int, least: int, most: int) -> int | None:
    whole = int(value * factor) if value is not None else None
    return whole if whole is not None and least <= whole <= most else None
