"""Routing: how the floors above reach a station, wherever its socket is."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from konsento.ocpp.messages import Request, Response

DEFAULT_CALL_TIMEOUT_S = 15.0
"""Seconds that a call may take, waiting for earlier calls included: a site answers when its outlet has."""

type LinkCallback = Callable[[str], Awaitable[None]]
"""Called with a station's id. What it raises is logged."""


class StationRouter(Protocol):
    """Reaches stations. One implementation knows the sockets of this process, another asks other processes."""

    async def call[R: Response](
        self, station_id: str, request: Request[R], *, timeout_s: float = DEFAULT_CALL_TIMEOUT_S
    ) -> R:
        """Send a request to a station and return its answer.

        Raises StationOffline or StationBusy (nothing was sent), CallTimeout (sent, but no usable answer: the station
        may have acted) or CallRefused (it answered an error).
        """

    async def call_raw(
        self, station_id: str, action: str, payload: dict[str, Any], *, timeout_s: float = DEFAULT_CALL_TIMEOUT_S
    ) -> dict[str, Any]:
        """Send any request of the station's own OCPP version as it is, and return the answer's payload as it came.

        The payload is checked by the official schema first; whether the answer fits is for who asked to look at
        (`ocpp.schemas.faults`). Raises as `call` does, and UnknownAction or BadPayload where nothing was sent because
        the version has no such request, or not in this form.
        """

    def on_connect(self, callback: LinkCallback) -> None:
        """Have `callback` called whenever a station has connected here, also when a new socket replaces its old one."""

    def on_disconnect(self, callback: LinkCallback) -> None:
        """Have `callback` called when a station's last connection is gone, and was here."""
