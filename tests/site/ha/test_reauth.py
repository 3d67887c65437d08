"""A key or password that is no longer taken is asked for, tried, and used without a reload."""

from typing import Any

import pytest
from csms import PASSWORD, STATION, Csms
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from parts import FIRST, link
from pytest_homeassistant_custom_component.common import MockConfigEntry
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento import flow_reauth
from custom_components.konsento.const import DOMAIN
from custom_components.konsento.outlet.address import Identity, KeyRequiredError, OutletAddress, WrongKeyError


def asked(hass: HomeAssistant) -> list[Any]:
    return list(hass.config_entries.flow.async_progress_by_handler(DOMAIN))


async def answer(hass: HomeAssistant, **values: str) -> Any:
    (flow,) = asked(hass)
    done = await hass.config_entries.flow.async_configure(flow["flow_id"], values)
    await hass.async_block_till_done()
    return done


def first(place: MockConfigEntry) -> ConfigSubentry:
    return next(part for part in place.subentries.values() if part.unique_id == FIRST)


async def test_a_password_that_was_changed_at_the_server_is_asked_for_and_used(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms
) -> None:
    hub = place.runtime_data
    part = await link(hass, place, csms, password="of last year")
    await until(hass, lambda: len(asked(hass)) == 1)
    (flow,) = asked(hass)
    assert flow["step_id"] == "reauth_server"
    assert flow["context"]["title_placeholders"] == {"name": "Kaze Denki"}

    wrong = await answer(hass, password="guessed")
    assert wrong["errors"] == {"password": "server_invalid_auth"}
    done = await answer(hass, password=PASSWORD)

    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert place.subentries[part.subentry_id].data["password"] == PASSWORD
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")
    assert place.runtime_data is hub
    assert asked(hass) == []
    assert hub.servers[part.subentry_id].station.refused is None


async def test_a_server_that_is_away_asks_for_no_password(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms
) -> None:
    part = await link(hass, place, csms, password="of last year")
    await until(hass, lambda: len(asked(hass)) == 1)
    await csms.stop()
    away = await answer(hass, password=PASSWORD)

    assert away["errors"] == {"base": "server_cannot_connect"}
    assert place.subentries[part.subentry_id].data["password"] == "of last year"


async def test_a_whole_set_up_line_is_taken_where_the_password_is_asked_for(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms
) -> None:
    part = await link(hass, place, csms, password="of last year")
    await until(hass, lambda: len(asked(hass)) == 1)
    done = await answer(hass, password=csms.url.replace("ws://", f"ws://{STATION}:{PASSWORD}@"))

    assert done["reason"] == "reauth_successful"
    assert place.subentries[part.subentry_id].data["password"] == PASSWORD


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str | None, Identity | Exception]:
    """Return what an outlet answers to a key: the host build of the firmware speaks no encryption."""
    known: dict[str | None, Identity | Exception] = {}

    async def identify(address: OutletAddress, zeroconf: object) -> Identity:
        result = known[address.key]
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(flow_reauth, "identify", identify)
    return known


async def test_a_key_that_an_outlet_does_not_take_is_asked_for_once_and_used(
    hass: HomeAssistant,
    place: MockConfigEntry,
    outlet: SimulatedOutlet,
    answers: dict[str | None, Identity | Exception],
) -> None:
    hub, before = place.runtime_data, first(place).data
    outlet.key_refused = True
    outlet.set_online(False)
    outlet.changed()
    await hass.async_block_till_done()
    (flow,) = asked(hass)
    assert flow["step_id"] == "reauth_outlet"

    answers |= {None: KeyRequiredError(), "b2xk": WrongKeyError(), "bmV3": Identity(FIRST, "Outlet")}
    answers["b3RoZXI="] = Identity("000000000000", "Another")
    assert (await answer(hass))["errors"] == {"base": "key_required"}
    assert (await answer(hass, encryption_key="b2xk"))["errors"] == {"base": "wrong_key"}
    assert (await answer(hass, encryption_key="b3RoZXI="))["errors"] == {"base": "another_outlet"}
    outlet.key_refused = False
    done = await answer(hass, encryption_key="bmV3")

    assert done["reason"] == "reauth_successful"
    assert first(place).data == {**before, "encryption_key": "bmV3"}
    assert place.runtime_data is hub
    assert asked(hass) == []


async def test_a_key_can_be_taken_away(
    hass: HomeAssistant,
    place: MockConfigEntry,
    outlet: SimulatedOutlet,
    answers: dict[str | None, Identity | Exception],
) -> None:
    part = first(place)
    hass.config_entries.async_update_subentry(place, part, data={**part.data, "encryption_key": "b2xk"})
    await hass.async_block_till_done()
    outlet.key_refused = True
    outlet.changed()
    await hass.async_block_till_done()
    answers[None] = Identity(FIRST, "Outlet")
    outlet.key_refused = False
    await answer(hass)

    assert "encryption_key" not in first(place).data


async def test_an_outlet_that_was_removed_meanwhile_asks_for_nothing(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    outlet.key_refused = True
    outlet.changed()
    await hass.async_block_till_done()
    hass.config_entries.async_remove_subentry(place, first(place).subentry_id)
    await hass.async_block_till_done()

    assert (await answer(hass, encryption_key="bmV3"))["reason"] == "part_removed"
