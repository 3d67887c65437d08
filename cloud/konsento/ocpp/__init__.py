"""OCPP 2.1 and 2.0.1: the wire between this server and the stations (sites) that dial in.

Knows stations and their messages; knows nothing of drivers, money or outlet codes. Events go up through handlers:

    handlers = Handlers(clock)

    @handlers.on(TransactionEvent)
    async def keep(station_id: str, event: TransactionEvent) -> TransactionEventResponse:
        ...  # commit; the station gets the answer when this returns

    router = LocalStationRouter()
    gateway = Gateway(handlers, router, authenticate)   # async authenticate(station_id, shown) -> Entry
    await gateway.start("127.0.0.1", 8081)              # gateway.port is the port that was bound
    ...
    await gateway.stop()

Commands go down through the router, which floors above know as the port `StationRouter`:

    answer = await router.call("SITE-1", RequestStartTransaction(...), timeout_s=10)

`call` raises StationOffline or StationBusy (nothing was sent), CallTimeout (no usable answer: the station may have
acted) or CallRefused. The messages are in `konsento.ocpp.messages`; `call_raw` sends any other request, checked by the
official schemas (`konsento.ocpp.schemas`).
"""

from konsento.ocpp.credentials import Entry, Shown
from konsento.ocpp.errors import (
    BadPayload,
    CallError,
    CallRefused,
    CallTimeout,
    StationBusy,
    StationOffline,
    UnknownAction,
)
from konsento.ocpp.gateway import Authenticate, Gateway
from konsento.ocpp.handlers import Handler, Handlers
from konsento.ocpp.journal import Journal
from konsento.ocpp.lines import Lines
from konsento.ocpp.local_router import LocalStationRouter
from konsento.ocpp.messages import VENDOR_ID, Version, custom_data
from konsento.ocpp.nats_router import NatsStationRouter
from konsento.ocpp.owners import Owners, connected_of, version_of
from konsento.ocpp.registration import Register
from konsento.ocpp.stations import LinkCallback, StationRouter
from konsento.ocpp.tls import BadCertificateError, TlsFiles
from konsento.ocpp.v16.transactions import Transactions

__all__ = [
    "VENDOR_ID",
    "Authenticate",
    "BadCertificateError",
    "BadPayload",
    "CallError",
    "CallRefused",
    "CallTimeout",
    "Entry",
    "Gateway",
    "Handler",
    "Handlers",
    "Journal",
    "Lines",
    "LinkCallback",
    "LocalStationRouter",
    "NatsStationRouter",
    "Owners",
    "Register",
    "Shown",
    "StationBusy",
    "StationOffline",
    "StationRouter",
    "TlsFiles",
    "Transactions",
    "UnknownAction",
    "Version",
    "connected_of",
    "custom_data",
    "version_of",
]
