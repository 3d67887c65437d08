"""The simulated meter, read every `update_interval` of the load, and the thermometer at the outlet's contacts."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import (
    CONF_CURRENT,
    CONF_ENERGY,
    CONF_POWER,
    CONF_TEMPERATURE,
    CONF_VOLTAGE,
    DEVICE_CLASS_CURRENT,
    DEVICE_CLASS_ENERGY,
    DEVICE_CLASS_POWER,
    DEVICE_CLASS_TEMPERATURE,
    DEVICE_CLASS_VOLTAGE,
    STATE_CLASS_MEASUREMENT,
    STATE_CLASS_TOTAL_INCREASING,
    UNIT_AMPERE,
    UNIT_CELSIUS,
    UNIT_VOLT,
    UNIT_WATT,
    UNIT_WATT_HOURS,
)
from esphome.types import ConfigType

from esphome.components import sensor

from . import CONF_SIMULATED_LOAD_ID, PART_SCHEMA

DEPENDENCIES = ["simulated_load"]

SENSORS = {
    CONF_POWER: (1, UNIT_WATT, DEVICE_CLASS_POWER, STATE_CLASS_MEASUREMENT),
    CONF_VOLTAGE: (1, UNIT_VOLT, DEVICE_CLASS_VOLTAGE, STATE_CLASS_MEASUREMENT),
    CONF_CURRENT: (2, UNIT_AMPERE, DEVICE_CLASS_CURRENT, STATE_CLASS_MEASUREMENT),
    CONF_ENERGY: (4, UNIT_WATT_HOURS, DEVICE_CLASS_ENERGY, STATE_CLASS_TOTAL_INCREASING),
    CONF_TEMPERATURE: (1, UNIT_CELSIUS, DEVICE_CLASS_TEMPERATURE, STATE_CLASS_MEASUREMENT),
}

CONFIG_SCHEMA = PART_SCHEMA.extend(
    {
        cv.Required(key): sensor.sensor_schema(
            accuracy_decimals=decimals,
            unit_of_measurement=unit,
            device_class=device_class,
            state_class=state_class,
        )
        for key, (decimals, unit, device_class, state_class) in SENSORS.items()
    }
)


async def to_code(config: ConfigType) -> None:
    """Generate the sensors."""
    load = await cg.get_variable(config[CONF_SIMULATED_LOAD_ID])
    for key in SENSORS:
        cg.add(getattr(load, f"set_{key}_sensor")(await sensor.new_sensor(config[key])))
