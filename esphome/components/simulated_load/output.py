"""A simulated lamp or buzzer, whose binary sensor `is_on` tells whether it is on."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_ID
from esphome.types import ConfigType

from esphome.components import binary_sensor, output

from . import simulated_load_ns

DEPENDENCIES = ["simulated_load"]

CONF_IS_ON = "is_on"

SimulatedOutput = simulated_load_ns.class_("SimulatedOutput", output.BinaryOutput, cg.Component)

CONFIG_SCHEMA = output.BINARY_OUTPUT_SCHEMA.extend(
    {
        cv.Required(CONF_ID): cv.declare_id(SimulatedOutput),
        cv.Required(CONF_IS_ON): binary_sensor.binary_sensor_schema(),
    }
).extend(cv.COMPONENT_SCHEMA)


async def to_code(config: ConfigType) -> None:
    """Generate the output and the sensor that watches it."""
    var = cg.new_Pvariable(config[CONF_ID], await binary_sensor.new_binary_sensor(config[CONF_IS_ON]))
    await output.register_output(var, config)
    await cg.register_component(var, config)
