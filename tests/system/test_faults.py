"""What happens when a part dies or a link is cut in the middle of a session."""

import asyncio
import math

import aiohttp
import pytest

from rig.driver import Driver
from rig.home_assistant import FlowRefusedError
from rig.line import Line
from rig.outlet import Watcher
from rig.session import DONE
from rig.suppliers import CODES, STATION_ID, STATION_PASSWORD

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

LEASE_S = 10.5


async def _charging(line: Line, name: str, limit_wh: int) -> tuple[Driver, Watcher, str, float]:
    driver = await line.driver(f"{name}@example.com", "correct horse battery", name)
    watcher = await line.watch(1)
    load_before = watcher.number("load_energy")
    session = await driver.start(CODES[0], "energy", str(limit_wh), "Wh")
    await watcher.until(lambda states: states["relay"] is True and watcher.number("session_energy") > 2)
    return driver, watcher, session, load_before


async def _assert_one_true_bill(bill: dict[str, object], watcher: Watcher, load_before: float) -> None:
    # The load's own integral is told once a second.
    await asyncio.wait_for(watcher.follow("load_energy").get(), 60)
    taken = watcher.number("load_energy") - load_before
    measured = int(str(bill["delivered_mwh"])) / 1000
    assert measured == pytest.approx(watcher.number("session_energy"), abs=0.0015)
    assert measured == pytest.approx(taken, abs=0.6), "neither lost nor counted twice"
    assert bill["billed_wh"] == math.floor(measured)


async def test_home_assistant_killed_mid_session_loses_no_energy_and_counts_none_twice(fragile_line: Line) -> None:
    line = fragile_line
    driver, watcher, session, load_before = await _charging(line, "restart", 30)

    await line.home_assistant.process.kill()
    await line.home_assistant.start()
    await line.home_assistant.ready()
    bill = await driver.until(session, DONE, 120)

    assert watcher.states["relay"] is False
    assert bill["end_reason"] == "EnergyLimitReached"
    await _assert_one_true_bill(bill, watcher, load_before)


async def test_a_session_that_its_owner_suspends_waits_over_a_restart_of_home_assistant(fragile_line: Line) -> None:
    line = fragile_line
    driver, watcher, session, load_before = await _charging(line, "suspended", 12)
    relay = watcher.follow("relay")

    await line.home_assistant.act("suspend_session", evse=1)
    assert await relay.get() is False
    waiting = await driver.until(session, {"suspended"}, 60)
    assert waiting["texts"]["title"] == "Paused. No supply at the moment."
    state = next(
        name for name, is_now in (await line.home_assistant.states()).items() if is_now["state"] == "suspended"
    )
    await line.home_assistant.process.stop()
    await line.home_assistant.start()
    await line.home_assistant.ready()
    await line.home_assistant.until(state, "suspended")
    assert relay.empty()
    await line.home_assistant.act("resume_session", evse=1)
    bill = await driver.until(session, DONE, 120)

    assert [await relay.get(), await relay.get()] == [True, False]
    assert bill["end_reason"] == "EnergyLimitReached"
    await _assert_one_true_bill(bill, watcher, load_before)


async def test_server_killed_mid_session_the_outlet_stops_by_itself_and_one_bill_follows(fragile_line: Line) -> None:
    line = fragile_line
    driver, watcher, session, load_before = await _charging(line, "server", 10)

    await line.server.process.kill()
    await watcher.until(lambda states: states["relay"] is False and states["session_state"] == "ended")
    assert watcher.states["end_reason"] == "EnergyLimitReached"
    await line.server.start()
    await line.server.ready()
    bill = await driver.until(session, DONE, 90)

    assert bill["end_reason"] == "EnergyLimitReached"
    await _assert_one_true_bill(bill, watcher, load_before)
    history = await driver.page("/history")
    assert history.text.count(f'href="/s/{session}"') == 1


async def test_link_to_the_outlet_cut_opens_the_relay_when_the_lease_runs_out(fragile_line: Line) -> None:
    line = fragile_line
    driver, watcher, session, load_before = await _charging(line, "cut", 40)

    line.outlet_links[0].cut()
    await watcher.until(lambda states: states["relay"] is False, patience=LEASE_S + 3)
    await watcher.until(lambda states: states["session_state"] == "suspended")
    line.outlet_links[0].mend()
    await watcher.until(lambda states: states["relay"] is True, patience=90)
    bill = await driver.until(session, DONE, 90)

    assert bill["end_reason"] == "EnergyLimitReached"
    await _assert_one_true_bill(bill, watcher, load_before)


async def test_link_to_the_server_cut_the_session_goes_on_and_is_billed_once_afterwards(fragile_line: Line) -> None:
    line = fragile_line
    driver, watcher, session, load_before = await _charging(line, "offline", 10)

    line.cloud_link.cut()
    await watcher.until(lambda states: states["relay"] is False and states["session_state"] == "ended")
    line.cloud_link.mend()
    bill = await driver.until(session, DONE, 120)

    assert bill["end_reason"] == "EnergyLimitReached"
    await _assert_one_true_bill(bill, watcher, load_before)


async def test_power_cut_at_the_outlet_comes_back_dead_and_goes_on_for_the_same_session(
    fragile_line: Line,
) -> None:
    line = fragile_line
    driver, watcher, session, _ = await _charging(line, "powercut", 20)
    outlet = line.outlets[0]

    await outlet.process.kill()
    await outlet.process.start()
    await watcher.close()
    await watcher.connect()
    bill = await driver.until(session, DONE, 120)
    await watcher.until(lambda states: states["relay"] is False)

    assert bill["billed_wh"] == bill["delivered_mwh"] // 1000
    assert bill["billed_wh"] <= 20


@pytest.mark.parametrize(("station", "password"), [(STATION_ID, "wrong-password-000"), ("nowhere", STATION_PASSWORD)])
async def test_a_station_that_cannot_prove_itself_is_refused(fragile_line: Line, station: str, password: str) -> None:
    line = fragile_line
    await line.home_assistant.ready()
    await line.home_assistant.sign_in()

    with pytest.raises(FlowRefusedError, match="auth"):
        await line.home_assistant.add_management_server(
            f"ws://127.0.0.1:{line.server.ocpp_port}/ocpp", station, password
        )


@pytest.mark.parametrize(
    "frame",
    ["", "{", "[]", "[2]", '[2,"1","TransactionEvent",{}]', '[2,"1","NoSuchAction",{}]', '[9,"1"]', '[3,"1",{}]'],
)
async def test_a_malformed_frame_is_answered_or_ignored_and_changes_nothing(fragile_line: Line, frame: str) -> None:
    line = fragile_line
    url = f"http://127.0.0.1:{line.server.ocpp_port}/ocpp/{STATION_ID}"
    headers = {"Authorization": aiohttp.encode_basic_auth(STATION_ID, STATION_PASSWORD)}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.ws_connect(url, protocols=("ocpp2.1",), compress=0) as socket,
    ):
        await socket.send_str(frame)
        await socket.send_str('[2,"after","Heartbeat",{}]')
        while '"after"' not in (answer := await socket.receive_str(timeout=60)):
            assert answer.startswith("[4,")
        assert answer.startswith('[3,"after"')
