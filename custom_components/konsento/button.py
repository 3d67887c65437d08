"""The owner's way to end a session."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .control.words import EndReason
from .entity import OutletEntity
from .hub import OutletUnit, SiteConfigEntry

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one for every outlet, now and later."""
    hub = entry.runtime_data

    @callback
    def add(unit: OutletUnit) -> None:
        async_add_entities([StopButton(hub, unit, "stop")], config_subentry_id=unit.subentry.subentry_id)

    hub.on_outlet(add)


class StopButton(OutletEntity, ButtonEntity):
    """Ends the session of an outlet; the driver pays for what was measured."""

    @override
    async def async_press(self) -> None:
        session = self._unit.control.session
        if session is None or not await self._unit.control.stop(session.id, EndReason.LOCAL):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="no_session",
                translation_placeholders={"outlet": self._unit.subentry.title},
            )
