"""Which driver an outlet needs: what its subentry says it is made of."""

from functools import partial

from homeassistant.components import zeroconf
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant

from .const import CONF_KEY, CONF_KIND, KIND_ENTITIES, KIND_PLAIN
from .control.driver import OutletDriver
from .control.journal import Journal
from .control.soft.outlet import SoftOutlet
from .control.soft.switched_meter import SwitchedMeter
from .entity_plug import EntityParts, EntityPlug
from .outlet.address import OutletAddress
from .outlet.guarded import GuardedOutlet
from .outlet.plain import PlainDevice, PlainParts

_MEMORY = "guard"
"""Under this name the journal keeps what soft guards have to remember."""
PARTS = ("relay", "power", "energy", "voltage", "current")
"""Keys of a plain outlet's subentry that name its parts."""


async def make_driver(hass: HomeAssistant, subentry: ConfigSubentry, journal: Journal) -> OutletDriver:
    """Return the driver of an outlet, not yet started."""
    data, outlet = subentry.data, subentry.unique_id or subentry.subentry_id
    kind = data.get(CONF_KIND)
    parts = {part: data[part] for part in PARTS if data.get(part)}
    if kind == KIND_ENTITIES:
        return await _soft(subentry.title, EntityPlug(hass, EntityParts(**parts)), outlet, journal)
    address = OutletAddress(host=data[CONF_HOST], port=data[CONF_PORT], key=data.get(CONF_KEY))
    shared = await zeroconf.async_get_async_instance(hass)
    if kind == KIND_PLAIN:
        # Of a device with several relays, each outlet has the relay's name behind the MAC.
        mac = outlet.partition("_")[0]
        device = PlainDevice(address, mac, subentry.title, shared, parts=PlainParts(**parts))
        return await _soft(subentry.title, device, outlet, journal)
    return GuardedOutlet(address, outlet, subentry.title, shared)


async def _soft(name: str, meter: SwitchedMeter, outlet: str, journal: Journal) -> OutletDriver:
    memory = (await journal.remembered(_MEMORY)).get(outlet)
    return SoftOutlet(name, meter, memory, partial(journal.remember, _MEMORY, outlet))
