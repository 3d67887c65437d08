"""Who comes in: the gateway's questions, answered by the sites that are known and the stations that wait."""

import logging
from typing import Final

from konsento.kit.work import Again, Job
from konsento.ocpp import Entry, Shown, Version
from konsento.ocpp.messages import BootNotification, RegistrationStatus
from konsento.ocpp.throttle import Throttle
from konsento.services import Services
from konsento.settings import UnknownStations
from konsento.sites import pending, proofs, stations
from konsento.sites.lookups import Lookups
from konsento.sites.repository import site_by_station

log = logging.getLogger(__name__)

NEWCOMERS_AN_HOUR: Final = 50
"""Unknown stations of one address that begin to wait: those of a whole car park, not of a script."""
FORGET_EVERY_S: Final = 3600.0


class Doors:
    """Answers the gateway of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lookups = Lookups(services.database)
        self._newcomers = Throttle(NEWCOMERS_AN_HOUR, 3600.0)

    async def admit(self, station_id: str, shown: Shown) -> Entry:
        """Say what becomes of a station that dials in."""
        services = self._services
        try:
            known = await stations.let_in(
                self._lookups,
                station_id,
                password=shown.password,
                names=shown.names,
                encrypted=shown.encrypted,
                unproven=services.settings.ocpp_without_password,
            )
            if known is None:
                return await self._unknown(station_id, shown)
        except proofs.TooManyProofs:
            return Entry.BUSY
        return Entry.ADMITTED if known else Entry.REFUSED

    async def _unknown(self, station_id: str, shown: Shown) -> Entry:
        services = self._services
        if services.settings.ocpp_unknown is UnknownStations.REFUSE:
            await stations.refuse(shown.password)
            return Entry.REFUSED
        is_new = not await pending.known(services.database, station_id)
        if is_new and self._newcomers.blocked_s(shown.address):
            log.warning("too many unknown stations from %s; %s has to come later", shown.address, station_id)
            await stations.refuse(shown.password)
            return Entry.REFUSED
        waits = await pending.knock(
            services.database,
            services.clock.now(),
            station_id,
            password=shown.password,
            names=shown.names,
            encrypted=shown.encrypted,
            address=shown.address,
        )
        if waits and is_new:
            self._newcomers.fail(shown.address)
        return Entry.HELD if waits else Entry.REFUSED

    async def register(self, station_id: str, version: Version, boot: BootNotification) -> RegistrationStatus:
        """Say whether a station that was unknown when it dialled in is accepted now."""
        told = boot.charging_station
        about = pending.About(
            version=version,
            vendor=told.vendor_name,
            model=told.model,
            serial=told.serial_number or "",
            firmware=told.firmware_version or "",
        )
        async with self._services.database.transaction() as session:
            if await site_by_station(session, station_id) is not None:
                return RegistrationStatus.ACCEPTED
            waits = await pending.booted(session, self._services.clock.now(), station_id, about)
        return RegistrationStatus.PENDING if waits else RegistrationStatus.REJECTED


def install(services: Services) -> None:
    """Register the due work; `begin` has it called."""

    @services.work.on("forget-stations")
    async def forget(_job: Job) -> Again:
        async with services.database.transaction() as session:
            await pending.forget(session, services.clock.now())
        return Again(FORGET_EVERY_S)


async def begin(services: Services) -> None:
    """Have old stations forgotten from now on."""
    async with services.database.transaction() as session:
        await services.work.add(session, "forget-stations", "all", after_s=FORGET_EVERY_S)
