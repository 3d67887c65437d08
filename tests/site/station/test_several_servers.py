"""One site, several suppliers: each has its own link, and an outlet is one's at a time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from csms import Csms, start_request
from firmware import free_port
from station.conftest import COMMON_NAME, Linked, linked_to, one_site

from custom_components.konsento.station.link_settings import LinkSettings
from rig.proxy import TcpProxy


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


@pytest.mark.parametrize("cut", [("kaze",), ("hi",), ("kaze", "hi")])
async def test_of_two_starts_at_the_same_moment_one_wins_although_answers_are_lost(
    tmp_path: Path, socket_enabled: None, monkeypatch: pytest.MonkeyPatch, cut: tuple[str, ...]
) -> None:
    monkeypatch.setattr(LinkSettings, "pause_s", lambda _, __: 0.02)
    async with AsyncExitStack() as stack:
        site, outlet = await stack.enter_async_context(one_site(tmp_path / "journal.sqlite3"))
        lines: dict[str, Linked] = {}
        proxies: dict[str, TcpProxy] = {}
        for name in ("kaze", "hi"):
            csms = Csms()
            await csms.start()
            stack.push_async_callback(csms.stop)
            proxies[name] = TcpProxy(free_port(), csms.port)
            await proxies[name].start()
            stack.push_async_callback(proxies[name].stop)
            url = f"ws://127.0.0.1:{proxies[name].port}/ocpp"
            lines[name] = await stack.enter_async_context(linked_to(csms, site, outlet, name, url=url))
            await lines[name].online()
        asked = {"kaze": start_request(7, supplier="Kaze", supplierCode="A0269"), "hi": start_request(7, supplier="Hi")}
        for name in cut:
            # The site's next word to this server, the answer, does not arrive, and neither does the line live on.
            proxies[name].break_after(0, from_target=False)
        for name, line in lines.items():
            await line.csms.send(json.dumps([2, f"lost {name}", "RequestStartTransaction", asked[name]]))
        for name in cut:
            await lines[name].csms.until(lambda csms=lines[name].csms: csms.connections == 2)  # type: ignore[misc]

        # Whoever does not know asks again, and hears what became of the first time.
        answers = {
            name: (await line.csms.ask("RequestStartTransaction", asked[name]))[2] for name, line in lines.items()
        }

        assert sorted(answer["status"] for answer in answers.values()) == ["Accepted", "Rejected"]
        winner = next(name for name, answer in answers.items() if answer["status"] == "Accepted")
        loser = "hi" if winner == "kaze" else "kaze"
        assert answers[loser]["statusInfo"]["reasonCode"] == "OutletBusy"
        (session,) = site.sessions_of(winner)
        assert (session.id, site.sessions_of(loser)) == (answers[winner]["transactionId"], [])
        await lines[winner].csms.ask("RequestStopTransaction", {"transactionId": session.id})
        await lines[winner].csms.until(lambda: lines[winner].csms.last() == "Ended")
        assert lines[winner].csms.events()[-1]["customData"]["supplier"].lower() == winner
        assert lines[loser].csms.events() == []


async def test_power_type_and_supplier_of_each_server_stay_with_its_session(both: tuple[Linked, Linked]) -> None:
    kaze, hi = both
    sold = {"kaze": ("wind", "Kaze Denki", "A0269"), "hi": ("solar", "Hi Power", "A0275")}
    for number, (line, name) in enumerate(((kaze, "kaze"), (hi, "hi"), (kaze, "kaze")), start=1):
        power_type, supplier, code = sold[name]
        await line.started(number, energyLimitWh=5, powerType=power_type, supplier=supplier, supplierCode=code)
        (session,) = line.site.sessions_of(name)
        assert (session.power_type, session.supplier, session.supplier_code) == sold[name]
        await line.supply(20)
        await line.csms.until(lambda csms=line.csms: csms.last() == "Ended")  # type: ignore[misc]
        told = line.csms.events()[-1]["customData"]
        assert (told["powerType"], told["supplier"]) == (power_type, supplier)
    last = kaze.site.outlets[1].last
    assert last is not None
    assert (last.server, last.supplier_code) == ("kaze", "A0269")
    assert {event["customData"]["supplier"] for event in hi.csms.events() if "customData" in event} == {"Hi Power"}


async def test_the_site_has_the_same_name_at_all_servers(both: tuple[Linked, Linked]) -> None:
    variable = {"component": {"name": "ChargingStation"}, "variable": {"name": "CommonName"}}
    told = [(await line.csms.ask("GetVariables", {"getVariableData": [variable]}))[2] for line in both]

    assert told[0] == told[1]
    assert told[0]["getVariableResult"][0]["attributeValue"] == COMMON_NAME


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
