"""Limits are set by forms alone: of the site in its options, of circuits as parts of it."""

from typing import Any

import pytest
from homeassistant.config_entries import ConfigFlowResult, SubentryFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry
from states import state

from custom_components.konsento.const import SUBENTRY_CIRCUIT, SUBENTRY_OUTLET

BUILDING = {"meter_entity": "sensor.house", "meter_counts": "others", "fallback": 1000}
METER = {"device_class": "power", "unit_of_measurement": "kW"}


async def options(hass: HomeAssistant, site: MockConfigEntry, **values: Any) -> ConfigFlowResult:
    menu = await hass.config_entries.options.async_init(site.entry_id)
    form = await hass.config_entries.options.async_configure(menu["flow_id"], {"next_step_id": "power"})
    if not values:
        return form
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], {"unit": "watt", "voltage": 200, "minimum_time": 15, **values}
    )
    await hass.async_block_till_done()
    return result


async def circuit(hass: HomeAssistant, site: MockConfigEntry, **values: Any) -> SubentryFlowResult:
    form = await hass.config_entries.subentries.async_init(
        (site.entry_id, SUBENTRY_CIRCUIT), context={"source": "user"}
    )
    if not values:
        return form
    result = await hass.config_entries.subentries.async_configure(
        form["flow_id"], {"unit": "watt", "voltage": 200, "outlets": [], **values}
    )
    await hass.async_block_till_done()
    return result


async def change(hass: HomeAssistant, site: MockConfigEntry, title: str, **values: Any) -> SubentryFlowResult:
    part = part_named(site, title)
    form = await hass.config_entries.subentries.async_init(
        (site.entry_id, SUBENTRY_CIRCUIT), context={"source": "reconfigure", "subentry_id": part}
    )
    if not values:
        return form
    data = {key: value for key, value in site.subentries[part].data.items() if key != "feeder"}
    result = await hass.config_entries.subentries.async_configure(form["flow_id"], {"name": title, **data, **values})
    await hass.async_block_till_done()
    return result


def part_named(site: MockConfigEntry, name: str) -> str:
    return next(part.subentry_id for part in site.subentries.values() if part.title == name)


def offered(form: ConfigFlowResult | SubentryFlowResult, field: str) -> set[str]:
    assert form["data_schema"]
    selector = next(value for key, value in form["data_schema"].schema.items() if key == field)
    return {option["label"] for option in selector.config["options"]}


def suggested(form: ConfigFlowResult | SubentryFlowResult) -> dict[str, Any]:
    assert form["data_schema"]
    return {
        str(key): key.description["suggested_value"]
        for key in form["data_schema"].schema
        if key.description and "suggested_value" in key.description
    }


def suggested_of_building(form: ConfigFlowResult) -> dict[str, Any]:
    assert form["data_schema"]
    section = next(value for key, value in form["data_schema"].schema.items() if key == "building")
    return {str(key): key.description["suggested_value"] for key in section.schema.schema}


async def test_a_site_without_a_limit_shows_none(hass: HomeAssistant, place: MockConfigEntry) -> None:
    assert state(hass, "number.car_park_power_limit") == "unavailable"
    assert state(hass, "sensor.car_park_power_available") == "unknown"
    assert state(hass, "sensor.car_park_waiting_sessions") == "0"
    assert state(hass, "sensor.a1_waiting_for") == "not_waiting"
    assert state(hass, "select.a1_priority") == "normal"


async def test_a_limit_in_amperes_is_shown_in_watts_and_holds_without_a_reload(
    hass: HomeAssistant, place: MockConfigEntry
) -> None:
    hub = place.runtime_data
    result = await options(hass, place, limit=30, unit="ampere", voltage=100)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert place.runtime_data is hub
    assert state(hass, "number.car_park_power_limit") == "3000.0"
    assert state(hass, "sensor.car_park_power_available") == "3000"

    # Without a number there is no limit any more.
    await options(hass, place, voltage=100)
    assert state(hass, "number.car_park_power_limit") == "unavailable"


async def test_the_form_shows_what_holds_and_remembers_the_meter_by_more_than_its_name(
    hass: HomeAssistant, place: MockConfigEntry
) -> None:
    entity_id = er.async_get(hass).async_get_or_create("sensor", "test", "1", suggested_object_id="house").entity_id
    hass.states.async_set(entity_id, "1.2", METER)
    await options(hass, place, limit=6000, building={**BUILDING, "meter_entity": entity_id})
    assert place.options["power"]["meter_entity"] != entity_id

    form = await options(hass, place)
    shown = suggested(form)
    assert (shown["limit"], shown["unit"]) == (6000, "watt")
    assert suggested_of_building(form) == {**BUILDING, "meter_entity": entity_id}


@pytest.mark.parametrize(
    ("meter", "limit", "error"),
    [("unavailable", 6000, "no_power"), ("1.2", None, "limit_missing")],
)
async def test_a_meter_that_cannot_be_used_is_not_saved(
    hass: HomeAssistant, place: MockConfigEntry, meter: str, limit: float | None, error: str
) -> None:
    hass.states.async_set("sensor.house", meter, METER)
    values = {"building": BUILDING} if limit is None else {"building": BUILDING, "limit": limit}
    result = await options(hass, place, **values)
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, {"base": error})
    assert "power" not in place.options
    # What was entered stands there still.
    assert suggested_of_building(result) == BUILDING


@pytest.mark.parametrize(
    "values",
    [
        {"limit": -1},
        {"limit": 0},
        {"limit": 6000, "minimum_time": 4},
        {"limit": 6000, "voltage": 12},
        {"unit": "horse"},
    ],
)
async def test_what_cannot_be_is_refused(hass: HomeAssistant, place: MockConfigEntry, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidData):
        await options(hass, place, **values)


async def test_limits_are_asked_for_at_the_countrys_voltage(hass: HomeAssistant, place: MockConfigEntry) -> None:
    for country, volts in (("JP", 100), ("DE", 230)):
        hass.config.country = country
        form = await options(hass, place)
        assert form["data_schema"]
        field = next(key for key in form["data_schema"].schema if key == "voltage")
        assert field.default() == volts


async def test_a_circuit_is_added_changed_and_removed(hass: HomeAssistant, place: MockConfigEntry) -> None:
    hub = place.runtime_data
    outlet = part_named(place, "A1")
    result = await circuit(hass, place, name=" Row A ", limit=20, unit="ampere", outlets=[outlet])
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert state(hass, "sensor.row_a_power_available") == "4000"
    assert state(hass, "sensor.row_a_power") == "0"

    form = await change(hass, place, "Row A")
    assert suggested(form) == {"name": "Row A", "limit": 20, "unit": "ampere", "voltage": 200, "outlets": [outlet]}
    result = await change(hass, place, "Row A", limit=10)
    assert result["reason"] == "reconfigure_successful"
    assert state(hass, "sensor.row_a_power_available") == "2000"

    assert place.runtime_data is hub
    hass.config_entries.async_remove_subentry(place, part_named(place, "Row A"))
    await hass.async_block_till_done()
    assert state(hass, "sensor.row_a_power_available") == "missing"
    assert not hub.circuits


async def test_an_outlet_hangs_on_one_circuit_and_none_feeds_itself(
    hass: HomeAssistant, place: MockConfigEntry
) -> None:
    first = await circuit(hass, place)
    assert offered(first, "outlets") == {"A1", "A2"}
    assert "feeder" not in {str(key) for key in first["data_schema"].schema}  # type: ignore[union-attr]

    await circuit(hass, place, name="Floor", limit=6000, outlets=[part_named(place, "A1")])
    form = await circuit(hass, place)
    assert (offered(form, "outlets"), offered(form, "feeder")) == ({"A2"}, {"Floor"})
    await circuit(hass, place, name="Row", limit=3000, feeder=part_named(place, "Floor"))
    await circuit(hass, place, name="End", limit=2000, feeder=part_named(place, "Row"))

    assert offered(await change(hass, place, "Row"), "feeder") == {"Floor"}
    assert offered(await change(hass, place, "End"), "feeder") == {"Floor", "Row"}
    # Its own outlets stay on offer.
    assert offered(await change(hass, place, "Floor"), "outlets") == {"A1", "A2"}


@pytest.mark.parametrize(("name", "error"), [("  ", "empty_name"), ("Floor", "name_taken")])
async def test_a_circuit_has_a_name_of_its_own(
    hass: HomeAssistant, place: MockConfigEntry, name: str, error: str
) -> None:
    await circuit(hass, place, name="Floor", limit=6000)
    result = await circuit(hass, place, name=name, limit=3000)
    assert result["errors"] == {"name": error}
    await circuit(hass, place, name="Row", limit=3000)
    assert (await change(hass, place, "Row", name=name))["errors"] == {"name": error}


async def test_an_outlet_that_is_removed_leaves_its_circuit(hass: HomeAssistant, place: MockConfigEntry) -> None:
    gone = part_named(place, "A1")
    await circuit(hass, place, name="Row", limit=3000, outlets=[gone])
    hass.config_entries.async_remove_subentry(place, gone)
    await hass.async_block_till_done()
    assert suggested(await change(hass, place, "Row"))["outlets"] == []
    assert [part.title for part in place.get_subentries_of_type(SUBENTRY_OUTLET)] == ["A2"]
