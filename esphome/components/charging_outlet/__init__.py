"""Charging outlet: closes a relay for authorised sessions only, measures what they take and keeps their limits."""

from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
import esphome.final_validate as fv
from esphome.const import (
    CONF_FILTERS,
    CONF_ID,
    CONF_INTERNAL,
    CONF_LED,
    CONF_NAME,
    CONF_POWER,
    CONF_RESTORE_MODE,
    CONF_UPDATE_INTERVAL,
    DEVICE_CLASS_DURATION,
    DEVICE_CLASS_ENERGY,
    ENTITY_CATEGORY_DIAGNOSTIC,
    STATE_CLASS_MEASUREMENT,
    STATE_CLASS_TOTAL_INCREASING,
    UNIT_SECOND,
    UNIT_WATT_HOURS,
)
from esphome.core import ID, TimePeriodMilliseconds
from esphome.types import ConfigType

from esphome.components import binary_sensor, output, sensor, switch, text_sensor

CODEOWNERS = ["@konsento"]
AUTO_LOAD = ["binary_sensor", "output", "sensor", "switch", "text_sensor"]
DEPENDENCIES = ["api"]

CONF_RELAY = "relay"
CONF_READING = "reading"
CONF_IDLE_POWER = "idle_power"
CONF_IDLE_TIME = "idle_time"
CONF_MAX_POWER = "max_power"
CONF_OVERLOAD_TIME = "overload_time"
CONF_METER_TIMEOUT = "meter_timeout"
CONF_WELDED_POWER = "welded_power"
CONF_SETTLE_TIME = "settle_time"
CONF_SAVE_INTERVAL = "save_interval"

charging_outlet_ns = cg.esphome_ns.namespace("charging_outlet")
ChargingOutlet = charging_outlet_ns.class_("ChargingOutlet", cg.Component)
GuardSettings = charging_outlet_ns.struct("GuardSettings")
ReadingKind = charging_outlet_ns.enum("ReadingKind", is_class=True)
READING_KINDS = {"mean": ReadingKind.MEAN, "momentary": ReadingKind.MOMENTARY}

# Filters that change a reading but let each one through. Any other would hide samples from the meter.
TRANSPARENT_FILTERS = frozenset({"calibrate_linear", "calibrate_polynomial", "multiply", "offset"})

SLOWEST_METER = TimePeriodMilliseconds(milliseconds=2000)
# The guard bridges a gap of so much between two readings, and no more: a reading may be late or lost once.
LONGEST_GAP_MS = 2500


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

BINARY_SENSORS: EntityTable = {
    "relay_closed": ("Relay", "relay", {}),
    "outlet_enabled": ("Outlet enabled", "outlet_enabled", {}),
}
SENSORS: EntityTable = {
    "session_energy": ("Session energy", "session_energy", _ENERGY),
    "session_time": ("Session time", "session_time", _SECONDS),
    "lifetime_energy": ("Lifetime energy", "lifetime_energy", _ENERGY),
    "lease_left": ("Lease left", "lease_left", _SECONDS | {"entity_category": ENTITY_CATEGORY_DIAGNOSTIC}),
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


CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(ChargingOutlet),
        cv.Required(CONF_RELAY): cv.use_id(switch.Switch),
        cv.Required(CONF_POWER): cv.use_id(sensor.Sensor),
        cv.Optional(CONF_LED): cv.use_id(output.BinaryOutput),
        cv.Required(CONF_MAX_POWER): _watts(100, 10_000),
        cv.Optional(CONF_READING, default="mean"): cv.enum(READING_KINDS, lower=True),
        cv.Optional(CONF_OVERLOAD_TIME, default="5s"): _duration("1s", "60s"),
        cv.Optional(CONF_IDLE_POWER, default="10W"): _watts(1, 200),
        cv.Optional(CONF_IDLE_TIME, default="10min"): _duration("1s", "24h"),
        cv.Optional(CONF_METER_TIMEOUT, default="5s"): _duration("3s", "30s"),
        cv.Optional(CONF_WELDED_POWER, default="20W"): _watts(5, 200),
        cv.Optional(CONF_SETTLE_TIME, default="3s"): _duration("2s", "30s"),
        cv.Optional(CONF_SAVE_INTERVAL, default="60s"): _duration("1s", "10min"),
        **_entities(BINARY_SENSORS, binary_sensor.binary_sensor_schema),
        **_entities(SENSORS, sensor.sensor_schema),
        **_entities(TEXT_SENSORS, text_sensor.text_sensor_schema),
    }
).extend(cv.COMPONENT_SCHEMA)


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


def _validate_power(reference: ID) -> None:
    entity, platform = _config_of(reference)
    for entry in entity.get(CONF_FILTERS, []):
        for name in entry:
            if name not in TRANSPARENT_FILTERS and name != "type_id":
                raise cv.Invalid(
                    f"The filter '{name}' of the power sensor '{reference}' withholds or delays readings, so that "
                    f"energy would be missed. Possible are {', '.join(sorted(TRANSPARENT_FILTERS))}",
                    path=[CONF_POWER],
                )
    interval = platform.get(CONF_UPDATE_INTERVAL)
    if interval is not None and interval > SLOWEST_METER:
        raise cv.Invalid(
            f"The power sensor '{reference}' is read every {interval}; the energy limit needs a reading at least "
            "every 2 s ('update_interval: 1s')",
            path=[CONF_POWER],
        )


def _final_validate(config: ConfigType) -> ConfigType:
    _validate_relay(config[CONF_RELAY])
    _validate_power(config[CONF_POWER])
    return config


FINAL_VALIDATE_SCHEMA = _final_validate


def _milliwatts(watts: float) -> int:
    return round(watts * 1000)


async def to_code(config: ConfigType) -> None:
    """Generate the component and its entities."""
    settings = cg.StructInitializer(
        GuardSettings,
        ("idle_power_mw", _milliwatts(config[CONF_IDLE_POWER])),
        ("idle_time_ms", config[CONF_IDLE_TIME].total_milliseconds),
        ("max_power_mw", _milliwatts(config[CONF_MAX_POWER])),
        ("overload_time_ms", config[CONF_OVERLOAD_TIME].total_milliseconds),
        ("meter_timeout_ms", config[CONF_METER_TIMEOUT].total_milliseconds),
        ("longest_gap_ms", LONGEST_GAP_MS),
        ("welded_power_mw", _milliwatts(config[CONF_WELDED_POWER])),
        ("settle_time_ms", config[CONF_SETTLE_TIME].total_milliseconds),
        ("reading_kind", config[CONF_READING]),
    )
    var = cg.new_Pvariable(config[CONF_ID], settings, config[CONF_SAVE_INTERVAL].total_milliseconds)
    await cg.register_component(var, config)
    cg.add(var.set_relay(await cg.get_variable(config[CONF_RELAY])))
    cg.add(var.set_power(await cg.get_variable(config[CONF_POWER])))
    if CONF_LED in config:
        cg.add(var.set_led(await cg.get_variable(config[CONF_LED])))
    for table, new, kind in (
        (BINARY_SENSORS, binary_sensor.new_binary_sensor, "binary_sensor"),
        (SENSORS, sensor.new_sensor, "sensor"),
        (TEXT_SENSORS, text_sensor.new_text_sensor, "text_sensor"),
    ):
        for key, (_name, setter, _arguments) in table.items():
            cg.add(getattr(var, f"set_{setter}_{kind}")(await new(config[key])))
