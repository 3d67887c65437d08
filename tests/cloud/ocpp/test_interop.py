"""The gateway against a station made of the library that sites use, which checks every frame against the schemas."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from ocpp import v21, v201  # type: ignore[import-untyped]  # the library has no types
from ocpp.routing import on  # type: ignore[import-untyped]

from konsento.ocpp import CallTimeout, StationRouter, custom_data
from konsento.ocpp.messages import (
    IdToken,
    RequestStartTransaction,
    StartStopStatus,
    TransactionEvent,
    TransactionEventResponse,
)

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

    from tests.cloud.ocpp.conftest import Site


class Socket:
    """An aiohttp socket under the two names that the library calls."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket

    async def recv(self) -> str:
        return await self._socket.receive_str()

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)


@pytest.mark.parametrize(("library", "protocol"), [(v21, "ocpp2.1"), (v201, "ocpp2.0.1")])
async def test_a_session_with_the_library_that_sites_use(site: Site, library: Any, protocol: str) -> None:
    kept: list[TransactionEvent] = []

    @site.handlers.on(TransactionEvent)
    async def keep(_station_id: str, event: TransactionEvent) -> TransactionEventResponse:
        kept.append(event)
        return TransactionEventResponse()

    class ChargePoint(library.ChargePoint):  # type: ignore[misc]  # the library has no types
        @on("RequestStartTransaction")  # type: ignore[untyped-decorator]
        async def start_session(self, remote_start_id: int, **fields: Any) -> Any:
            assert remote_start_id == 42
            assert fields["custom_data"]["energy_limit_wh"] == 10
            return library.call_result.RequestStartTransaction(status="Accepted", transaction_id="tx-1")

    station = await site.connect(protocols=(protocol,))
    charge_point = ChargePoint("SITE-1", Socket(station.socket))
    listening = asyncio.create_task(charge_point.start())
    boot = await charge_point.call(
        library.call.BootNotification(charging_station={"model": "m", "vendor_name": "v"}, reason="PowerUp")
    )
    assert boot.status == "Accepted"
    router: StationRouter = site.router
    answer = await router.call(
        "SITE-1",
        RequestStartTransaction(
            evse_id=1,
            remote_start_id=42,
            id_token=IdToken(id_token="A" * 20, type="Central"),
            custom_data=custom_data(energyLimitWh=10),
        ),
    )
    assert (answer.status, answer.transaction_id) == (StartStopStatus.ACCEPTED, "tx-1")
    event = await charge_point.call(
        library.call.TransactionEvent(
            event_type="Started",
            timestamp=datetime.now(UTC).isoformat(),
            trigger_reason="RemoteStart",
            seq_no=0,
            transaction_info={"transaction_id": "tx-1", "remote_start_id": 42},
        )
    )
    assert event is not None
    assert [message.transaction_info.remote_start_id for message in kept] == [42]
    listening.cancel()
    await station.socket.close()


async def test_two_hundred_stations_that_boot_at_once_are_all_answered(site: Site) -> None:
    boot = {"chargingStation": {"model": "m", "vendorName": "v"}, "reason": "PowerUp"}

    async def start(number: int) -> str:
        async with await site.connect(f"SITE-{number}") as station:
            status: str = (await station.call("BootNotification", boot))[2]["status"]
            return status

    assert await asyncio.gather(*(start(number) for number in range(200))) == ["Accepted"] * 200


async def test_a_station_that_comes_back_in_the_middle_of_a_call_can_be_asked_again(site: Site) -> None:
    start = RequestStartTransaction(remote_start_id=1, id_token=IdToken(id_token="B" * 20, type="Central"))
    first = await site.connect()
    await first.call("Heartbeat", {})
    asking = asyncio.create_task(site.router.call("SITE-1", start))
    await first.receive()
    async with await site.connect() as second:
        with pytest.raises(CallTimeout, match="link lost"):
            await asking
        again = asyncio.create_task(site.router.call("SITE-1", start))
        frame = await second.receive()
        await second.send([3, frame[1], {"status": "Rejected", "statusInfo": {"reasonCode": "OutletBusy"}}])
        answer = await again
        assert answer.status_info is not None
        assert answer.status_info.reason_code == "OutletBusy"
    await first.socket.close()
