"""The button of a real firmware, told by the real Home Assistant, lets a start through."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from time import monotonic

import pytest
import pytest_asyncio

from rig.line import Line
from rig.session import DONE
from rig.suppliers import CODES, provisioning

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

WISH = ("energy", "500", "Wh")


@pytest_asyncio.fixture(loop_scope="session")
async def guarded(line: Line) -> AsyncIterator[Line]:
    """The line, whose operator wants the button pressed before a start."""
    await line.server.apply(provisioning(line.specs, CODES, presence="button"))
    yield line
    await line.server.apply(provisioning(line.specs, CODES))


async def _blinks(lamp: asyncio.Queue[object]) -> None:
    """Wait for six flashes in a row; the lamp of a free outlet flashes every three seconds."""
    flashes: deque[float] = deque(maxlen=6)
    async with asyncio.timeout(60):
        while len(flashes) < 6 or flashes[-1] - flashes[0] > 6:
            if await lamp.get():
                flashes.append(monotonic())


async def test_a_press_at_the_outlet_lets_the_start_through_and_the_next_one_ends_it(guarded: Line) -> None:
    driver = await guarded.driver("presence@example.com", "correct horse battery", "Present Driver")
    watcher = await guarded.watch(1)
    before = watcher.states["session_id"]
    # From now on: on a busy machine it has ended before both answers are there.
    lamp = watcher.follow("load_led")

    said = await driver.ask_to_start(CODES[0], *WISH)
    again = await driver.ask_to_start(CODES[0], *WISH)
    assert "Press the button of the outlet." in said
    assert again == said
    # The server has the lamp blink twice a second, so that the driver sees which button is meant.
    await _blinks(lamp)
    assert watcher.states["session_id"] == before

    # The finger is still on the button when the session begins.
    await watcher.press(900)
    await driver.until_there(CODES[0], 60)
    session = await driver.confirm(CODES[0], *WISH)
    await watcher.until(lambda states: states["relay"] is True)
    await watcher.until(lambda states: states["button"] is False)
    await watcher.until(lambda states: watcher.number("session_energy") > 0.5)
    await watcher.press(200)
    bill = await driver.until(session, DONE, 60)

    assert bill["end_reason"] == "Local"
    assert bill["billed_wh"] == bill["delivered_mwh"] // 1000
    assert b"presence@example.com" not in bytes(guarded.cloud_link.received)
    assert b"Identify" in bytes(guarded.cloud_link.received)


async def test_an_outlet_without_our_firmware_says_that_it_cannot_be_asked(guarded: Line) -> None:
    driver = await guarded.driver("presence-plug@example.com", "correct horse battery", "Present Driver")

    assert "This outlet cannot show itself" in await driver.ask_to_start(CODES[3], *WISH)
