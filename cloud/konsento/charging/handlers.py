"""What stations say, handed to the domain that it concerns."""

import logging

from konsento.charging import chargers, inventory, presence, sampling
from konsento.charging.ingest import Ingest
from konsento.charging.work import note_interruption
from konsento.ocpp import Handlers
from konsento.ocpp.messages import (
    VENDOR_ID,
    BootNotification,
    DataTransfer,
    DataTransferResponse,
    DataTransferStatus,
    Heartbeat,
    NotifyReport,
    StatusNotification,
    TransactionEvent,
    TransactionEventResponse,
)
from konsento.services import Services
from konsento.sites import stations

log = logging.getLogger(__name__)


def install(services: Services, handlers: Handlers) -> None:
    """Register the handlers of messages, and follow which sites are connected."""

    async def link(station_id: str, *, connected: bool) -> None:
        async with services.database.transaction() as session:
            await stations.note_link(session, station_id, services.clock.now(), connected=connected)

    async def connected(station_id: str) -> None:
        await link(station_id, connected=True)

    async def disconnected(station_id: str) -> None:
        await link(station_id, connected=False)
        await note_interruption(services, station_id)

    makes = chargers.Makes(services)
    services.router.on_connect(makes.forget)
    services.router.on_disconnect(makes.forget)
    services.router.on_connect(connected)
    services.router.on_disconnect(disconnected)

    ingest = Ingest(services)

    @handlers.on(TransactionEvent)
    async def transaction_event(station_id: str, event: TransactionEvent) -> TransactionEventResponse:
        if await makes.is_ours(station_id):
            return await ingest.take(station_id, event)
        return await chargers.take_in(services, station_id, event, ingest.take)

    @handlers.on(StatusNotification)
    async def status(station_id: str, message: StatusNotification) -> None:
        if message.evse_id == 0:
            return  # of the site as a whole
        async with services.database.transaction() as session:
            told = inventory.STATUS[message.connector_status]
            state, reason = await chargers.note_state(session, station_id, message, told)
            appeared = await stations.note_status(
                session, station_id, message.evse_id, state, reason=reason, at=services.clock.now()
            )
            if appeared:
                await inventory.after_return(session, services, station_id)

    @handlers.on(DataTransfer)
    async def data_transfer(station_id: str, message: DataTransfer) -> DataTransferResponse | None:
        if message.vendor_id != VENDOR_ID:
            return None
        if message.message_id != presence.PRESSED:
            return DataTransferResponse(status=DataTransferStatus.UNKNOWN_MESSAGE_ID)
        return await presence.note_press(services, station_id, message.data)

    @handlers.on(Heartbeat)
    async def heartbeat(station_id: str, _message: Heartbeat) -> None:
        await link(station_id, connected=True)

    @handlers.on(BootNotification)
    async def boot(station_id: str, message: BootNotification) -> None:
        about = message.charging_station
        async with services.database.transaction() as session:
            # One that was held until now has a site since.
            await stations.note_link(session, station_id, services.clock.now(), connected=True)
            await stations.note_vendor(session, station_id, about.vendor_name)
            await inventory.after_boot(session, services, station_id)
            if await chargers.note_start(session, services, station_id, message):
                await sampling.after_boot(session, services, station_id)
        await makes.forget(station_id)
        log.info("station %s started (%r): %r %r", station_id, message.reason, about.vendor_name, about.model)

    chargers.install(services, handlers)
    gatherer = inventory.Gatherer(services)

    @handlers.on(NotifyReport)
    async def report(station_id: str, page: NotifyReport) -> None:
        await gatherer.take(station_id, page)
