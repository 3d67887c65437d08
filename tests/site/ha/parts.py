"""What a site is made of in tests."""

from typing import Any

from csms import PASSWORD, STATION, Csms
from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.konsento.const import DOMAIN, SUBENTRY_OUTLET, SUBENTRY_SERVER

FIRST = "aabbccddee01"
SECOND = "aabbccddee02"


def outlet_part(mac: str, evse: int, port: int = 1, **more: Any) -> ConfigSubentryData:
    """Return an outlet A1, A2, …"""
    return ConfigSubentryData(
        data={"host": "127.0.0.1", "port": port, "evse": evse, **more},
        subentry_type=SUBENTRY_OUTLET,
        title=f"A{evse}",
        unique_id=mac,
    )


async def link(hass: HomeAssistant, site: MockConfigEntry, csms: Csms, password: str = PASSWORD) -> ConfigSubentry:
    """Link a management server; its first message is awaited where the password is right."""
    part = ConfigSubentry(
        data={"url": csms.url, "station_id": STATION, "password": password},
        subentry_type=SUBENTRY_SERVER,
        title="Kaze Denki",
        unique_id="server",
    )
    hass.config_entries.async_add_subentry(site, part)
    await hass.async_block_till_done()
    return part


def device_id(hass: HomeAssistant, site: MockConfigEntry, name: str) -> str:
    """Return the device of an outlet (by MAC), a server (by subentry id) or the site (by entry id)."""
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, name), site.entry_id)
    assert device is not None
    return device.id


async def act(hass: HomeAssistant, action: str, *, answers: bool = True, **data: Any) -> dict[str, Any]:
    """Call an action of the integration; returns its response."""
    response = await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=answers)
    return dict(response or {})


async def ask(ws: WebSocketGenerator, command: str, token: str | None = None, **more: Any) -> dict[str, Any]:
    """Ask over a socket of its own; returns the whole answer."""
    client = await (ws(access_token=token) if token else ws())
    await client.send_json_auto_id({"type": f"konsento/{command}", **more})
    answer: dict[str, Any] = await client.receive_json()
    return answer
