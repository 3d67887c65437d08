"""Charging outlet: closes a relay for authorised sessions only, measures what they take and keeps their limits."""

import logging
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
import esphome.final_validate as fv
from esphome.const import (
    CONF_BUTTON,
    CONF_CURRENT,
    CONF_ENERGY,
    CONF_FILTERS,
    CONF_ID,
    CONF_INTERNAL,
    CONF_LED,
    CONF_NAME,
    CONF_PIN,
    CONF_PLATFORM,
    CONF_POWER,
    CONF_RESTORE_MODE,
    CONF_TEMPERATURE,
    CONF_UNIT_OF_MEASUREMENT,
    CONF_UPDATE_INTERVAL,
    DEVICE_CLASS_CURRENT,
    DEVICE_CLASS_DURATION,
    DEVICE_CLASS_ENERGY,
    DEVICE_CLASS_POWER,
    DEVICE_CLASS_PROBLEM,
    ENTITY_CATEGORY_DIAGNOSTIC,
    STATE_CLASS_MEASUREMENT,
    STATE_CLASS_TOTAL_INCREASING,
    UNIT_AMPERE,
    UNIT_KILOWATT_HOURS,
    UNIT_SECOND,
    UNIT_WATT,
    UNIT_WATT_HOURS,
)
from esphome.core import CORE, ID, TimePeriodMilliseconds
from esphome.types import ConfigType

from esphome import pins
from esphome.components import binary_sensor, output, sensor, switch, text_sensor

_LOGGER = logging.getLogger(__name__)

CODEOWNERS = ["@konsento"]
AUTO_LOAD = ["binary_sensor", "output", "sensor", "switch", "text_sensor"]
DEPENDENCIES = ["api"]

CONF_RELAY = "relay"
CONF_BUZZER = "buzzer"
CONF_READING = "reading"
CONF_MAX_POWER = "max_power"
CONF_MAX_CURRENT = "max_current"
CONF_MAX_TEMPERATURE = "max_temperature"
CONF_THERMAL_TIME = "thermal_time"
CONF_IDLE_POWER = "idle_power"
CONF_IDLE_TIME = "idle_time"
CONF_START_TIMEOUT = "start_timeout"
CONF_SUSPENDED_TIME = "suspended_time"
CONF_METER_TIMEOUT = "meter_timeout"
CONF_FROZEN_TIME = "frozen_time"
CONF_WELDED_POWER = "welded_power"
CONF_SETTLE_TIME = "settle_time"
CONF_MIN_OFF_TIME = "min_off_time"
CONF_MAX_CYCLES_PER_HOUR = "max_cycles_per_hour"
CONF_SAVE_ENERGY = "save_energy"
CONF_SAVE_INTERVAL = "save_interval"
CONF_ZERO_CROSS = "zero_cross"
CONF_CLOSE_DELAY = "close_delay"
CONF_OPEN_DELAY = "open_delay"
CONF_RATED_CURRENT = "rated_current"

charging_outlet_ns = cg.esphome_ns.namespace("charging_outlet")
ChargingOutlet = charging_outlet_ns.class_("ChargingOutlet", cg.Component)
ZeroCrossPin = charging_outlet_ns.class_("ZeroCrossPin")
GuardSettings = charging_outlet_ns.struct("GuardSettings")
ReadingKind = charging_outlet_ns.enum("ReadingKind", is_class=True)
READING_KINDS = {"mean": ReadingKind.MEAN, "momentary": ReadingKind.MOMENTARY}

# Filters that change a reading but let each one through. Any other would hide samples from the meter.
TRANSPARENT_FILTERS = frozenset({"calibrate_linear", "calibrate_polynomial", "multiply", "offset"})

SLOWEST_METER = TimePeriodMilliseconds(milliseconds=2000)
ENERGY_UNITS = frozenset({UNIT_WATT_HOURS, UNIT_KILOWATT_HOURS})

HOURS_A_YEAR = 8760
# Platforms whose power is rounded to whole pulses of a nominal interval; their counter misses none.
COUNTING_PLATFORMS = frozenset({"hlw8012"})

# How often the flash that keeps the preferences can be written, at 100,000 erasures of a sector. An ESP8266 erases one
# and the same for each record; an ESP32 spreads them over the 112 pages of its NVS partition, a dozen to a page.
FLASH_WRITES = {"esp8266": 100_000, "esp32": 100_000 * 112 * 12}


def _watts(lowest: float, highest: float) -> Any:
    """Return a validator of a power in W."""
    return cv.All(cv.float_with_unit("power", "(W|w)"), cv.float_range(min=lowest, max=highest))


def _duration(lowest: str, highest: str) -> Any:
    """Return a validator of a duration between two others."""
    return cv.All(
        cv.positive_time_period_milliseconds,
        cv.Range(min=cv.time_period(lowest), max=cv.time_period(highest)),
    )


def _named(name: str) -> ConfigType:
    """Return the default of an entity; the object id that the control system looks for is made of its name."""
    return {CONF_NAME: name}


# Of each entity: its key here, its name, its setter's name in C++, and what its schema gets.
type EntityTable = dict[str, tuple[str, str, dict[str, Any]]]

_ENERGY = {
    "unit_of_measurement": UNIT_WATT_HOURS,
    "accuracy_decimals": 3,
    "device_class": DEVICE_CLASS_ENERGY,
    "state_class": STATE_CLASS_TOTAL_INCREASING,
}
_SECONDS = {
    "unit_of_measurement": UNIT_SECOND,
    "accuracy_decimals": 0,
    "device_class": DEVICE_CLASS_DURATION,
    "state_class": STATE_CLASS_MEASUREMENT,
}
# Nothing to make statistics of.
_ENERGY_LIMIT = {"unit_of_measurement": UNIT_WATT_HOURS, "accuracy_decimals": 0, "device_class": DEVICE_CLASS_ENERGY}
_TIME_LIMIT = {"unit_of_measurement": UNIT_SECOND, "accuracy_decimals": 0, "device_class": DEVICE_CLASS_DURATION}

_MAX_POWER = {
    "unit_of_measurement": UNIT_WATT,
    "accuracy_decimals": 0,
    "device_class": DEVICE_CLASS_POWER,
    "entity_category": ENTITY_CATEGORY_DIAGNOSTIC,
}
_MAX_CURRENT = {
    "unit_of_measurement": UNIT_AMPERE,
    "accuracy_decimals": 1,
    "device_class": DEVICE_CLASS_CURRENT,
    "entity_category": ENTITY_CATEGORY_DIAGNOSTIC,
}

BINARY_SENSORS: EntityTable = {
    "relay_closed": ("Relay", "relay", {}),
    "outlet_enabled": ("Outlet enabled", "outlet_enabled", {}),
    "without_power": (
        "Without power",
        "without_power",
        {"device_class": DEVICE_CLASS_PROBLEM, "entity_category": ENTITY_CATEGORY_DIAGNOSTIC},
    ),
}
SENSORS: EntityTable = {
    "session_energy": ("Session energy", "session_energy", _ENERGY),
    "session_time": ("Session time", "session_time", _SECONDS),
    "energy_limit": ("Energy limit", "energy_limit", _ENERGY_LIMIT),
    "time_limit": ("Time limit", "time_limit", _TIME_LIMIT),
    "lifetime_energy": ("Lifetime energy", "lifetime_energy", _ENERGY),
    "lease_left": ("Lease left", "lease_left", _SECONDS | {"entity_category": ENTITY_CATEGORY_DIAGNOSTIC}),
    "relay_cycles": (
        "Relay cycles",
        "relay_cycles",
        {
            "accuracy_decimals": 0,
            "state_class": STATE_CLASS_TOTAL_INCREASING,
            "entity_category": ENTITY_CATEGORY_DIAGNOSTIC,
        },
    ),
    "rated_power": ("Max power", "max_power", _MAX_POWER),
    CONF_RATED_CURRENT: ("Max current", "max_current", _MAX_CURRENT),
    "loopback": ("Loopback", "loopback", {"accuracy_decimals": 0, "entity_category": ENTITY_CATEGORY_DIAGNOSTIC}),
}
# In this order the states reach a client that has just connected: the session's state comes last.
TEXT_SENSORS: EntityTable = {
    "boot_id": ("Boot ID", "boot_id", {"entity_category": ENTITY_CATEGORY_DIAGNOSTIC}),
    "fault": ("Fault", "fault", {"entity_category": ENTITY_CATEGORY_DIAGNOSTIC}),
    "session_id": ("Session ID", "session_id", {}),
    "end_reason": ("End reason", "end_reason", {}),
    "session_state": ("Session state", "session_state", {}),
}


def _entities(table: EntityTable, schema: Any) -> dict[Any, Any]:
    """Return the options under which the entities of one kind can be renamed or hidden."""
    return {
        cv.Optional(key, default=_named(name)): schema(**arguments) for key, (name, _setter, arguments) in table.items()
    }


# What is given by its id, and what kind of thing it is.
HARDWARE = {
    CONF_RELAY: switch.Switch,
    CONF_POWER: sensor.Sensor,
    CONF_ENERGY: sensor.Sensor,
    CONF_CURRENT: sensor.Sensor,
    CONF_TEMPERATURE: sensor.Sensor,
    CONF_BUTTON: binary_sensor.BinarySensor,
    CONF_LED: output.BinaryOutput,
    CONF_BUZZER: output.BinaryOutput,
}
INDISPENSABLE = frozenset({CONF_RELAY, CONF_POWER})


def _energy(value: Any) -> int:
    """Return an energy in mWh."""
    watt_hours: float = cv.float_with_unit("energy", "(Wh|wh)")(value)
    return round(cv.float_range(min=10, max=1000)(watt_hours) * 1000)


def _current_has_its_limit(config: ConfigType) -> ConfigType:
    if (CONF_CURRENT in config) != (CONF_MAX_CURRENT in config):
        raise cv.Invalid("'current' and 'max_current' belong together", path=[CONF_MAX_CURRENT])
    if CONF_MAX_CURRENT not in config:
        # An entity that never has a value.
        del config[CONF_RATED_CURRENT]
    return config


ZERO_CROSS_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(ZeroCrossPin),
        cv.Required(CONF_PIN): pins.internal_gpio_input_pin_schema,
        cv.Required(CONF_CLOSE_DELAY): cv.positive_time_period_microseconds,
        cv.Required(CONF_OPEN_DELAY): cv.positive_time_period_microseconds,
    }
)

CONFIG_SCHEMA = cv.All(
    cv.Schema(
        {
            cv.GenerateID(): cv.declare_id(ChargingOutlet),
            **{
                (cv.Required if key in INDISPENSABLE else cv.Optional)(key): cv.use_id(kind)
                for key, kind in HARDWARE.items()
            },
            cv.Optional(CONF_ZERO_CROSS): ZERO_CROSS_SCHEMA,
            cv.Optional(CONF_READING, default="mean"): cv.enum(READING_KINDS, lower=True),
            cv.Required(CONF_MAX_POWER): _watts(100, 10_000),
            cv.Optional(CONF_MAX_CURRENT): cv.All(cv.current, cv.float_range(min=1, max=64)),
            cv.Optional(CONF_THERMAL_TIME, default="60s"): _duration("1s", "10min"),
            cv.Optional(CONF_MAX_TEMPERATURE, default="75°C"): cv.All(cv.temperature, cv.float_range(min=40, max=120)),
            cv.Optional(CONF_IDLE_POWER, default="10W"): _watts(1, 200),
            cv.Optional(CONF_IDLE_TIME, default="10min"): _duration("1s", "24h"),
            cv.Optional(CONF_START_TIMEOUT, default="10min"): _duration("5s", "24h"),
            cv.Optional(CONF_SUSPENDED_TIME, default="30min"): _duration("0s", "24h"),
            cv.Optional(CONF_METER_TIMEOUT, default="5s"): _duration("3s", "30s"),
            cv.Optional(CONF_FROZEN_TIME, default="2min"): _duration("5s", "1h"),
            cv.Optional(CONF_WELDED_POWER, default="20W"): _watts(5, 200),
            cv.Optional(CONF_SETTLE_TIME, default="3s"): _duration("2s", "30s"),
            cv.Optional(CONF_MIN_OFF_TIME, default="3s"): _duration("0s", "60s"),
            cv.Optional(CONF_MAX_CYCLES_PER_HOUR, default=60): cv.int_range(min=10, max=3600),
            cv.Optional(CONF_SAVE_ENERGY, default="20Wh"): _energy,
            cv.Optional(CONF_SAVE_INTERVAL, default="15min"): _duration("10s", "6h"),
            **_entities(BINARY_SENSORS, binary_sensor.binary_sensor_schema),
            **_entities(SENSORS, sensor.sensor_schema),
            **_entities(TEXT_SENSORS, text_sensor.text_sensor_schema),
        }
    ).extend(cv.COMPONENT_SCHEMA),
    _current_has_its_limit,
)


def _config_of(reference: ID) -> tuple[ConfigType, ConfigType]:
    """Return the configuration of an entity and of the platform that it belongs to."""
    full = fv.full_config.get()
    path = full.get_path_for_id(reference)[:-1]
    return full.get_config_for_path(path), full.get_config_for_path(path[:2])


def _validate_relay(reference: ID) -> None:
    entity, _platform = _config_of(reference)
    if not entity.get(CONF_INTERNAL):
        raise cv.Invalid(
            f"The relay '{reference}' must have 'internal: true': a switch in Home Assistant would bypass the sessions",
            path=[CONF_RELAY],
        )
    if entity[CONF_RESTORE_MODE] != "ALWAYS_OFF":
        raise cv.Invalid(
            f"The relay '{reference}' must have 'restore_mode: ALWAYS_OFF': after a power cut it has to be open",
            path=[CONF_RELAY],
        )


def _validate_meter(key: str, reference: ID) -> None:
    """Check that every reading of a sensor arrives, and often enough."""
    entity, platform = _config_of(reference)
    for entry in entity.get(CONF_FILTERS, []):
        for name in entry:
            if name not in TRANSPARENT_FILTERS and name != "type_id":
                raise cv.Invalid(
                    f"The filter '{name}' of the {key} sensor '{reference}' withholds or delays readings, so that "
                    f"energy would be missed. Possible are {', '.join(sorted(TRANSPARENT_FILTERS))}",
                    path=[key],
                )
    interval = platform.get(CONF_UPDATE_INTERVAL)
    if interval is not None and interval > SLOWEST_METER:
        raise cv.Invalid(
            f"The {key} sensor '{reference}' is read every {interval}; the limits need a reading at least every 2 s "
            "('update_interval: 1s')",
            path=[key],
        )


def _validate_counter(config: ConfigType) -> None:
    platform = _config_of(config[CONF_POWER])[1].get(CONF_PLATFORM)
    if platform in COUNTING_PLATFORMS and CONF_ENERGY not in config:
        raise cv.Invalid(
            f"The power of '{platform}' is rounded to whole pulses and would be billed wrongly; give its 'energy' too",
            path=[CONF_ENERGY],
        )


def _validate_energy_unit(reference: ID) -> None:
    unit = _config_of(reference)[0].get(CONF_UNIT_OF_MEASUREMENT)
    if unit not in ENERGY_UNITS:
        raise cv.Invalid(
            f"The energy sensor '{reference}' counts in '{unit}'; it must count in Wh or kWh ('unit_of_measurement')",
            path=[CONF_ENERGY],
        )


def flash_writes_a_year(config: ConfigType) -> int:
    """Return how often flash is written in a year of supply at `max_power` day and night."""
    by_energy = config[CONF_MAX_POWER] * 1000 / config[CONF_SAVE_ENERGY]
    by_time = 3_600_000 / config[CONF_SAVE_INTERVAL].total_milliseconds
    return round((by_energy + by_time) * HOURS_A_YEAR)


def _state_wear(config: ConfigType) -> None:
    """Say what saving costs; the wear of years that nobody looks at would end in an outlet that forgets."""
    writes = flash_writes_a_year(config)
    loss_wh = config[CONF_SAVE_ENERGY] / 1000
    endurance = FLASH_WRITES.get(CORE.target_platform)
    lasts = f", which lasts {endurance / writes:.1f} years of it" if endurance else ""
    _LOGGER.info(
        "A power cut makes a session forget %g Wh at most; full load day and night writes flash %d times a year%s",
        loss_wh,
        writes,
        lasts,
    )
    if endurance and endurance < writes:
        raise cv.Invalid(
            f"Under full load day and night the flash would be worn out within a year ({writes} writes); "
            f"raise '{CONF_SAVE_ENERGY}' or '{CONF_SAVE_INTERVAL}'",
            path=[CONF_SAVE_ENERGY],
        )


def _final_validate(config: ConfigType) -> ConfigType:
    _validate_relay(config[CONF_RELAY])
    for key in (CONF_POWER, CONF_ENERGY, CONF_CURRENT):
        if key in config:
            _validate_meter(key, config[key])
    _validate_counter(config)
    if CONF_ENERGY in config:
        _validate_energy_unit(config[CONF_ENERGY])
    _state_wear(config)
    return config


FINAL_VALIDATE_SCHEMA = _final_validate


def _milli(value: float) -> int:
    return round(value * 1000)


async def to_code(config: ConfigType) -> None:
    """Generate the component and its entities."""
    settings = cg.StructInitializer(
        GuardSettings,
        ("max_power_mw", _milli(config[CONF_MAX_POWER])),
        ("max_current_ma", _milli(config.get(CONF_MAX_CURRENT, 0))),
        ("thermal_time_ms", config[CONF_THERMAL_TIME].total_milliseconds),
        ("max_temperature", round(config[CONF_MAX_TEMPERATURE]) if CONF_TEMPERATURE in config else 0),
        ("idle_power_mw", _milli(config[CONF_IDLE_POWER])),
        ("idle_time_ms", config[CONF_IDLE_TIME].total_milliseconds),
        ("start_timeout_ms", config[CONF_START_TIMEOUT].total_milliseconds),
        ("suspended_time_ms", config[CONF_SUSPENDED_TIME].total_milliseconds),
        ("meter_timeout_ms", config[CONF_METER_TIMEOUT].total_milliseconds),
        ("frozen_time_ms", config[CONF_FROZEN_TIME].total_milliseconds),
        ("welded_power_mw", _milli(config[CONF_WELDED_POWER])),
        ("settle_time_ms", config[CONF_SETTLE_TIME].total_milliseconds),
        ("min_off_time_ms", config[CONF_MIN_OFF_TIME].total_milliseconds),
        ("max_cycles_per_hour", config[CONF_MAX_CYCLES_PER_HOUR]),
        ("save_energy_mwh", config[CONF_SAVE_ENERGY]),
        ("save_interval_ms", config[CONF_SAVE_INTERVAL].total_milliseconds),
        ("reading_kind", config[CONF_READING]),
        ("has_counter", CONF_ENERGY in config),
    )
    var = cg.new_Pvariable(config[CONF_ID], settings)
    await cg.register_component(var, config)
    for key in HARDWARE:
        if key in config:
            cg.add(getattr(var, f"set_{key}")(await cg.get_variable(config[key])))
    if zero_cross := config.get(CONF_ZERO_CROSS):
        pin = await cg.gpio_pin_expression(zero_cross[CONF_PIN])
        delays = (zero_cross[key].total_microseconds for key in (CONF_CLOSE_DELAY, CONF_OPEN_DELAY))
        cg.add(var.set_zero_cross(cg.new_Pvariable(zero_cross[CONF_ID], pin, *delays)))
    for table, new, kind in (
        (BINARY_SENSORS, binary_sensor.new_binary_sensor, "binary_sensor"),
        (SENSORS, sensor.new_sensor, "sensor"),
        (TEXT_SENSORS, text_sensor.new_text_sensor, "text_sensor"),
    ):
        for key, (_name, setter, _arguments) in table.items():
            if key in config:
                cg.add(getattr(var, f"set_{setter}_{kind}")(await new(config[key])))
