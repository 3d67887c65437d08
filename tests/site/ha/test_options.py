"""The site's numbers: they hold at once, and a form that was not opened changes nothing."""

from typing import Any

import pytest
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry


async def open_form(hass: HomeAssistant, site: MockConfigEntry) -> ConfigFlowResult:
    menu = await hass.config_entries.options.async_init(site.entry_id)
    return await hass.config_entries.options.async_configure(menu["flow_id"], {"next_step_id": "numbers"})


async def save(hass: HomeAssistant, site: MockConfigEntry, **values: Any) -> None:
    flow = await open_form(hass, site)
    await hass.config_entries.options.async_configure(
        flow["flow_id"], {"continuity_interval": 3, "meter_interval": 5, **values}
    )
    await hass.async_block_till_done()


async def test_numbers_are_changed_without_a_reload(hass: HomeAssistant, site: MockConfigEntry) -> None:
    hub = site.runtime_data
    await save(
        hass,
        site,
        continuity_interval=2,
        meter_interval=30,
        interruptions={"handover_lease": 60, "grace_time": 5},
        other_servers={"unlimited_time": 1.5},
    )

    settings = hub.site.settings
    assert site.runtime_data is hub
    assert (settings.continuity_s, settings.meter_s, settings.handover_s) == (2, 30, 60)
    assert (settings.abandon_s, settings.unlimited_s, settings.lease_s) == (300, 5400, 7)
    assert settings.default_limits.time_s == 5400


async def test_a_section_that_was_not_sent_keeps_its_numbers(hass: HomeAssistant, site: MockConfigEntry) -> None:
    await save(hass, site, interruptions={"handover_lease": 60, "grace_time": 5})
    await save(hass, site, meter_interval=9)

    settings = site.runtime_data.site.settings
    assert (settings.meter_s, settings.handover_s, settings.abandon_s) == (9, 60, 300)
    assert site.options == {"continuity_interval": 3, "meter_interval": 9, "handover_lease": 60, "grace_time": 5}


async def test_the_form_shows_what_holds(hass: HomeAssistant, site: MockConfigEntry) -> None:
    await save(hass, site, other_servers={"unlimited_time": 2})
    flow = await open_form(hass, site)

    section = next(value for key, value in flow["data_schema"].schema.items() if key == "other_servers")
    (field,) = section.schema.schema
    assert field.description == {"suggested_value": 2}


@pytest.mark.parametrize(
    "values",
    [
        {"meter_interval": 0},
        {"meter_interval": 901},
        {"interruptions": {"handover_lease": 301, "grace_time": 15}},
        {"interruptions": {"handover_lease": 300, "grace_time": 0}},
        {"other_servers": {"unlimited_time": 25}},
    ],
)
async def test_numbers_out_of_range_are_refused(
    hass: HomeAssistant, site: MockConfigEntry, values: dict[str, Any]
) -> None:
    with pytest.raises(InvalidData):
        await save(hass, site, **values)


async def test_the_factor_of_the_grid_is_entered_and_taken_back(hass: HomeAssistant, site: MockConfigEntry) -> None:
    await save(hass, site, meter_interval=9)
    for entered, kept in (({"grid_factor": 441.5}, 441.5), ({}, None)):
        menu = await hass.config_entries.options.async_init(site.entry_id)
        form = await hass.config_entries.options.async_configure(menu["flow_id"], {"next_step_id": "environment"})
        await hass.config_entries.options.async_configure(form["flow_id"], entered)
        await hass.async_block_till_done()

        assert site.options.get("grid_factor") == kept
        assert site.options["meter_interval"] == 9


async def test_a_factor_in_other_units_is_refused(hass: HomeAssistant, site: MockConfigEntry) -> None:
    menu = await hass.config_entries.options.async_init(site.entry_id)
    form = await hass.config_entries.options.async_configure(menu["flow_id"], {"next_step_id": "environment"})
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(form["flow_id"], {"grid_factor": 441_000})
