"""A simulated car behind a simulated relay and meter, for firmware that runs as a program on a computer."""

from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import (
    CONF_CURRENT,
    CONF_ENERGY,
    CONF_ID,
    CONF_INTERNAL,
    CONF_NAME,
    CONF_POWER,
    CONF_VOLTAGE,
    DEVICE_CLASS_CURRENT,
    DEVICE_CLASS_ENERGY,
    DEVICE_CLASS_POWER,
    DEVICE_CLASS_VOLTAGE,
    STATE_CLASS_MEASUREMENT,
    STATE_CLASS_TOTAL_INCREASING,
    UNIT_AMPERE,
    UNIT_VOLT,
    UNIT_WATT,
    UNIT_WATT_HOURS,
)
from esphome.types import ConfigType

from esphome.components import number, sensor, switch

CODEOWNERS = ["@konsento"]
AUTO_LOAD = ["number", "sensor", "switch"]
# The port of the native API is taken from the environment.
DEPENDENCIES = ["api", "host"]

CONF_RELAY = "relay"
CONF_LOAD_W = "load_w"
CONF_RAMP = "ramp"
CONF_NOISE_W = "noise_w"
CONF_TAPER_AFTER_WH = "taper_after_wh"
CONF_TAPER_WH = "taper_wh"
CONF_LINE_VOLTAGE = "line_voltage"
CONF_RELAY_DELAY = "relay_delay"
CONF_PLUGGED = "plugged"

MOST_POWER_W = 20_000

simulated_load_ns = cg.esphome_ns.namespace("simulated_load")
SimulatedLoad = simulated_load_ns.class_("SimulatedLoad", cg.PollingComponent)
SimulatedRelay = simulated_load_ns.class_("SimulatedRelay", switch.Switch)
KnobSwitch = simulated_load_ns.class_("KnobSwitch", switch.Switch)
PowerNumber = simulated_load_ns.class_("PowerNumber", number.Number)
LoadSettings = simulated_load_ns.struct("LoadSettings")
Knob = simulated_load_ns.enum("Knob", is_class=True)

KNOBS = {
    "plugged_switch": ("Load plugged", Knob.PLUGGED),
    "relay_welded_switch": ("Load relay welded", Knob.RELAY_WELDED),
    "meter_silent_switch": ("Load meter silent", Knob.METER_SILENT),
}


def _sensor(decimals: int, unit: str, device_class: str, state_class: str = STATE_CLASS_MEASUREMENT) -> Any:
    return sensor.sensor_schema(
        unit_of_measurement=unit, accuracy_decimals=decimals, device_class=device_class, state_class=state_class
    )


SENSORS = {
    CONF_POWER: ("Power", _sensor(1, UNIT_WATT, DEVICE_CLASS_POWER)),
    CONF_VOLTAGE: ("Voltage", _sensor(1, UNIT_VOLT, DEVICE_CLASS_VOLTAGE)),
    CONF_CURRENT: ("Current", _sensor(2, UNIT_AMPERE, DEVICE_CLASS_CURRENT)),
    CONF_ENERGY: ("Load energy", _sensor(4, UNIT_WATT_HOURS, DEVICE_CLASS_ENERGY, STATE_CLASS_TOTAL_INCREASING)),
}

CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(SimulatedLoad),
        cv.Optional(CONF_LOAD_W, default=3000): cv.float_range(min=0, max=MOST_POWER_W),
        cv.Optional(CONF_RAMP, default="0s"): cv.positive_time_period_milliseconds,
        cv.Optional(CONF_NOISE_W, default=0): cv.float_range(min=0, max=MOST_POWER_W),
        cv.Optional(CONF_TAPER_AFTER_WH, default=0): cv.positive_float,
        cv.Optional(CONF_TAPER_WH, default=1000): cv.positive_not_null_float,
        cv.Optional(CONF_LINE_VOLTAGE, default=200): cv.float_range(min=80, max=300),
        cv.Optional(CONF_RELAY_DELAY, default="10ms"): cv.positive_time_period_milliseconds,
        cv.Optional(CONF_PLUGGED, default=True): cv.boolean,
        cv.Optional(CONF_RELAY, default={CONF_INTERNAL: True, CONF_NAME: "Simulated relay"}): switch.switch_schema(
            SimulatedRelay
        ),
        cv.Optional("power_number", default={CONF_NAME: "Load power"}): number.number_schema(
            PowerNumber, unit_of_measurement=UNIT_WATT, device_class=DEVICE_CLASS_POWER
        ),
        **{
            cv.Optional(key, default={CONF_NAME: name}): switch.switch_schema(KnobSwitch)
            for key, (name, _knob) in KNOBS.items()
        },
        **{cv.Optional(key, default={CONF_NAME: name}): schema for key, (name, schema) in SENSORS.items()},
    }
).extend(cv.polling_component_schema("1s"))


async def to_code(config: ConfigType) -> None:
    """Generate the load, its relay, its meter and the knobs."""
    settings = cg.StructInitializer(
        LoadSettings,
        ("power_w", config[CONF_LOAD_W]),
        ("ramp_s", config[CONF_RAMP].total_milliseconds / 1000),
        ("noise_w", config[CONF_NOISE_W]),
        ("taper_after_wh", config[CONF_TAPER_AFTER_WH]),
        ("taper_wh", config[CONF_TAPER_WH]),
        ("voltage_v", config[CONF_LINE_VOLTAGE]),
        ("relay_delay_ms", config[CONF_RELAY_DELAY].total_milliseconds),
        ("plugged", config[CONF_PLUGGED]),
    )
    var = cg.new_Pvariable(config[CONF_ID], settings)
    await cg.register_component(var, config)
    relay = await switch.new_switch(config[CONF_RELAY])
    cg.add(relay.set_load(var))
    cg.add(var.set_relay_switch(relay))
    for key, (_name, knob) in KNOBS.items():
        knob_switch = await switch.new_switch(config[key], knob)
        cg.add(knob_switch.set_load(var))
        cg.add(getattr(var, f"set_{key}")(knob_switch))
    power = await number.new_number(config["power_number"], min_value=0, max_value=MOST_POWER_W, step=1)
    cg.add(power.set_load(var))
    cg.add(var.set_power_number(power))
    for key in SENSORS:
        cg.add(getattr(var, f"set_{key}_sensor")(await sensor.new_sensor(config[key])))
