"""Multicast DNS for firmware that runs as a program: ESPHome compiles the records there, and tells them to nobody."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.const import CONF_ID
from esphome.types import ConfigType

from esphome.components import mdns

CODEOWNERS = ["@konsento"]
DEPENDENCIES = ["host", "mdns"]

CONF_MDNS_ID = "mdns_id"

host_mdns_ns = cg.esphome_ns.namespace("host_mdns")
HostMdns = host_mdns_ns.class_("HostMdns", cg.Component)

CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(HostMdns),
        cv.GenerateID(CONF_MDNS_ID): cv.use_id(mdns.MDNSComponent),
    }
).extend(cv.COMPONENT_SCHEMA)


async def to_code(config: ConfigType) -> None:
    """Generate the responder."""
    mdns.enable_mdns_storage()
    var = cg.new_Pvariable(config[CONF_ID], await cg.get_variable(config[CONF_MDNS_ID]))
    await cg.register_component(var, config)
