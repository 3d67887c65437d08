"""The simulated relay."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.types import ConfigType

from esphome.components import switch

from . import CONF_SIMULATED_LOAD_ID, PART_SCHEMA, simulated_load_ns

DEPENDENCIES = ["simulated_load"]

SimulatedRelay = simulated_load_ns.class_("SimulatedRelay", switch.Switch, cg.Component)

CONFIG_SCHEMA = switch.switch_schema(SimulatedRelay).extend(PART_SCHEMA).extend(cv.COMPONENT_SCHEMA)


async def to_code(config: ConfigType) -> None:
    """Generate the relay."""
    relay = await switch.new_switch(config)
    await cg.register_component(relay, config)
    await cg.register_parented(relay, config[CONF_SIMULATED_LOAD_ID])
