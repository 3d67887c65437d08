"""Konsento: outlets that a driver can pay for, one site per config entry."""

from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN, MANUFACTURER, VERSION
from .control.journal import JournalError
from .frontend import async_forget_frontend, async_setup_frontend, async_tell_frontend
from .hub import Hub, SiteConfigEntry, journal_path
from .services import async_setup_services
from .supervision import Supervision, forget_issues
from .websocket import async_setup_websocket

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.UPDATE,
]

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions and what pages ask for, which say themselves when no site runs, and serve the frontend."""
    async_setup_services(hass)
    async_setup_websocket(hass)
    await async_setup_frontend(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: SiteConfigEntry) -> bool:
    """Start a site. An outlet or a server that cannot be reached is no reason to wait: the others can."""
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        manufacturer=MANUFACTURER,
        sw_version=VERSION,
        entry_type=dr.DeviceEntryType.SERVICE,
    )
    hub = Hub(hass, entry, device.id)
    try:
        await hub.start()
    except JournalError as error:
        raise ConfigEntryError(
            translation_domain=DOMAIN, translation_key="journal", translation_placeholders={"error": str(error)}
        ) from error
    entry.runtime_data = hub
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    await async_tell_frontend(hass)
    supervision = Supervision(hass, entry, hub)
    entry.async_on_unload(supervision.stop)

    async def follow(hass: HomeAssistant, entry: SiteConfigEntry) -> None:
        dr.async_get(hass).async_update_device(device.id, name=entry.title)
        await hub.follow()
        supervision.look()

    entry.async_on_unload(entry.add_update_listener(follow))
    # What was changed while all this was set up, nobody has heard of.
    await hub.follow()

    async def hand_over(_: Event) -> None:
        # Home Assistant ends by its owner's wish, and without unloading entries: the outlets go on alone for a while.
        await hub.stop(hub.site.settings.handover_s)

    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, hand_over))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: SiteConfigEntry) -> bool:
    """Stop a site; a reload takes less time than the lease that running sessions get here."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    await entry.runtime_data.stop(entry.runtime_data.site.settings.lease_s)
    return True


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: SiteConfigEntry, device: dr.AnyDeviceEntry
) -> bool:
    """Let the owner delete a device that no longer stands for anything here; what exists is removed by its part."""
    hub = entry.runtime_data
    present = {entry.entry_id, *hub.servers, *hub.circuits, *(unit.control.outlet for unit in hub.outlets.values())}
    return not any(domain == DOMAIN and name in present for domain, name in device.identifiers)


async def async_remove_entry(hass: HomeAssistant, entry: SiteConfigEntry) -> None:
    """Delete the journal of a site that is given up, and what the owner was told about it."""
    forget_issues(hass, entry)
    if not hass.config_entries.async_entries(DOMAIN):
        await async_forget_frontend(hass)
    path = journal_path(hass, entry.entry_id)

    def delete() -> None:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)

    await hass.async_add_executor_job(delete)
