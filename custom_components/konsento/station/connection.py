"""The WebSocket to a management server: address, sign-in, subprotocol."""

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp

from .errors import NoCommonVersionError, UnknownStationError, UnreachableError, WrongPasswordError

SUBPROTOCOLS = {"ocpp2.1": "2.1", "ocpp2.0.1": "2.0.1"}
"""In the order of our preference, with the version whose schemas hold."""
PING_S = 15.0
"""A line that carries no pong for so long is dead, whatever TCP believes."""
_CONNECT_S = 15.0
_MAX_MESSAGE = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerAddress:
    """Where a management server is and who the site is there. The password is in no `repr`."""

    url: str
    station_id: str
    password: str

    def __repr__(self) -> str:
        return f"ServerAddress({self.url}, {self.station_id})"

    @property
    def endpoint(self) -> str:
        """The WebSocket address of the station: its id is the last segment."""
        return f"{self.url.rstrip('/')}/{quote(self.station_id, safe='')}"


async def connect(http: aiohttp.ClientSession, address: ServerAddress) -> aiohttp.ClientWebSocketResponse:
    """Open the WebSocket.

    Raises WrongPasswordError, UnknownStationError, NoCommonVersionError, or UnreachableError for everything else.
    """
    try:
        async with asyncio.timeout(_CONNECT_S):
            socket = await http.ws_connect(
                address.endpoint,
                protocols=tuple(SUBPROTOCOLS),
                headers={"Authorization": aiohttp.encode_basic_auth(address.station_id, address.password)},
                heartbeat=PING_S,
                timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                max_msg_size=_MAX_MESSAGE,
            )
    except aiohttp.WSServerHandshakeError as error:
        if error.status in {401, 403}:
            raise WrongPasswordError(f"HTTP {error.status}") from error
        if error.status == 404:
            raise UnknownStationError(f"HTTP {error.status}") from error
        raise UnreachableError(f"HTTP {error.status}") from error
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise UnreachableError(str(error) or type(error).__name__) from error
    if socket.protocol not in SUBPROTOCOLS:
        await socket.close()
        raise NoCommonVersionError(f"the server chose {socket.protocol}")
    return socket


async def probe(http: aiohttp.ClientSession, address: ServerAddress) -> None:
    """Sign in and leave again; raises what `connect` raises."""
    socket = await connect(http, address)
    await socket.close()
