"""The owner sees which firmware an outlet runs and which is the newest, and is led to how it is installed."""

import pytest
from homeassistant.core import HomeAssistant
from parts import FIRST
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from simulated import SimulatedOutlet
from states import state

from custom_components.konsento.const import FIRMWARE, FIRMWARE_GUIDE
from custom_components.konsento.control.driver import OutletFacts

UPDATE = "update.a1_firmware"


def runs(outlet: SimulatedOutlet, facts: OutletFacts) -> None:
    outlet.facts = facts
    outlet.changed()


@pytest.mark.parametrize(
    ("installed", "shown", "newest"),
    [("1.0.0", "on", FIRMWARE), (FIRMWARE, "off", FIRMWARE), ("99.0.0", "off", "99.0.0"), ("mine", "on", FIRMWARE)],
)
async def test_the_installed_and_the_newest_firmware_are_shown(
    hass: HomeAssistant,
    place: MockConfigEntry,
    *,
    outlet: SimulatedOutlet,
    installed: str,
    shown: str,
    newest: str,
) -> None:
    runs(outlet, OutletFacts(firmware=installed))
    found = hass.states.get(UPDATE)
    assert found is not None

    assert (found.attributes["installed_version"], found.attributes["latest_version"]) == (installed, newest)
    assert found.state == shown
    assert found.attributes["release_url"] == FIRMWARE_GUIDE
    # There is nothing here that could install it.
    assert not hass.services.has_service("konsento", "install")
    assert not found.attributes["supported_features"] & 1


async def test_firmware_that_is_too_old_to_be_used_is_shown_too(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    outlet.online = False
    runs(outlet, OutletFacts(firmware="0.9.0", missing=("session_limit",)))

    assert state(hass, UPDATE) == "on"


async def test_the_notes_say_in_the_language_of_the_owner_how_it_is_installed(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, hass_ws_client: WebSocketGenerator
) -> None:
    runs(outlet, OutletFacts(firmware="1.0.0"))
    client = await hass_ws_client(hass)
    notes = {}
    for language in ("en", "ja"):
        hass.config.language = language
        await client.send_json_auto_id({"type": "update/release_notes", "entity_id": UPDATE})
        notes[language] = (await client.receive_json())["result"]

    assert "It is installed with ESPHome" in notes["en"]
    assert "ESPHome でインストール" in notes["ja"]
    assert all(FIRMWARE in text and FIRMWARE_GUIDE in text for text in notes.values())


@pytest.fixture
def unguarded(simulated: dict[str, SimulatedOutlet]) -> None:
    """Have A1 be an outlet without the Konsento firmware."""
    simulated[FIRST].guarded = False


async def test_an_outlet_without_our_firmware_has_none_to_update(
    hass: HomeAssistant, unguarded: None, place: MockConfigEntry
) -> None:
    assert state(hass, UPDATE) == "missing"
    assert state(hass, "update.a2_firmware") != "missing"
