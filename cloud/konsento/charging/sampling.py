"""Setting up a charger that is not ours after each of its starts, so that its sessions can be followed.

It is asked to tell energy and power often enough, and to begin a transaction only when power may flow. What it refuses
stays as it is: OCPP lets a charger have its own way, and the bill needs no more than the registers of start and end.
"""

import logging
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging.enforcement import SAMPLE_S
from konsento.kit.work import Again, Job
from konsento.ocpp import CallError, CallRefused, StationOffline
from konsento.ocpp.messages import (
    Component,
    GetVariableData,
    GetVariables,
    SetVariableData,
    SetVariableResult,
    SetVariables,
    SetVariableStatus,
    Variable,
)
from konsento.services import Services
from konsento.sites import chargers
from konsento.sites import service as sites

log = logging.getLogger(__name__)

KIND: Final = "sampling"
AFTER_BOOT_S: Final = 4.0
"""After the question for its outlets."""
ASK_AGAIN_S: Final = 20.0
MOST_TRIES: Final = 5
_INTERVAL: Final = ("SampledDataCtrlr", "TxUpdatedInterval")
_ENERGY: Final = "Energy.Active.Import.Register"
WANTED: Final = {
    _INTERVAL: str(SAMPLE_S),
    ("SampledDataCtrlr", "TxUpdatedMeasurands"): f"{_ENERGY},Power.Active.Import",
    ("SampledDataCtrlr", "TxStartedMeasurands"): _ENERGY,
    ("SampledDataCtrlr", "TxEndedMeasurands"): _ENERGY,
    # A car that is only plugged in is no transaction: nobody pays for it, and nobody has to stop it.
    ("TxCtrlr", "TxStartPoint"): "PowerPathClosed",
    # Shorter than the server waits for a start (charging.remote).
    ("TxCtrlr", "EVConnectionTimeOut"): "120",
}
"""Component and variable (2.1 part 2, referenced components and variables), and what they are set to."""
_TAKEN: Final = {SetVariableStatus.ACCEPTED, SetVariableStatus.REBOOT_REQUIRED}


def install(services: Services) -> None:
    """Register the due work."""

    @services.work.on(KIND)
    async def set_up(job: Job) -> Again | None:
        return await ask(services, job.key, tries=int(job.payload.get("tries", 0)))


async def after_boot(session: AsyncSession, services: Services, station_id: str) -> None:
    """Have a charger set up soon, once for each of its starts."""
    await services.work.add(session, KIND, station_id, payload={"tries": 0}, after_s=AFTER_BOOT_S)


async def ask(services: Services, station_id: str, *, tries: int) -> Again | None:
    """Set a charger up, and note how often it tells its meter."""
    wanted = [
        SetVariableData(component=Component(name=part), variable=Variable(name=name), attribute_value=value)
        for (part, name), value in WANTED.items()
    ]
    try:
        results = (await services.router.call(station_id, SetVariables(set_variable_data=wanted))).set_variable_result
    except StationOffline:
        return None  # its next start comes first
    except CallRefused as error:
        log.info("%s; it stays as it is", error)
        results = []
    except CallError as error:
        log.info("%s; asked again later", error)
        return await _again(services, station_id, tries + 1)
    refused = [one.variable.name for one in results if one.attribute_status not in _TAKEN]
    if refused:
        log.info("station %s does not take: %s", station_id, ", ".join(refused))
    sample_s = SAMPLE_S if _taken(results) else await _told_interval(services, station_id)
    async with services.database.transaction() as session:
        site = await sites.site_of_station(session, station_id)
        if site is not None:
            (await chargers.charger_of(session, site)).sample_s = sample_s
    return None


async def _again(services: Services, station_id: str, tries: int) -> Again | None:
    if tries >= MOST_TRIES:
        return None
    async with services.database.transaction() as session:
        await services.work.add(session, KIND, station_id, payload={"tries": tries}, after_s=ASK_AGAIN_S)
    return None


def _taken(results: list[SetVariableResult]) -> bool:
    return any(
        (one.component.name, one.variable.name) == _INTERVAL and one.attribute_status in _TAKEN for one in results
    )


async def _told_interval(services: Services, station_id: str) -> int | None:
    wanted = GetVariableData(component=Component(name=_INTERVAL[0]), variable=Variable(name=_INTERVAL[1]))
    try:
        answer = await services.router.call(station_id, GetVariables(get_variable_data=[wanted]))
    except CallError:
        return None
    text = (answer.get_variable_result[0].attribute_value or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) <= 6 and int(text) else None
