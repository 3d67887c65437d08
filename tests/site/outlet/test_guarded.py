"""The driver against the real firmware."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from aioesphomeapi.client import APIClient
from aioesphomeapi.model import DeviceInfo, EntityInfo, UserService
from firmware import MAC, Device, device, free_port
from zeroconf import Zeroconf
from zeroconf.asyncio import AsyncZeroconf

from custom_components.konsento.control.driver import OutletRefusedError, OutletSilentError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.report import OutletReport
from custom_components.konsento.control.signals import Signal
from custom_components.konsento.control.words import EndReason, OutletState
from custom_components.konsento.outlet.address import NotAnOutletError, OutletAddress, UnreachableError, identify
from custom_components.konsento.outlet.guarded import GuardedOutlet

LIMITS = Limits(energy_wh=1000)


def quiet_zeroconf() -> MagicMock:
    """Return a zeroconf that hears nothing: the outlets of these tests have addresses."""
    zeroconf = MagicMock(spec=AsyncZeroconf)
    zeroconf.zeroconf = MagicMock(spec=Zeroconf)
    return zeroconf


@pytest.fixture
async def real(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Device]:
    """Return a running outlet."""
    async with device(tmp_path) as outlet:
        yield outlet


class Connected:
    """A driver and what it last reported."""

    def __init__(self, driver: GuardedOutlet) -> None:
        self.driver = driver
        self.signal = Signal()
        driver.listen(self.signal.notify)

    async def until(self, *, patience: float = 60, **values: object) -> OutletReport | None:
        """Wait for a report with these values; for none at all without values."""
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            report = self.driver.report
            if report is None and not values:
                return None
            if report and values and all(getattr(report, key) == value for key, value in values.items()):
                return report
            left = deadline - asyncio.get_running_loop().time()
            assert left > 0, f"{report} instead of {values}"
            await self.signal.wait(left)


@pytest.fixture
async def connected(real: Device) -> AsyncIterator[Connected]:
    """Return a driver whose outlet has told everything."""
    driver = GuardedOutlet(OutletAddress(host="127.0.0.1", port=real.port), MAC, "A1", quiet_zeroconf())
    line = Connected(driver)
    await driver.start()
    await driver.tried(20)
    await line.until(state=OutletState.IDLE)
    yield line
    await driver.stop()


async def test_an_outlet_is_looked_at_before_it_is_taken(real: Device) -> None:
    identity = await identify(OutletAddress(host="127.0.0.1", port=real.port), quiet_zeroconf())

    assert identity.mac == MAC
    with pytest.raises(UnreachableError):
        await identify(OutletAddress(host="127.0.0.1", port=free_port()), quiet_zeroconf())


async def test_a_device_of_another_project_is_no_outlet(real: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.konsento.outlet.address.PROJECT", "somebody.else")

    with pytest.raises(NotAnOutletError):
        await identify(OutletAddress(host="127.0.0.1", port=real.port), quiet_zeroconf())


async def test_a_session_runs_to_its_limit_and_reports_what_the_load_took(real: Device, connected: Connected) -> None:
    await connected.driver.session_start("session-1", Limits(energy_wh=2), 60)
    started = await connected.until(state=OutletState.SUPPLYING)
    assert started
    assert (started.session_id, started.end_reason, started.relay) == ("session-1", None, True)
    ended = await connected.until(state=OutletState.ENDED)

    assert ended
    assert ended.end_reason is EndReason.ENERGY_LIMIT
    assert ended.energy_mwh >= 2000
    # The yardstick is published once a second, and a busy machine is late by tenths of one: 83 mWh each.
    await real.watcher.until(
        lambda states: (
            states["relay"] is False and abs(real.watcher.number("load_energy") * 1000 - ended.energy_mwh) < 400
        )
    )


async def test_repeating_a_start_is_safe(connected: Connected) -> None:
    await connected.driver.session_start("session-1", LIMITS, 60)
    await connected.driver.session_start("session-1", LIMITS, 60)

    with pytest.raises(OutletRefusedError) as refused:
        await connected.driver.session_start("session-2", LIMITS, 60)
    assert refused.value.code == "busy"


async def test_refusals_have_their_code(connected: Connected) -> None:
    with pytest.raises(OutletRefusedError) as refused:
        await connected.driver.session_renew("unknown", 1, 10)
    assert refused.value.code == "unknown_session"
    with pytest.raises(OutletRefusedError) as refused:
        await connected.driver.session_start("session-1", Limits(), 10)
    assert refused.value.code == "bad_argument"
    await connected.driver.session_start("session-1", LIMITS, 60)
    await connected.driver.session_stop("session-1", EndReason.REMOTE)
    with pytest.raises(OutletRefusedError) as refused:
        await connected.driver.session_start("session-1", LIMITS, 60)
    assert refused.value.code == "already_ended"


async def test_a_lease_that_runs_out_suspends_and_a_renewal_resumes(connected: Connected) -> None:
    await connected.driver.session_start("session-1", LIMITS, 1)
    await connected.until(state=OutletState.SUSPENDED, relay=False)
    await connected.driver.session_renew("session-1", 1, 60)
    resumed = await connected.until(state=OutletState.SUPPLYING, relay=True)

    assert resumed
    assert resumed.session_id == "session-1"


async def test_an_outlet_that_lost_power_comes_back_with_its_session(real: Device, connected: Connected) -> None:
    await connected.driver.session_start("session-1", LIMITS, 60)
    before = await connected.until(state=OutletState.SUPPLYING)
    await real.kill()
    await connected.until()
    with pytest.raises(OutletSilentError):
        await connected.driver.session_renew("session-1", 1, 60)
    await real.start()
    after = await connected.until(state=OutletState.SUSPENDED)

    assert before
    assert after
    assert after.session_id == "session-1"
    assert after.boot_id != before.boot_id


async def test_another_device_at_the_address_is_not_talked_to(real: Device, caplog: pytest.LogCaptureFixture) -> None:
    driver = GuardedOutlet(OutletAddress(host="127.0.0.1", port=real.port), "0123456789ab", "A1", quiet_zeroconf())
    await driver.start()
    await driver.tried(20)

    assert driver.report is None
    assert "another device answers" in caplog.text
    await driver.stop()


async def test_an_outlet_that_is_away_is_told_once(caplog: pytest.LogCaptureFixture, socket_enabled: None) -> None:
    driver = GuardedOutlet(OutletAddress(host="127.0.0.1", port=free_port()), MAC, "A1", quiet_zeroconf())
    attempts = Signal()
    driver.listen(attempts.notify)
    await driver.start()
    for _ in range(2):
        await attempts.wait(10)

    assert [record.levelname for record in caplog.records if "cannot be reached" in record.message] == ["WARNING"]
    await driver.stop()


async def test_new_limits_hold_in_the_running_session(real: Device, connected: Connected) -> None:
    await connected.driver.session_start("session-1", LIMITS, 60)
    await connected.until(state=OutletState.SUPPLYING)
    with pytest.raises(OutletRefusedError, match="unknown_session"):
        await connected.driver.session_limit("session-2", Limits(energy_wh=1))
    await connected.driver.session_limit("session-1", Limits(energy_wh=1))

    ended = await connected.until(state=OutletState.ENDED)
    assert ended
    assert ended.end_reason is EndReason.ENERGY_LIMIT


async def test_a_number_sent_to_the_outlet_comes_back(connected: Connected) -> None:
    await connected.driver.loopback(7)

    with pytest.raises(OutletRefusedError, match="bad_argument"):
        await connected.driver.loopback(2**30)


async def test_an_outlet_can_be_taken_out_of_service_and_put_back(connected: Connected) -> None:
    await connected.driver.enable(False)
    await connected.until(enabled=False)
    with pytest.raises(OutletRefusedError, match="disabled"):
        await connected.driver.session_start("session-1", LIMITS, 60)
    await connected.driver.enable(True)
    await connected.until(enabled=True)


async def test_the_outlet_says_what_it_may_supply(connected: Connected) -> None:
    # With the first report and not after it: whoever asks for the ratings then gets them.
    assert (connected.driver.facts.max_power_w, connected.driver.facts.max_current_a) == (4000.0, 32.0)


async def test_the_outlet_says_what_it_is_and_shows_itself(connected: Connected) -> None:
    assert connected.driver.facts.firmware.count(".") == 2
    assert connected.driver.facts.missing == ()
    await connected.driver.identify(1)
    await connected.driver.clear_fault("overcurrent")


async def test_a_session_begins_waiting_and_waits_again_when_it_is_told_to(connected: Connected) -> None:
    assert connected.driver.facts.can_wait
    await connected.driver.session_start("session-1", LIMITS, 0)
    waiting = await connected.until(session_id="session-1", state=OutletState.SUSPENDED)
    assert waiting
    assert (waiting.relay, waiting.energy_mwh, waiting.end_reason) == (False, 0, None)

    await connected.driver.session_renew("session-1", 1, 60)
    await connected.until(state=OutletState.SUPPLYING)
    await connected.driver.session_renew("session-1", 2, 0)
    await connected.until(state=OutletState.SUSPENDED, relay=False)


@pytest.mark.parametrize(
    ("version", "can_wait"),
    [("1.2.9", False), ("1.3.0", True), ("1.10.0", True), ("2.0.0-beta", True), ("0.9", False), ("dev", False)],
)
async def test_whether_a_session_can_wait_is_a_matter_of_the_firmwares_version(
    real: Device, monkeypatch: pytest.MonkeyPatch, version: str, can_wait: bool
) -> None:
    described = APIClient.device_info_and_list_entities

    async def of_that_version(client: APIClient) -> tuple[DeviceInfo, list[EntityInfo], list[UserService]]:
        info, entities, services = await described(client)
        return replace(info, project_version=version), entities, services

    monkeypatch.setattr(APIClient, "device_info_and_list_entities", of_that_version)
    driver = GuardedOutlet(OutletAddress(host="127.0.0.1", port=real.port), MAC, "A1", quiet_zeroconf())
    await driver.start()
    await driver.tried(20)

    assert (driver.facts.firmware, driver.facts.can_wait) == (version, can_wait)
    await driver.stop()
