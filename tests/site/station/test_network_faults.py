"""What a bad network may do between a site and its management server: slow, silent, broken off, again and again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from csms import Csms, start_request
from firmware import free_port
from leaks import Held
from station.conftest import Linked, linked_to, one_site

from custom_components.konsento.control.signals import Signal
from custom_components.konsento.station.link_settings import LinkSettings
from rig.proxy import TcpProxy

DELAY_S = 0.2
RECONNECTS = 200


class Relayed(Linked):
    """A site that reaches its management server through a relay, a session running."""

    proxy: TcpProxy
    transaction: str = ""

    async def begin(self) -> None:
        self.connect()
        await self.csms.until(lambda: len(self.csms.states()) > 0)
        frame = await self.csms.ask("RequestStartTransaction", start_request())
        assert frame[2]["status"] == "Accepted"
        self.transaction = frame[2]["transactionId"]
        await self.csms.until(lambda: len(self.csms.events()) == 1 and self.csms.states()[-1] == "Occupied")

    async def tell(self) -> None:
        """Let the outlet supply for a moment, far from the end of its lease, and the site write an event about it."""
        self.site.outlets[1].ask_sample()
        await self.supply(0.03)

    async def lost(self) -> None:
        changed = Signal()
        unlisten = self.station.listen(changed.notify)
        async with asyncio.timeout(20):
            while self.station.online:
                await changed.wait(20)
        unlisten()

    async def right_again(self) -> None:
        """The session still runs; it is told to its end, every event in order, and with all its energy."""
        assert self.outlet.relay
        await self.csms.until(lambda: self.station.online, patience=60)
        await self.tell()
        frame = await self.csms.ask("RequestStopTransaction", {"transactionId": self.transaction})
        assert frame[2]["status"] == "Accepted"
        await self.csms.until(lambda: self.csms.last() == "Ended", patience=60)
        events = self.csms.events()
        numbers = list(dict.fromkeys(event["seqNo"] for event in events))
        assert numbers == list(range(len(numbers))), "in order, none missing; one whose answer was lost may come twice"
        assert {event["transactionInfo"]["transactionId"] for event in events} == {self.transaction}
        registers = [event["meterValue"][0]["sampledValue"][0]["value"] for event in events]
        told_mwh = round((registers[-1] - registers[0]) * 1000)
        assert told_mwh == self.outlet.measured[self.transaction] > 0
        # What is sent next comes after the answer to the last event.
        await self.csms.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await self.csms.until(lambda: self.csms.heard[-1][0] == "Heartbeat")
        assert await self.site.journal.waiting_of("server") == 0


@pytest.fixture
async def relayed(csms: Csms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relayed]:
    """Return a site with a session, connected through a relay. Only the pauses are shorter than in service."""
    monkeypatch.setattr(LinkSettings, "pause_s", lambda _, __: 0.02)
    monkeypatch.setattr("custom_components.konsento.station.connection.PING_S", 1.0)
    monkeypatch.setattr("custom_components.konsento.station.connection._CONNECT_S", 1.0)
    proxy = TcpProxy(free_port(), csms.port)
    await proxy.start()
    url = f"ws://127.0.0.1:{proxy.port}/ocpp"
    async with (
        one_site(tmp_path / "journal.sqlite3") as (site, outlet),
        linked_to(csms, site, outlet, url=url, line=Relayed) as line,
    ):
        line.proxy = proxy
        await line.begin()
        yield line
    await proxy.stop()


def told(caplog: pytest.LogCaptureFixture) -> tuple[int, int]:
    """Return how often the log says that the server was lost, and that it is connected."""
    messages = [record.getMessage() for record in caplog.records]
    return sum("cannot be reached" in m for m in messages), sum(m.endswith(": connected") for m in messages)


async def test_a_slow_network_only_makes_it_slow(relayed: Relayed, caplog: pytest.LogCaptureFixture) -> None:
    held = Held()
    relayed.proxy.delay_s = DELAY_S
    for _ in range(3):
        await relayed.tell()
    await relayed.right_again()

    assert told(caplog) == (0, 0)
    await held.again()


async def test_a_line_that_swallows_everything_is_noticed_and_made_anew(
    relayed: Relayed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    held = Held()
    relayed.proxy.cut()
    # Sent into the silence: it is told again when there is a line.
    await relayed.tell()
    await relayed.lost()
    await relayed.tell()
    relayed.proxy.mend()
    await relayed.right_again()

    assert told(caplog) == (1, 1)
    await held.again()


@pytest.mark.parametrize("from_server", [True, False])
@pytest.mark.parametrize("count", [1, 9, 60])
async def test_a_line_that_breaks_off_inside_a_frame_loses_no_event(
    relayed: Relayed, caplog: pytest.LogCaptureFixture, count: int, from_server: bool
) -> None:
    caplog.set_level("INFO")
    held = Held()
    relayed.proxy.break_after(count, from_target=from_server)
    for _ in range(20):
        await relayed.tell()
        if not relayed.station.online:
            break
    await relayed.lost()
    await relayed.right_again()

    assert told(caplog) == (1, 1)
    await held.again()


async def test_two_hundred_reconnections_leave_nothing_behind(
    relayed: Relayed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    held = Held()
    for number in range(RECONNECTS):
        relayed.proxy.drop()
        await relayed.lost()
        await relayed.tell()
        await relayed.csms.until(lambda number=number: len(relayed.csms.events()) > number + 1, patience=30)
        # An event whose answer was lost comes twice, so a count of events alone does not say that the line is back.
        await relayed.csms.until(lambda: relayed.station.online, patience=30)
    await relayed.right_again()

    assert told(caplog) == (RECONNECTS, RECONNECTS)
    await held.again()
