"""A command reaches the process that holds a station's newest connection, or it is known that it did not."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import update

from konsento.models import StationOwner
from konsento.ocpp import BadPayload, CallRefused, CallTimeout, StationOffline, UnknownAction, Version, version_of
from konsento.ocpp.messages import (
    IdToken,
    RequestStartTransaction,
    RequestStopTransaction,
    StartStopStatus,
)
from rig.engines import NatsServer

from .conftest import Replica, answer

STOP = RequestStopTransaction(transaction_id="TX-1")
ACCEPTED = {"status": "Accepted"}


async def test_a_call_reaches_a_station_at_another_process(one: Replica, other: Replica) -> None:
    async with await other.connect() as station:
        request = RequestStartTransaction(
            id_token=IdToken(id_token="A" * 20, type="Central"),
            remote_start_id=7,
            evse_id=1,
            custom_data={"vendorId": "org.konsento", "energyLimitWh": Decimal("10.5")},
        )
        calling = asyncio.create_task(one.router.call("SITE-1", request))
        call = await answer(station, ACCEPTED | {"transactionId": "TX-7"})
        response = await calling

    assert (call[2], call[3]["remoteStartId"], call[3]["customData"]["energyLimitWh"]) == (
        "RequestStartTransaction",
        7,
        10.5,
    )
    assert (response.status, response.transaction_id) == (StartStopStatus.ACCEPTED, "TX-7")


@pytest.mark.parametrize("station_id", ["site.north", "a.*", "star*star", "x.>", "Ä-1"])
async def test_a_station_s_name_may_hold_what_means_something_to_nats(
    one: Replica, other: Replica, station_id: str
) -> None:
    await other.owners.claim(station_id, Version.V21)
    with pytest.raises(StationOffline):  # it has no socket there, and nobody else is asked
        await one.router.call(station_id, STOP)


async def test_what_goes_wrong_elsewhere_is_told_as_if_it_went_wrong_here(one: Replica, other: Replica) -> None:
    async with await other.connect() as station:
        with pytest.raises(CallTimeout) as slow:
            await one.router.call("SITE-1", STOP, timeout_s=0.2)
        await station.receive()
        calling = asyncio.create_task(one.router.call("SITE-1", STOP))
        call = await station.receive()
        await station.send([4, call[1], "InternalError", "no mood", {}])
        with pytest.raises(CallRefused) as refused:
            await calling
        calling = asyncio.create_task(one.router.call("SITE-1", STOP))
        await station.receive()
        await station.socket.close()
        with pytest.raises(CallTimeout) as lost:
            await calling
    with pytest.raises(StationOffline):
        await one.router.call("SITE-1", STOP)
    with pytest.raises(StationOffline):
        await one.router.call("NOBODY", STOP)

    assert (slow.value.cause, lost.value.cause) == ("no answer in time", "link lost")
    assert (refused.value.station_id, refused.value.action, refused.value.code, refused.value.description) == (
        "SITE-1",
        "RequestStopTransaction",
        "InternalError",
        "no mood",
    )


async def test_any_request_of_ocpp_goes_to_another_process_and_its_answer_comes_back_as_it_was(
    one: Replica, other: Replica
) -> None:
    async with await other.connect() as station:
        asked = {"requestId": 3, "report": True, "clear": False}
        calling = asyncio.create_task(one.router.call_raw("SITE-1", "CustomerInformation", asked))
        call = await answer(station, {"status": "Accepted", "unheard": [1.50, {"of": None}]})
        came = await calling
        with pytest.raises(BadPayload) as wrong:
            await one.router.call_raw("SITE-1", "CustomerInformation", {"requestId": "three"})
        with pytest.raises(UnknownAction) as unknown:
            await one.router.call_raw("SITE-1", "MakeCoffee", {})

    assert (call[2], call[3]) == ("CustomerInformation", asked)
    assert came == {"status": "Accepted", "unheard": [1.5, {"of": None}]}
    assert {fault.pointer for fault in wrong.value.faults} >= {"/requestId"}
    assert unknown.value.version == "ocpp2.1"


async def test_the_newest_socket_wins_whatever_process_it_is_at(one: Replica, other: Replica) -> None:
    async with await one.connect() as old:
        async with await other.connect() as new:
            closed = await old.closed()
            calls = [asyncio.create_task(replica.router.call("SITE-1", STOP)) for replica in (one, other)]
            for _ in calls:
                await answer(new, ACCEPTED)
            await asyncio.gather(*calls)
            await one.local.settle()

            assert (old.socket.close_code, closed.extra) == (4001, "replaced by a newer connection")
            assert (one.came, one.went, other.came) == (["SITE-1"], [], ["SITE-1"])
            assert not one.local.connected("SITE-1")
        await _until_gone(other)
    assert other.went == ["SITE-1"]


async def _until_gone(replica: Replica) -> None:
    async with asyncio.timeout(5):
        while replica.local.connections:  # noqa: ASYNC110  # the socket's end is the gateway's own affair
            await asyncio.sleep(0.01)
    await replica.local.settle()


async def test_a_process_that_did_not_hear_of_the_newer_socket_finds_out_by_the_database(
    one: Replica, other: Replica, nats: NatsServer
) -> None:
    async with await one.connect() as old:
        await nats.stop()
        async with await other.connect():
            assert one.local.connected("SITE-1")
            await one.local.compare()
            await one.local.settle()
            await old.closed()

            assert old.socket.close_code == 4001
            assert not one.local.connected("SITE-1")
            assert other.local.connected("SITE-1")
            assert one.went == []


async def test_a_process_that_was_taken_for_dead_claims_its_stations_again(one: Replica) -> None:
    async with await one.connect():
        async with one.database.transaction() as session:
            await session.execute(update(StationOwner).values(replica_id=None))
        await one.local.compare()
        await one.local.settle()

        assert one.came == ["SITE-1", "SITE-1"]
        assert await one.owners.noted() == {"SITE-1": 2}


async def test_what_could_not_be_noted_is_noted_later(one: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise OSError("no database")

    with monkeypatch.context() as broken:
        broken.setattr(one.owners, "claim", fails)
        station = await one.connect()
    assert one.came == []
    await one.local.compare()
    await one.local.settle()
    noted = await one.owners.noted()
    with monkeypatch.context() as broken:
        broken.setattr(one.owners, "release", fails)
        await station.socket.close()
        await _until_gone(one)
    assert (one.came, one.went, noted) == (["SITE-1"], [], {"SITE-1": 1})

    await one.local.compare()
    await one.local.settle()

    assert one.went == ["SITE-1"]
    assert await one.owners.noted() == {}


async def test_without_nats_only_the_stations_of_other_processes_are_out_of_reach(
    one: Replica, other: Replica, nats: NatsServer
) -> None:
    async with await one.connect("HERE") as here, await other.connect("THERE") as there:
        await nats.stop()
        with pytest.raises(StationOffline):
            await one.router.call("THERE", STOP)
        calling = asyncio.create_task(one.router.call("HERE", STOP))
        await answer(here, ACCEPTED)
        assert (await calling).status is StartStopStatus.ACCEPTED

        one.up.clear()
        other.up.clear()
        await nats.start()
        await asyncio.wait_for(asyncio.gather(one.up.wait(), other.up.wait()), 60)
        calling = asyncio.create_task(one.router.call("THERE", STOP))
        call = await answer(there, ACCEPTED)
        assert (await calling).status is StartStopStatus.ACCEPTED
    # The one that could not be sent is not sent later.
    assert call[2] == "RequestStopTransaction"
    assert there.socket.closed


async def test_a_call_whose_answer_nats_lost_may_have_been_acted_on(
    one: Replica, other: Replica, nats: NatsServer
) -> None:
    async with await other.connect() as station:
        calling = asyncio.create_task(one.router.call("SITE-1", STOP))
        await station.receive()
        await nats.stop()
        with pytest.raises(CallTimeout) as lost:
            await calling
    assert lost.value.cause == "link lost"


async def test_a_call_to_a_process_that_died_is_known_not_to_have_been_sent(one: Replica, other: Replica) -> None:
    async with await other.connect():
        assert other.running is not None
        other.running.cancel()
        await asyncio.gather(other.running, return_exceptions=True)
        with pytest.raises(StationOffline):
            await one.router.call("SITE-1", STOP)


async def test_what_version_a_station_speaks_is_known_to_every_process(one: Replica, other: Replica) -> None:
    async def known() -> object:
        async with one.database.transaction() as session:
            return await version_of(session, "SITE-1")

    async with await other.connect(version="ocpp2.0.1"):
        connected = await known()
    await _until_gone(other)

    assert (connected, await known()) == ("ocpp2.0.1", None)
