"""The router of one process: it knows the connections of its own gateway."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from konsento.ocpp.errors import StationOffline
from konsento.ocpp.messages import Request, Response
from konsento.ocpp.owners import Owners
from konsento.ocpp.rpc import Connection
from konsento.ocpp.stations import DEFAULT_CALL_TIMEOUT_S, LinkCallback

log = logging.getLogger(__name__)

CLOSE_REPLACED: Final = 4001
"""Close code for a socket whose station has connected anew (from the range that applications may use)."""
COMPARE_EVERY_S: Final = 10.0
"""How long a connection that the table of owners does not agree with stays unnoticed at most."""


class LocalStationRouter:
    """A `StationRouter` for stations whose sockets this process holds. The newest connection of a station counts.

    Callbacks of one station run one after the other, in the order of what happened, beside the frames: an event of a
    station may be handled before the callback for its connection has finished. With `owners` the newest connection
    counts among all processes; `on_taken_over` is called with a station, its epoch and the process that held its
    connection before.
    """

    def __init__(self, owners: Owners | None = None) -> None:
        self.on_taken_over: Callable[[str, int, UUID], Awaitable[None]] | None = None
        self._owners = owners
        self._connections: dict[str, Connection] = {}
        self._on_connect: list[LinkCallback] = []
        self._on_disconnect: list[LinkCallback] = []
        self._notices: dict[str, asyncio.Task[None]] = {}
        self._hanging_up: set[asyncio.Task[None]] = set()

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
        """Tell whether the station has a connection to this process now."""
        connection = self._connections.get(station_id)
        return connection is not None and connection.open

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
        self._notify(connection.station_id, partial(self._arrived, connection))
        return replaced

    def detach(self, connection: Connection) -> None:
        """Forget a connection whose link is gone; one that was replaced before changes nothing."""
        connection.close()
        if self._connections.get(connection.station_id) is connection:
            del self._connections[connection.station_id]
            self._notify(connection.station_id, partial(self._left, connection.station_id))

    def taken_over(self, station_id: str, epoch: int) -> None:
        """Hang up on a station that has connected to another process, under that epoch."""
        connection = self._connections.get(station_id)
        own = self._owners.epoch(station_id) if self._owners is not None else None
        if self._owners is None or connection is None or own is None or own >= epoch:
            return
        log.warning("station %s connected to another process; its socket here is closed", station_id)
        self._owners.forget(station_id)
        del self._connections[station_id]
        connection.close()
        # A dead peer does not answer the close; nobody waits for it here.
        task = asyncio.create_task(connection.hang_up(CLOSE_REPLACED, "replaced by a newer connection"))
        self._hanging_up.add(task)
        task.add_done_callback(self._hanging_up.discard)

    @property
    def connections(self) -> Sequence[Connection]:
        """The connections of this process."""
        return list(self._connections.values())

    async def settle(self) -> None:
        """Wait until the callbacks for what has happened so far have run."""
        while self._notices:
            await asyncio.wait(set(self._notices.values()))

    async def run(self) -> None:
        """Compare the connections with the table of owners, again and again, until cancelled."""
        while True:
            await asyncio.sleep(COMPARE_EVERY_S)
            try:
                await self.compare()
            except Exception:  # the database may be away for a while; the next comparison tells
                log.exception("the connections could not be compared with the table of owners")

    async def compare(self) -> None:
        """Mend what the table of owners does not agree with.

        A connection that could not be noted, or was taken for dead with its process, is noted; one that the station has
        left for another process is closed; one that is gone and could not be noted as gone is.
        """
        if self._owners is None:
            return
        noted = await self._owners.noted()
        for station_id in noted.keys() | self._connections.keys():
            if station_id in self._notices:
                continue  # under way
            connection, epoch = self._connections.get(station_id), self._owners.epoch(station_id)
            if connection is None:
                self._notify(station_id, partial(self._left, station_id, noted[station_id]))
            elif epoch is None or noted.get(station_id) != epoch:
                self._notify(station_id, partial(self._mend, connection, self._owners))

    async def _mend(self, connection: Connection, owners: Owners) -> None:
        if self._connections.get(connection.station_id) is not connection:
            return
        owner, epoch = await owners.owner(connection.station_id), owners.epoch(connection.station_id)
        if owner is not None and epoch is not None and owner.replica_id != owners.replica_id:
            self.taken_over(connection.station_id, owner.epoch)
        else:
            await self._arrived(connection)

    async def _arrived(self, connection: Connection) -> None:
        station_id = connection.station_id
        if self._owners is not None:
            before = await self._owners.claim(station_id, connection.version)
            epoch = self._owners.epoch(station_id)
            if before is not None and epoch is not None and self.on_taken_over is not None:
                await self.on_taken_over(station_id, epoch, before)
        await self._tell(station_id, self._on_connect)

    async def _left(self, station_id: str, epoch: int | None = None) -> None:
        if self._owners is None or await self._owners.release(station_id, epoch):
            await self._tell(station_id, self._on_disconnect)

    async def _tell(self, station_id: str, callbacks: list[LinkCallback]) -> None:
        for callback in callbacks:
            try:
                await callback(station_id)
            except Exception:  # one listener's fault is not the next one's, nor the station's
                log.exception("a listener failed for station %s", station_id)

    def _notify(self, station_id: str, notice: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._run(station_id, notice, self._notices.get(station_id)))
        self._notices[station_id] = task
        task.add_done_callback(lambda done: self._forget(station_id, done))

    def _forget(self, station_id: str, task: asyncio.Task[None]) -> None:
        if self._notices.get(station_id) is task:
            del self._notices[station_id]

    async def _run(
        self, station_id: str, notice: Callable[[], Awaitable[None]], earlier: asyncio.Task[None] | None
    ) -> None:
        if earlier is not None:
            await asyncio.wait({earlier})
        try:
            await notice()
        except Exception:  # the database may be away for a while; `compare` makes up for it
            log.exception("the connection of station %s could not be noted", station_id)
