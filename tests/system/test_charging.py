"""What a driver relies on, over the whole line of real parts."""

import re

import pytest

from rig.driver import RefusedError
from rig.line import Line
from rig.session import DONE, run_session
from rig.suppliers import CODES

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

IDENTITY = ("charging@example.com", "Charging Driver")


async def test_ten_watt_hours_are_delivered_measured_and_billed(line: Line) -> None:
    driver = await line.driver("ten@example.com", "correct horse battery", "Ten Driver")
    watcher = await line.watch(1)

    report = await run_session(line, driver, 1, ("energy", "10", "Wh"), ("ten@example.com", "Ten Driver"))

    assert report["requested_wh"] == 10
    assert report["delivered_wh"] == pytest.approx(10, abs=0.5)
    assert report["delivered_mwh"] / 1000 == pytest.approx(watcher.number("session_energy"), abs=0.0015)
    assert report["billed_wh"] == report["delivered_wh"]
    assert report["billed_minor"] == 38  # 10 Wh at 3,850 yen a kWh are 38.5 yen, rounded down
    assert report["currency"] == "JPY"
    assert report["end_reason"] == "EnergyLimitReached"
    assert report["relay_closed_at_end"] is False
    assert report["site_saw_user_identity"] is False


async def test_a_plain_relay_with_a_power_sensor_supplies_and_bills_what_was_asked(line: Line) -> None:
    driver = await line.driver("plug@example.com", "correct horse battery", "Plug Driver")
    watcher = await line.watch(4)
    before = watcher.number("load_energy")

    report = await run_session(line, driver, 4, ("energy", "10", "Wh"), ("plug@example.com", "Plug Driver"))

    assert report["end_reason"] == "EnergyLimitReached"
    assert report["requested_wh"] == 10
    really = watcher.number("load_energy") - before
    # At 3 kW a second is 0.83 Wh, and the sensor speaks once a second.
    assert really == pytest.approx(10, abs=0.9)
    assert report["delivered_mwh"] / 1000 == pytest.approx(really, abs=0.9)
    assert report["billed_wh"] == report["delivered_wh"]
    assert report["relay_closed_at_end"] is False


async def test_a_time_limit_ends_supply_on_time(line: Line) -> None:
    driver = await line.driver("time@example.com", "correct horse battery", "Time Driver")

    report = await run_session(line, driver, 1, ("time", "5", "s"), ("time@example.com",))

    assert report["end_reason"] == "TimeLimitReached"
    assert report["seconds"] == 5
    assert report["stop_latency_ms"] < 500
    assert report["billed_wh"] == report["delivered_wh"] > 0


async def test_an_amount_of_money_is_never_exceeded(line: Line) -> None:
    driver = await line.driver("money@example.com", "correct horse battery", "Money Driver")

    report = await run_session(line, driver, 1, ("money", "20", "minor"), ("money@example.com",))

    assert report["end_reason"] == "EnergyLimitReached"
    assert report["requested_wh"] == 5  # 20 yen buy 5.19 Wh
    assert report["billed_minor"] <= 20
    assert report["billed_wh"] == 5


async def test_the_driver_stops_and_pays_for_what_was_measured(line: Line) -> None:
    driver = await line.driver("stop@example.com", "correct horse battery", "Stop Driver")
    watcher = await line.watch(1)
    session = await driver.start(CODES[0], "energy", "500", "Wh")
    await watcher.until(lambda states: states["relay"] is True and watcher.number("session_energy") > 1)

    await driver.stop(session)
    await watcher.until(lambda states: states["relay"] is False)
    bill = await driver.until(session, DONE, 60)

    assert bill["end_reason"] == "Remote"
    assert bill["billed_wh"] == bill["delivered_mwh"] // 1000
    assert bill["delivered_mwh"] / 1000 == pytest.approx(watcher.number("session_energy"), abs=0.0015)


async def test_the_owner_stops_with_the_button_in_home_assistant(line: Line) -> None:
    driver = await line.driver("button@example.com", "correct horse battery", "Button Driver")
    watcher = await line.watch(2)
    session = await driver.start(CODES[1], "energy", "500", "Wh")
    await watcher.until(lambda states: states["relay"] is True and watcher.number("session_energy") > 0.5)
    buttons = [name for name in await line.home_assistant.states() if re.fullmatch(r"button\..*2.*stop.*", name)]
    assert len(buttons) == 1

    await line.home_assistant.press(buttons[0])
    await watcher.until(lambda states: states["relay"] is False)
    bill = await driver.until(session, DONE, 60)

    assert bill["end_reason"] == "Local"
    assert bill["billed_wh"] == bill["delivered_mwh"] // 1000


async def test_a_pulled_cable_ends_the_session_and_bills_what_flowed(line: Line) -> None:
    driver = await line.driver("cable@example.com", "correct horse battery", "Cable Driver")
    watcher = await line.watch(1)
    session = await driver.start(CODES[0], "energy", "500", "Wh")
    await watcher.until(lambda states: states["relay"] is True and watcher.number("session_energy") > 1)

    watcher.plug(False)
    try:
        bill = await driver.until(session, DONE, 60)
    finally:
        watcher.plug(True)

    assert bill["end_reason"] == "EVDisconnected"
    assert bill["billed_wh"] == bill["delivered_mwh"] // 1000 > 0
    await watcher.until(lambda states: states["relay"] is False)


async def test_an_outlet_with_nothing_plugged_in_costs_nothing(line: Line) -> None:
    driver = await line.driver("nothing@example.com", "correct horse battery", "Nothing Driver")

    report = await run_session(line, driver, 3, ("energy", "10", "Wh"), ("nothing@example.com",))

    assert report["end_reason"] == "Timeout"
    assert report["billed_wh"] == 0
    assert report["billed_minor"] == 0


async def test_an_outlet_in_use_is_refused_to_the_next_driver(line: Line) -> None:
    first = await line.driver("first@example.com", "correct horse battery", "First Driver")
    second = await line.driver("second@example.com", "correct horse battery", "Second Driver")
    session = await first.start(CODES[1], "time", "60", "s")

    with pytest.raises(RefusedError, match=r"(?i)in use"):
        await second.start(CODES[1], "energy", "10", "Wh")

    await first.stop(session)
    await first.until(session, DONE, 60)


async def test_where_the_power_is_in_use_a_session_begins_waiting_and_is_supplied_when_it_is_free(line: Line) -> None:
    first = await line.driver("power@example.com", "correct horse battery", "Power Driver")
    second = await line.driver("waits@example.com", "correct horse battery", "Waiting Driver")
    user, waiter = await line.watch(1), await line.watch(2)
    # Each outlet may draw 4 kW, so there is power for one at a time.
    await line.home_assistant.limit_power(5000)
    try:
        using = await first.start(CODES[0], "energy", "500", "Wh")
        await user.until(lambda states: states["relay"] is True)
        relay = waiter.follow("relay")
        session = await second.start(CODES[1], "time", "5", "s")
        waiting = await second.until(session, {"suspended"}, 60)
        assert waiting["texts"]["title"] == "Waiting. No supply yet."
        await waiter.until(lambda states: states["session_state"] == "suspended")
        # Longer than its time limit.
        began = user.number("session_time")
        await user.until(lambda _: user.number("session_time") >= began + 8)
        assert relay.empty()
        assert (await second.progress(session))["state"] == "suspended"

        await first.stop(using)
        bill = await second.until(session, DONE, 120)
        await first.until(using, DONE, 60)
    finally:
        await line.home_assistant.limit_power(None)

    assert [await relay.get(), await relay.get()] == [True, False]
    assert (bill["end_reason"], bill["seconds"]) == ("TimeLimitReached", 5)
    # Its car takes five seconds to draw its 1.5 kW.
    assert bill["delivered_mwh"] > 0
    assert bill["billed_wh"] == bill["delivered_mwh"] // 1000


@pytest.mark.parametrize(
    ("kind", "amount", "unit"),
    [
        ("energy", "0", "Wh"),
        ("energy", "-5", "Wh"),
        ("energy", "much", "Wh"),
        ("energy", "nan", "Wh"),
        ("energy", "1e9", "kWh"),
        ("time", "0", "s"),
        ("time", "99999999", "min"),
        ("money", "0.5", "minor"),
        ("money", "-1", "minor"),
        ("favour", "1", "Wh"),
    ],
)
async def test_a_nonsense_limit_is_refused_and_nothing_happens(line: Line, kind: str, amount: str, unit: str) -> None:
    driver = await line.driver(f"{kind}{abs(hash(amount))}@example.com", "correct horse battery", "Bad Driver")
    watcher = await line.watch(1)
    before = watcher.states["session_id"]

    with pytest.raises(RefusedError, match=r"^4\d\d: "):
        await driver.start(CODES[0], kind, amount, unit)

    assert watcher.states["session_id"] == before
    assert watcher.states["relay"] is False


async def test_a_balance_that_is_too_low_is_refused_before_anything_closes(line: Line) -> None:
    driver = await line.driver("poor@example.com", "correct horse battery", "Poor Driver")

    with pytest.raises(RefusedError, match=r"(?i)balance"):
        await driver.start(CODES[0], "energy", "20", "kWh")


async def test_an_unknown_outlet_code_says_so(line: Line) -> None:
    driver = await line.driver("lost@example.com", "correct horse battery", "Lost Driver")

    page = await driver.page("/o/ZZZZZZ")

    assert page.status_code == 404
    assert "label" in page.text.lower() or "code" in page.text.lower()


async def test_the_site_never_receives_a_word_about_the_driver(line: Line) -> None:
    words = ("private.person@example.com", "Privata Persona")
    driver = await line.driver(words[0], "correct horse battery", words[1])

    report = await run_session(line, driver, 1, ("energy", "2", "Wh"), words)

    assert report["site_saw_user_identity"] is False
    seen = bytes(line.cloud_link.received)
    assert b"RequestStartTransaction" in seen, "the recording must hold the start request to prove anything"
    for word in ("example.com", "Privata", "Persona", "Driver", *line.server.driver_ids()):
        assert word.encode() not in seen
