"""The router of one process: it knows the connections of its own gateway."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from konsento.ocpp.errors import StationOffline
from konsento.ocpp.messages import Request, Response, Version
from konsento.ocpp.rpc import Connection
from konsento.ocpp.stations import DEFAULT_CALL_TIMEOUT_S, LinkCallback

log = logging.getLogger(__name__)


class LocalStationRouter:
    """A `StationRouter` for stations whose sockets this process holds. The newest connection of a station counts.

    Callbacks of one station run one after the other, in the order of what happened, beside the frames: an event of a
    station may be handled before the callback for its connection has finished.
    """

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._on_connect: list[LinkCallback] = []
        self._on_disconnect: list[LinkCallback] = []
        self._notices: dict[str, asyncio.Task[None]] = {}

    async def call[R: Response](
        self, station_id: str, request: Request[R], *, timeout_s: float = DEFAULT_CALL_TIMEOUT_S
    ) -> R:
        """Send a request to a station and return its answer; see `StationRouter.call`."""
        connection = self._connections.get(station_id)
        if connection is None:
            raise StationOffline(station_id, type(request).__name__)
        return await connection.call(request, timeout_s=timeout_s)

    async def call_raw(
        self, station_id: str, action: str, payload: dict[str, Any], *, timeout_s: float = DEFAULT_CALL_TIMEOUT_S
    ) -> dict[str, Any]:
        """Send any request of the station's own OCPP version as it is; see `StationRouter.call_raw`."""
        connection = self._connections.get(station_id)
        if connection is None:
            raise StationOffline(station_id, action)
        return await connection.call_raw(action, payload, timeout_s=timeout_s)

    def connected(self, station_id: str) -> bool:
        """Tell whether the station has a connection now."""
        connection = self._connections.get(station_id)
        return connection is not None and connection.open

    def version(self, station_id: str) -> Version | None:
        """Return the OCPP version that the station speaks, or None while it has no connection."""
        connection = self._connections.get(station_id)
        return connection.version if connection is not None else None

    def on_connect(self, callback: LinkCallback) -> None:
        """Have `callback` called whenever a station has connected, also when a new socket replaces its old one."""
        self._on_connect.append(callback)

    def on_disconnect(self, callback: LinkCallback) -> None:
        """Have `callback` called when a station's last connection is gone."""
        self._on_disconnect.append(callback)

    def attach(self, connection: Connection) -> Connection | None:
        """Route to this connection from now on; returns the one that it replaces, already closed for calls."""
        replaced = self._connections.get(connection.station_id)
        self._connections[connection.station_id] = connection
        if replaced is not None:
            replaced.close()
        self._notify(connection.station_id, self._on_connect)
        return replaced

    def detach(self, connection: Connection) -> None:
        """Forget a connection whose link is gone; one that was replaced before changes nothing."""
        connection.close()
        if self._connections.get(connection.station_id) is connection:
            del self._connections[connection.station_id]
            self._notify(connection.station_id, self._on_disconnect)

    @property
    def connections(self) -> Sequence[Connection]:
        """The connections of this process."""
        return list(self._connections.values())

    async def settle(self) -> None:
        """Wait until the callbacks for what has happened so far have run."""
        while self._notices:
            await asyncio.wait(set(self._notices.values()))

    def _notify(self, station_id: str, callbacks: list[LinkCallback]) -> None:
        task = asyncio.create_task(self._run(station_id, list(callbacks), self._notices.get(station_id)))
        self._notices[station_id] = task
        task.add_done_callback(lambda done: self._forget(station_id, done))

    def _forget(self, station_id: str, task: asyncio.Task[None]) -> None:
        if self._notices.get(station_id) is task:
            del self._notices[station_id]

    async def _run(self, station_id: str, callbacks: list[LinkCallback], earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait({earlier})
        for callback in callbacks:
            try:
                await callback(station_id)
            except Exception:  # one listener's fault is not the next one's, nor the station's
                log.exception("a listener failed for station %s", station_id)
