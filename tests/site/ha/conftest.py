"""A Home Assistant with one site."""

from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from parts import FIRST, SECOND, outlet_part
from pytest_homeassistant_custom_component.common import MockConfigEntry
from simulated import ManualClock, SimulatedOutlet

from custom_components.konsento.const import DOMAIN


@pytest.fixture(autouse=True)
def integration(
    enable_custom_integrations: None,
    mock_async_zeroconf: MagicMock,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let Home Assistant find the integration, talk to this machine, announce nothing, and show what counts at once."""
    monkeypatch.setattr("custom_components.konsento.pace.COUNTS_S", 0)


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Return True: aiohttp arms its ping timer once more for the close frame that ends a connection."""
    return True


@pytest.fixture
async def site(hass: HomeAssistant) -> MockConfigEntry:
    """Return a site without outlets, loaded."""
    entry = MockConfigEntry(domain=DOMAIN, title="Car park", data={})
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> dict[str, SimulatedOutlet]:
    """Return outlets that do as they are told, by MAC, in the place of real ones."""
    outlets = {mac: SimulatedOutlet(ManualClock()) for mac in (FIRST, SECOND)}
    monkeypatch.setattr(
        "custom_components.konsento.drivers.GuardedOutlet", lambda address, mac, name, zeroconf: outlets[mac]
    )
    # A site's numbers follow at once.
    monkeypatch.setattr("custom_components.konsento.overview._PAUSE_S", 0)
    return outlets


@pytest.fixture
def outlet(simulated: dict[str, SimulatedOutlet]) -> SimulatedOutlet:
    """Return the first outlet, A1."""
    return simulated[FIRST]


@pytest.fixture
async def place(
    hass: HomeAssistant,
    simulated: dict[str, SimulatedOutlet],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[MockConfigEntry]:
    """Return a site with two simulated outlets, A1 and A2, loaded."""
    for module in ("hub", "system_health"):
        monkeypatch.setattr(
            f"custom_components.konsento.{module}.journal_path", lambda hass, entry_id: tmp_path / "journal.sqlite3"
        )
    entry = MockConfigEntry(
        domain=DOMAIN, title="Car park", data={}, subentries_data=[outlet_part(FIRST, 1), outlet_part(SECOND, 2)]
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield entry
    if entry.state is ConfigEntryState.LOADED:
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.fixture
async def household(hass: HomeAssistant, hass_read_only_user: User) -> str:
    """Return the access token of somebody who may look and is no administrator."""
    token = await hass.auth.async_create_refresh_token(hass_read_only_user, "http://localhost")
    return hass.auth.async_create_access_token(token)
