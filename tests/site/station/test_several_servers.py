"""One site, several suppliers: each has its own link, and an outlet is one's at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from csms import Csms, start_request
from station.conftest import Linked, linked_to, one_site


@pytest.fixture
async def both(tmp_path: Path, socket_enabled: None) -> AsyncIterator[tuple[Linked, Linked]]:
    """Return two servers of one site, connected."""
    async with AsyncExitStack() as stack:
        site, outlet = await stack.enter_async_context(one_site(tmp_path / "journal.sqlite3"))
        lines = []
        for name in ("kaze", "hi"):
            csms = Csms()
            await csms.start()
            stack.push_async_callback(csms.stop)
            lines.append(await stack.enter_async_context(linked_to(csms, site, outlet, name)))
            await lines[-1].online()
        yield lines[0], lines[1]
        assert lines[0].csms.invalid + lines[1].csms.invalid == []


async def test_an_outlet_in_use_by_one_is_occupied_for_the_other(both: tuple[Linked, Linked]) -> None:
    kaze, hi = both
    await kaze.started(energyLimitWh=5)
    await hi.csms.until(lambda: hi.csms.states()[-1] == "Occupied")
    refused = await hi.csms.ask("RequestStartTransaction", start_request(1))
    assert refused[2]["statusInfo"]["reasonCode"] == "OutletBusy"
    await kaze.supply(20)
    await hi.csms.until(lambda: hi.csms.states()[-1] == "Available")

    # The first one's session is nobody else's business.
    assert hi.csms.events() == []
    await hi.started(2)


async def test_of_two_starts_at_the_same_moment_one_wins(both: tuple[Linked, Linked]) -> None:
    for number in range(1, 6):
        frames = await asyncio.gather(
            *(line.csms.ask("RequestStartTransaction", start_request(number)) for line in both)
        )
        statuses = [frame[2]["status"] for frame in frames]
        assert sorted(statuses) == ["Accepted", "Rejected"]
        winner = both[statuses.index("Accepted")]
        transaction = frames[statuses.index("Accepted")][2]["transactionId"]
        await winner.csms.ask("RequestStopTransaction", {"transactionId": transaction})
        await winner.csms.until(lambda csms=winner.csms: csms.last() == "Ended")  # type: ignore[misc]
        assert [event["seqNo"] for event in winner.csms.events()][-1] >= 1


async def test_a_server_stops_and_asks_after_its_own_sessions_only(both: tuple[Linked, Linked]) -> None:
    kaze, hi = both
    transaction = await kaze.started()

    assert (await hi.csms.ask("RequestStopTransaction", {"transactionId": transaction}))[2]["status"] == "Rejected"
    status = await hi.csms.ask("GetTransactionStatus", {"transactionId": transaction})
    assert status[2] == {"messagesInQueue": False, "ongoingIndicator": False}
    await hi.csms.ask("Reset", {"type": "Immediate"})
    await hi.csms.until(lambda: hi.csms.connections == 2)
    assert kaze.outlet.relay


async def test_a_server_that_is_away_holds_nobody_up(both: tuple[Linked, Linked]) -> None:
    kaze, hi = both
    await kaze.csms.stop()
    await hi.started(energyLimitWh=5)
    await hi.supply(20)
    await hi.csms.until(lambda: hi.csms.last() == "Ended")


async def test_out_of_service_for_one_is_in_service_for_the_other(both: tuple[Linked, Linked]) -> None:
    kaze, hi = both
    await kaze.csms.ask("ChangeAvailability", {"operationalStatus": "Inoperative"})
    await kaze.csms.until(lambda: kaze.csms.states()[-1] == "Unavailable")

    assert hi.csms.states()[-1] == "Available"
    await hi.started(1)
