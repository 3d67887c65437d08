"""A session's energy reaches platform and computation system, and nothing that leads to its driver does."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from rig.line import Line
from rig.session import run_session

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

DRIVER = ("canary.driver@example.com", "Canaria Personae")


async def test_a_session_is_measured_for_platform_and_computation_system_without_its_driver(line: Line) -> None:
    recorded = bytearray()
    for link in (line.platform_link, line.computation_link):
        link.follow(lambda data, _from_target: recorded.extend(data))
    environment = line.environment
    driver = await line.driver(DRIVER[0], "correct horse battery", DRIVER[1])
    before = await _wh(line)

    report = await run_session(line, driver, 1, ("energy", "4", "Wh"), DRIVER)
    sent = await line.home_assistant.send_measurements()

    assert sent["sent"] >= 1
    assert (sent["refused"], sent["waiting"]) == (0, 0)
    # Other tests' sessions may have waited with it.
    arrived = await _wh(line) - before
    assert arrived >= report["delivered_wh"] > 0
    (region,) = (await environment.platform.get("/v1/overview"))["regions"]
    assert region["region"] == "JP-13"

    forwarded = await environment.platform.post("/v1/forwardings", {})
    assert forwarded["measurements"] == sent["sent"]
    await _until_answered(line)
    assert _kept(line, "platform") == _kept(line, "computation")
    assert sum(wh for _, wh in _kept(line, "computation")) == arrived

    again = await line.home_assistant.send_measurements()
    assert again["sent"] == 0
    assert b'"outlet"' in recorded, "the recording must hold the deliveries to prove anything"
    words = {*DRIVER, *DRIVER[1].split(), *line.server.driver_ids(), *line.server.session_words()}
    # A short number is in any figure by chance.
    canaries = {word for word in words if len(word) > 5}
    assert len(canaries) > 8
    for canary in canaries:
        assert canary.encode() not in recorded, canary


async def _wh(line: Line) -> int:
    sums = await line.environment.platform.get(
        "/v1/sums", **{"region": "JP-A03", "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    )
    wh: int = sums["wh"]
    return wh


async def _until_answered(line: Line) -> None:
    for _ in range(600):
        if not (await line.environment.platform.get("/v1/overview"))["deliveries"]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the computation system has not answered")


def _kept(line: Line, app: str) -> set[tuple[str, int]]:
    path = line.folder / "environment" / f"{app}.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        return set(database.execute("SELECT id, wh FROM measurements"))
