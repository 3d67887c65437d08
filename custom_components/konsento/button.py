"""What the owner may ask of an outlet, or of the link to a management server, at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .control.driver import OutletRefusedError, OutletSilentError
from .control.trace import trace_outlet
from .control.words import EndReason
from .entity import OutletEntity, ServerEntity
from .hub import Hub, OutletUnit, ServerUnit, SiteConfigEntry
from .texts import asking

PARALLEL_UPDATES = 1

_IDENTIFY_S = 10


@dataclass(frozen=True, kw_only=True)
class OutletButtonDescription(ButtonEntityDescription):
    """A button and what it does."""

    press_fn: Callable[[OutletUnit], Awaitable[None]]


async def _stop(unit: OutletUnit) -> None:
    session = unit.control.session
    if session is None or not await unit.control.stop(session.id, EndReason.LOCAL):
        raise _invalid("no_session", unit)


async def _clear_fault(unit: OutletUnit) -> None:
    report = unit.driver.report
    if report is None or not report.fault:
        raise _invalid("no_fault", unit)
    await unit.driver.clear_fault(report.fault)


async def _identify(unit: OutletUnit) -> None:
    await unit.driver.identify(_IDENTIFY_S)


async def _loopback(unit: OutletUnit) -> None:
    hop = await trace_outlet(unit.control)
    if not hop.reachable:
        raise OutletSilentError(hop.error)
    if hop.round_trip_s is None:
        raise OutletRefusedError("not_supported", hop.error)
    unit.control.round_trip_s = hop.round_trip_s
    unit.tell()


def _invalid(key: str, unit: OutletUnit) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders={"outlet": unit.subentry.title}
    )


OUTLET_BUTTONS = (
    OutletButtonDescription(key="stop", press_fn=_stop),
    OutletButtonDescription(key="clear_fault", entity_category=EntityCategory.CONFIG, press_fn=_clear_fault),
    OutletButtonDescription(
        key="identify",
        device_class=ButtonDeviceClass.IDENTIFY,
        entity_category=EntityCategory.CONFIG,
        press_fn=_identify,
    ),
    OutletButtonDescription(
        key="loopback",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        press_fn=_loopback,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add those of every outlet and every management server, now and later."""
    hub = entry.runtime_data

    @callback
    def add_outlet(unit: OutletUnit) -> None:
        async_add_entities(
            [OutletButton(hub, unit, description) for description in OUTLET_BUTTONS],
            config_subentry_id=unit.subentry.subentry_id,
        )

    @callback
    def add_server(unit: ServerUnit) -> None:
        async_add_entities([ReconnectButton(hub, unit, "reconnect")], config_subentry_id=unit.subentry.subentry_id)

    hub.on_outlet(add_outlet)
    hub.on_server(add_server)


class OutletButton(OutletEntity, ButtonEntity):
    """One thing that an outlet does when asked."""

    entity_description: OutletButtonDescription

    def __init__(self, hub: Hub, unit: OutletUnit, description: OutletButtonDescription) -> None:
        super().__init__(hub, unit, description.key)
        self.entity_description = description

    @override
    async def async_press(self) -> None:
        with asking(self._unit.subentry.title):
            await self.entity_description.press_fn(self._unit)


class ReconnectButton(ServerEntity, ButtonEntity):
    """Drops the link and makes it anew, without waiting for the next attempt."""

    _attr_entity_category = EntityCategory.CONFIG
    _attr_device_class = ButtonDeviceClass.RESTART

    @override
    async def async_press(self) -> None:
        await self._hub.reconnect(self._unit)
