"""What the docs show can be used as it stands there."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from automations import automate
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import async_validate_conditions_config
from homeassistant.helpers.trigger import async_validate_trigger_config
from pytest_homeassistant_custom_component.common import MockConfigEntry
from states import state

from custom_components.konsento.condition import CONDITIONS
from custom_components.konsento.trigger import TRIGGERS

PAGE = Path(__file__).parents[3] / "docs/site.md"
EXAMPLES: list[Any] = [yaml.safe_load(block.split("```")[0]) for block in PAGE.read_text().split("```yaml\n")[1:]]
PARTS = [part for example in EXAMPLES if isinstance(example, list) for part in example]
AUTOMATIONS = [example for example in EXAMPLES if isinstance(example, dict) and "triggers" in example]


async def test_there_is_an_example_of_every_trigger_that_home_assistant_accepts(
    hass: HomeAssistant, place: MockConfigEntry
) -> None:
    triggers = [part for part in PARTS if "trigger" in part]

    assert {each["trigger"] for each in triggers} == {f"konsento.{key}" for key in TRIGGERS}
    assert len(await async_validate_trigger_config(hass, cv.TRIGGER_SCHEMA(triggers))) == len(triggers)


async def test_there_is_an_example_of_every_condition_that_home_assistant_accepts(
    hass: HomeAssistant, place: MockConfigEntry
) -> None:
    conditions = [part for part in PARTS if "condition" in part]

    assert {each["condition"] for each in conditions} == {f"konsento.{key}" for key in CONDITIONS}
    assert len(await async_validate_conditions_config(hass, conditions)) == len(conditions)


@pytest.mark.parametrize("number", range(len(AUTOMATIONS)))
async def test_an_automation_of_the_docs_runs(hass: HomeAssistant, place: MockConfigEntry, number: int) -> None:
    await automate(hass, AUTOMATIONS[number])

    assert state(hass, "automation.test_0") == "on"
