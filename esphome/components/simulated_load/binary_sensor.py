"""The simulated push button; `load_set` presses it."""

import esphome.codegen as cg
from esphome.types import ConfigType

from esphome.components import binary_sensor

from . import CONF_SIMULATED_LOAD_ID, PART_SCHEMA

DEPENDENCIES = ["simulated_load"]

CONFIG_SCHEMA = binary_sensor.binary_sensor_schema().extend(PART_SCHEMA)


async def to_code(config: ConfigType) -> None:
    """Generate the button."""
    load = await cg.get_variable(config[CONF_SIMULATED_LOAD_ID])
    cg.add(load.set_button(await binary_sensor.new_binary_sensor(config)))
