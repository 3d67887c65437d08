"""A management server of another make: built on the `ocpp` library, with the few handlers that its users write."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from ocpp import v21, v201
from ocpp.charge_point import ChargePoint
from ocpp.messages import MessageType
from ocpp.routing import on
from simulated import SimulatedOutlet
from station.conftest import linked_to, one_site

from custom_components.konsento.control.site import SiteControl
from custom_components.konsento.station.station import Station

LIBRARY = {
    "ocpp2.0.1": (v201.ChargePoint, v201.call, v201.call_result),
    "ocpp2.1": (v21.ChargePoint, v21.call, v21.call_result),
}


def handlers(base: type[ChargePoint], result: Any) -> type[ChargePoint]:
    """Return the server's side of a station: what every tutorial has, and nothing else."""

    class Station(base):  # type: ignore[misc, valid-type]  # the library makes one class for each version
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            self.states: asyncio.Queue[str] = asyncio.Queue()

        @on("BootNotification")
        async def boot(self, **_: Any) -> Any:
            return result.BootNotification(current_time=datetime.now(UTC).isoformat(), interval=300, status="Accepted")

        @on("StatusNotification")
        async def status(self, connector_status: str, **_: Any) -> Any:
            self.states.put_nowait(connector_status)
            return result.StatusNotification()

        @on("TransactionEvent")
        async def event(self, **event: Any) -> Any:
            self.events.put_nowait(event)
            return result.TransactionEvent()

    return Station


class Server:
    """A WebSocket server around the library."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        base, self.call, result = LIBRARY[protocol]
        self.kind = handlers(base, result)
        self.connections = 0
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.station: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        app = web.Application()
        app.router.add_get("/ocpp/{station}", self._serve)
        self.http = TestServer(app, host="127.0.0.1")

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.http.port}/ocpp"

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        self.connections += 1
        socket = web.WebSocketResponse(protocols=(self.protocol,))
        await socket.prepare(request)

        async def recv() -> str:
            message = await socket.receive()
            if message.type is not web.WSMsgType.TEXT:
                raise ConnectionResetError
            frame = json.loads(message.data)
            if frame[0] == MessageType.Call:
                self.heard.put_nowait(frame[2])
            return str(message.data)

        station = self.kind(request.match_info["station"], SimpleNamespace(recv=recv, send=socket.send_str))
        if not self.station.done():
            self.station.set_result(station)
        with suppress(ConnectionResetError):
            await station.start()
        return socket


@pytest.fixture(params=sorted(LIBRARY))
async def line(
    request: pytest.FixtureRequest, socket_enabled: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[tuple[Server, SiteControl, SimulatedOutlet, Station]]:
    """Return a site that is linked to such a server."""
    caplog.set_level(logging.WARNING, logger="ocpp")
    server = Server(request.param)
    async with AsyncExitStack() as stack:
        await server.http.start_server()
        stack.push_async_callback(server.http.close)
        site, outlet = await stack.enter_async_context(one_site(tmp_path / "journal.sqlite3"))
        linked = await stack.enter_async_context(linked_to(None, site, outlet, url=server.url))  # type: ignore[arg-type]  # its server is another
        linked.connect()
        yield server, site, outlet, linked.station


async def test_a_plain_remote_start_charges_and_a_remote_stop_ends_it(
    line: tuple[Server, SiteControl, SimulatedOutlet, Station],
) -> None:
    server, site, outlet, _ = line
    async with asyncio.timeout(30):
        station = await server.station
        assert await station.states.get() == "Available"

        started = await station.call(
            server.call.RequestStartTransaction(
                id_token={"id_token": "CARD 1", "type": "ISO14443"}, remote_start_id=7, evse_id=1
            )
        )
        assert started.status == "Accepted"
        first = await station.events.get()
        assert (first["event_type"], first["trigger_reason"], first["seq_no"]) == ("Started", "RemoteStart", 0)
        assert first["transaction_info"]["remote_start_id"] == 7
        assert first["id_token"]["id_token"] == "CARD 1"
        assert outlet.relay
        outlet.pass_time(60)
        await site.outlets[1].step()

        stopped = await station.call(
            server.call.RequestStopTransaction(transaction_id=first["transaction_info"]["transaction_id"])
        )
        assert stopped.status == "Accepted"
        while (last := await station.events.get())["event_type"] != "Ended":
            pass
        assert last["transaction_info"]["stopped_reason"] == "Remote"
        assert not outlet.relay


async def test_a_notice_that_is_never_answered_does_not_end_the_line(
    line: tuple[Server, SiteControl, SimulatedOutlet, Station], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library answers nothing at all to an action of 2.1 that has no handler.
    monkeypatch.setattr("custom_components.konsento.station.rpc.ANSWER_S", 0.5)
    server, _, outlet, _ = line
    async with asyncio.timeout(30):
        station = await server.station
        outlet.fault = "welded_contact"
        outlet.changed()
        while await server.heard.get() != "NotifyEvent":
            pass
        outlet.fault = ""
        outlet.changed()
        while await station.states.get() != "Available":
            pass

    assert server.connections == 1
