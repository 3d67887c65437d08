"""The outlets' labels, as their card is told of them."""

from typing import Any

import pytest
from csms import Csms
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from parts import ask, link
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.konsento.control.labels import Label
from custom_components.konsento.labels import QUIET, is_pattern, qr_code

PAGE = "HTTPS://CHARGE.EXAMPLE.ORG/O/K7F29Q"
TOLD = {
    "vendorId": "org.konsento",
    "messageId": "OutletLabels",
    "data": {"outlets": [{"evseId": 1, "code": "K7F-29Q", "url": PAGE}]},
}


async def labels(ws: WebSocketGenerator, place: MockConfigEntry) -> list[dict[str, Any]]:
    servers: list[dict[str, Any]] = (await ask(ws, "labels", entry_id=place.entry_id))["result"]["servers"]
    return servers


async def configure(
    hass: HomeAssistant, place: MockConfigEntry, part: ConfigSubentry, csms: Csms, label_url: str
) -> dict[str, Any]:
    """Enter the pattern of a server's pages; returns where the form got to."""
    flow = await place.start_subentry_reconfigure_flow(hass, part.subentry_id)
    values = {"url": csms.url, "station_id": part.data["station_id"], "password": csms.password}
    result = await hass.config_entries.subentries.async_configure(flow["flow_id"], {**values, "label_url": label_url})
    await hass.async_block_till_done()
    return dict(result)


async def test_a_label_has_what_the_server_told_also_while_it_is_away(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms, hass_ws_client: WebSocketGenerator
) -> None:
    part = await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    (server,) = await labels(hass_ws_client, place)
    assert (server["source"], [each["url"] for each in server["outlets"]]) == (None, [None, None])

    await csms.ask("DataTransfer", TOLD)
    await csms.stop()
    await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()
    (server,) = await labels(hass_ws_client, place)

    assert (server["subentry_id"], server["title"], server["source"]) == (part.subentry_id, "Kaze Denki", "server")
    first, second = server["outlets"]
    assert (first["evse"], first["code"], first["url"]) == (1, "K7F-29Q", PAGE)
    assert (second["evse"], second["code"], second["url"], second["qr"]) == (2, None, None, None)
    assert first["qr"] == {"size": qr_code(PAGE).size, "path": qr_code(PAGE).path}


async def test_for_a_server_of_another_make_the_owner_enters_the_pattern_and_the_link_stays(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms, hass_ws_client: WebSocketGenerator
) -> None:
    part = await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    task = place.runtime_data.servers[part.subentry_id].task

    result = await configure(hass, place, part, csms, " https://pay.example.org/{station}/{evse} ")

    assert result["reason"] == "reconfigure_successful"
    (server,) = await labels(hass_ws_client, place)
    station = part.data["station_id"]
    assert server["source"] == "pattern"
    assert [(each["code"], each["url"]) for each in server["outlets"]] == [
        (None, f"https://pay.example.org/{station}/1"),
        (None, f"https://pay.example.org/{station}/2"),
    ]
    # What is printed is none of the line's business.
    assert place.runtime_data.servers[part.subentry_id].task is task

    # What the server itself says counts more.
    await place.runtime_data.site.labels.take(part.subentry_id, [Label(evse=1, code="K7F-29Q", url=PAGE)])
    (server,) = await labels(hass_ws_client, place)
    assert (server["source"], server["outlets"][0]["url"]) == ("server", PAGE)


@pytest.mark.parametrize(
    "pattern", ["https://pay.example.org/", "pay.example.org/{evse}", "https://pay.example.org/{evse} x", "{evse}"]
)
async def test_a_pattern_that_leads_nowhere_is_refused(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms, pattern: str
) -> None:
    part = await link(hass, place, csms)

    result = await configure(hass, place, part, csms, pattern)

    assert result["errors"] == {"label_url": "invalid_label_url"}
    assert not is_pattern(pattern)


def test_a_qr_code_has_its_quiet_zone_and_nothing_outside_of_it() -> None:
    code = qr_code(PAGE)
    runs = [piece.removesuffix("z") for piece in code.path.split("M")[1:]]
    for run in runs:
        begin, _, rest = run.partition("h")
        x, y = (int(part) for part in begin.split())
        length = int(rest.partition("v")[0])
        assert x >= QUIET
        assert x + length <= code.size - QUIET
        assert QUIET <= y < code.size - QUIET
    # The finder patterns stand in three corners.
    assert runs[0].startswith(f"{QUIET} {QUIET}h7")
