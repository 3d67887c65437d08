"""A simulated car, line, relay and meter for firmware that runs as a program on a computer; changed while it runs."""

import esphome.codegen as cg
import esphome.config_validation as cv

# By name: the modules of this package are called like those of ESPHome, and would take their place.
from esphome.components.number import Number, new_number, number_schema
from esphome.components.sensor import new_sensor, sensor_schema
from esphome.components.switch import Switch, new_switch, switch_schema
from esphome.const import (
    CONF_ID,
    CONF_NAME,
    DEVICE_CLASS_ENERGY,
    DEVICE_CLASS_POWER,
    STATE_CLASS_TOTAL_INCREASING,
    UNIT_WATT,
    UNIT_WATT_HOURS,
)
from esphome.types import ConfigType

CODEOWNERS = ["@konsento"]
AUTO_LOAD = ["binary_sensor", "number", "output", "sensor", "switch"]
# The port of the native API and the MAC address are taken from the environment.
DEPENDENCIES = ["api", "host"]

CONF_SIMULATED_LOAD_ID = "simulated_load_id"
CONF_LOAD_W = "load_w"
CONF_RAMP = "ramp"
CONF_NOISE_W = "noise_w"
CONF_TAPER_AFTER_WH = "taper_after_wh"
CONF_TAPER_WH = "taper_wh"
CONF_LINE_VOLTAGE = "line_voltage"
CONF_RELAY_DELAY = "relay_delay"
CONF_PLUGGED = "plugged"
CONF_LOAD_POWER = "load_power"
CONF_LOAD_ENERGY = "load_energy"

MOST_POWER_W = 20_000

simulated_load_ns = cg.esphome_ns.namespace("simulated_load")
SimulatedLoad = simulated_load_ns.class_("SimulatedLoad", cg.PollingComponent)
KnobSwitch = simulated_load_ns.class_("KnobSwitch", Switch)
PowerNumber = simulated_load_ns.class_("PowerNumber", Number)
LoadSettings = simulated_load_ns.struct("LoadSettings")

# Switches for a person who plays with the demo; each sets the key of `load_set` of that name.
KNOBS = {
    "plugged": "Load plugged",
    "relay_welded": "Load relay welded",
    "meter_silent": "Load meter silent",
}

# What a platform of this component needs to find the load.
PART_SCHEMA = cv.Schema({cv.GenerateID(CONF_SIMULATED_LOAD_ID): cv.use_id(SimulatedLoad)})


def _knob(key: str) -> str:
    return f"{key}_switch"


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
        cv.Optional(CONF_LOAD_POWER, default={CONF_NAME: "Load power"}): number_schema(
            PowerNumber, unit_of_measurement=UNIT_WATT, device_class=DEVICE_CLASS_POWER
        ),
        cv.Optional(CONF_LOAD_ENERGY, default={CONF_NAME: "Load energy"}): sensor_schema(
            unit_of_measurement=UNIT_WATT_HOURS,
            accuracy_decimals=4,
            device_class=DEVICE_CLASS_ENERGY,
            state_class=STATE_CLASS_TOTAL_INCREASING,
        ),
        **{
            cv.Optional(_knob(key), default={CONF_NAME: name}): switch_schema(KnobSwitch) for key, name in KNOBS.items()
        },
    }
).extend(cv.polling_component_schema("1s"))


async def to_code(config: ConfigType) -> None:
    """Generate the load and what a person changes of it."""
    # `esphome::get_mac_address_raw(uint8_t *)`: see mac_address.cpp.
    cg.add_build_flag("-Wl,--wrap=_ZN7esphome19get_mac_address_rawEPh")
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
    for key in KNOBS:
        knob = await new_switch(config[_knob(key)], key)
        await cg.register_parented(knob, var)
        cg.add(getattr(var, f"set_{_knob(key)}")(knob))
    power = await new_number(config[CONF_LOAD_POWER], min_value=0, max_value=MOST_POWER_W, step=1)
    await cg.register_parented(power, var)
    cg.add(var.set_power_number(power))
    cg.add(var.set_load_energy_sensor(await new_sensor(config[CONF_LOAD_ENERGY])))
