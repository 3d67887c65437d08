"""A Home Assistant with one site."""

from unittest.mock import MagicMock

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.konsento.const import DOMAIN


@pytest.fixture(autouse=True)
def integration(enable_custom_integrations: None, mock_async_zeroconf: MagicMock, socket_enabled: None) -> None:
    """Let Home Assistant find the integration, talk to this machine and not announce itself."""


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
