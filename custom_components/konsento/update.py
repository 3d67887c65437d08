"""Whether an outlet runs the newest firmware that this version of the integration was made with.

The firmware is installed with ESPHome, so there is no button for it here.
"""

from typing import override

from awesomeversion import AwesomeVersion, AwesomeVersionException
from homeassistant.components.update import UpdateDeviceClass, UpdateEntity, UpdateEntityFeature
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN, FIRMWARE, FIRMWARE_GUIDE
from .entity import OutletEntity
from .hub import OutletUnit, SiteConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one for every outlet with the Konsento firmware, now and later."""
    hub = entry.runtime_data

    @callback
    def add(unit: OutletUnit) -> None:
        if unit.driver.guarded:
            async_add_entities([OutletFirmware(hub, unit, "firmware")], config_subentry_id=unit.subentry.subentry_id)

    hub.on_outlet(add)


class OutletFirmware(OutletEntity, UpdateEntity):
    """The firmware of one outlet, and the newest one."""

    _attr_device_class = UpdateDeviceClass.FIRMWARE
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_release_url = FIRMWARE_GUIDE
    _attr_supported_features = UpdateEntityFeature.RELEASE_NOTES

    @property
    @override
    def available(self) -> bool:
        # An outlet that is not used because its firmware lacks something has told which one it is.
        return bool(self._unit.driver.facts.firmware)

    @override
    def _look(self) -> object:
        self._attr_installed_version = self._unit.driver.facts.firmware or None
        self._attr_latest_version = _newest(self._attr_installed_version)
        return self.available, self._attr_installed_version

    @override
    async def async_release_notes(self) -> str:
        """Return how the firmware is installed, in the language of this Home Assistant."""
        texts = await async_get_translations(self.hass, self.hass.config.language, "common", [DOMAIN])
        return texts[f"component.{DOMAIN}.common.firmware_update"].format(guide=FIRMWARE_GUIDE, version=FIRMWARE)


def _newest(installed: str | None) -> str:
    """Return the newest version that is known, which can be the installed one: outlets are updated before the site."""
    try:
        return installed if installed and AwesomeVersion(installed) > FIRMWARE else FIRMWARE
    except AwesomeVersionException:
        return FIRMWARE
