"""What the owner may ask of an outlet, or of the link to a management server, at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .control.driver import OutletRefusedError, OutletSilentError
from .control.trace import trace_outlet
from .control.words import EndReason
from .entity import OutletEntity, ServerEntity
from .hub import Hub, OutletUnit, ServerUnit, SiteConfigEntry
from .station.errors import LineDownError, RpcError
from .texts import asking

PARALLEL_UPDATES = 1

_IDENTIFY_S = 10


@dataclass(frozen=True, kw_only=True)
class OutletButtonDescription(ButtonEntityDescription):
    """A button and what it does."""

    press_fn: Callable[[OutletUnit], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class ServerButtonDescription(ButtonEntityDescription):
    """A button and what it does."""

    press_fn: Callable[[Hub, ServerUnit], Awaitable[None]]


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


async def _reconnect(hub: Hub, unit: ServerUnit) -> None:
    await hub.reconnect(unit)


async def _server_loopback(hub: Hub, unit: ServerUnit) -> None:
    try:
        await unit.station.loopback()
    except (LineDownError, RpcError) as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="server_silent",
            translation_placeholders={"server": unit.subentry.title},
        ) from error
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

SERVER_BUTTONS = (
    # Drops the link and makes it anew, without waiting for the next attempt.
    ServerButtonDescription(
        key="reconnect",
        device_class=ButtonDeviceClass.RESTART,
        entity_category=EntityCategory.CONFIG,
        press_fn=_reconnect,
    ),
    ServerButtonDescription(
        key="loopback",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        press_fn=_server_loopback,
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
        async_add_entities(
            [ServerButton(hub, unit, description) for description in SERVER_BUTTONS],
            config_subentry_id=unit.subentry.subentry_id,
        )

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


class ServerButton(ServerEntity, ButtonEntity):
    """One thing that is done with the link to a management server."""

    entity_description: ServerButtonDescription

    def __init__(self, hub: Hub, unit: ServerUnit, description: ServerButtonDescription) -> None:
        super().__init__(hub, unit, description.key)
        self.entity_description = description

    @override
    async def async_press(self) -> None:
        await self.entity_description.press_fn(self._hub, self._unit)
