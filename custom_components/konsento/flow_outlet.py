"""The forms for an outlet of any kind: nothing is saved before it has answered and shown that it works."""

import logging
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import voluptuous as vol
from homeassistant.components import zeroconf
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.config_entries import ConfigEntry, ConfigSubentry, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .const import CONF_EVSE, CONF_KEY, CONF_KIND, DOMAIN, KIND_ENTITIES, KIND_PLAIN, SUBENTRY_OUTLET
from .drivers import PARTS
from .entity_plug import entity_id_of, number_of, relay_of, stable_id
from .outlet.address import (
    DEFAULT_PORT,
    GuardedError,
    Identity,
    KeyRequiredError,
    NoPartsError,
    NoReadingError,
    NotAnOutletError,
    OutletAddress,
    UnreachableError,
    WrongKeyError,
    identify,
)
from .outlet.offer import Offer, look, try_parts
from .outlet.plain import PlainParts

_LOGGER = logging.getLogger(__name__)

KEY_SELECTOR = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_MAX_EVSE = 999
_ERRORS = {
    UnreachableError: "cannot_connect",
    KeyRequiredError: "key_required",
    WrongKeyError: "wrong_key",
    NotAnOutletError: "not_an_outlet",
    GuardedError: "guarded",
    NoPartsError: "no_parts",
    NoReadingError: "no_reading",
}


def outlet_of(hass: HomeAssistant, mac: str) -> tuple[ConfigEntry, ConfigSubentry] | None:
    """Return the site that has an outlet, and the outlet."""
    for site in hass.config_entries.async_entries(DOMAIN):
        for subentry in site.get_subentries_of_type(SUBENTRY_OUTLET):
            if subentry.unique_id == mac:
                return site, subentry
    return None


def dismiss_discovery(hass: HomeAssistant, mac: str) -> None:
    """Withdraw the offer of an outlet that announced itself and was then added by its address."""
    for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN, match_context={"unique_id": mac}):
        hass.config_entries.flow.async_abort(flow["flow_id"])


def _outlets(hass: HomeAssistant) -> Iterator[ConfigSubentry]:
    for site in hass.config_entries.async_entries(DOMAIN):
        yield from site.get_subentries_of_type(SUBENTRY_OUTLET)


def uses_device(hass: HomeAssistant, mac: str) -> bool:
    """Return whether an outlet is made of the ESPHome device with this MAC."""
    return any((subentry.unique_id or "").partition("_")[0] == mac for subentry in _outlets(hass))


def is_used_by_entities(hass: HomeAssistant, mac: str) -> bool:
    """Return whether an outlet is made of entities of the device with this MAC."""
    relays = [subentry.data["relay"] for subentry in _outlets(hass) if subentry.data.get(CONF_KIND) == KIND_ENTITIES]
    return any((name := entity_id_of(hass, relay)) and mac_of_entity(hass, name) == mac for relay in relays)


def mac_of_entity(hass: HomeAssistant, entity_id: str) -> str | None:
    """Return the MAC of the device that an entity belongs to, 12 hexadecimal digits; None where it has none."""
    entry = er.async_get(hass).async_get(entity_id)
    device = dr.async_get(hass).async_get(entry.device_id) if entry and entry.device_id else None
    if not isinstance(device, dr.DeviceEntry):
        return None
    macs = (value for kind, value in device.connections if kind == dr.CONNECTION_NETWORK_MAC)
    return next((mac.replace(":", "").lower() for mac in macs), None)


def next_evse(site: ConfigEntry) -> int:
    """Return the smallest outlet number that is free."""
    taken = _taken(site)
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _taken(site: ConfigEntry) -> set[int]:
    return {subentry.data[CONF_EVSE] for subentry in site.get_subentries_of_type(SUBENTRY_OUTLET)}


def outlet_data(address: OutletAddress, evse: int) -> MappingProxyType[str, Any]:
    """Return what is stored of an outlet."""
    data: dict[str, Any] = {CONF_HOST: address.host, CONF_PORT: address.port, CONF_EVSE: evse}
    if address.key:
        data[CONF_KEY] = address.key
    return MappingProxyType(data)


def identify_error(error: Exception) -> str:
    """Return the form's word for what went wrong while an outlet was looked at."""
    if word := _ERRORS.get(type(error)):
        return word
    _LOGGER.error("Unexpected error while looking at an outlet", exc_info=error)
    return "unknown"


class OutletSubentryFlow(ConfigSubentryFlow):
    """Adds an outlet of one of three kinds, or corrects where it is and what it is made of."""

    def __init__(self) -> None:
        self._address: dict[str, Any] = {}
        self._offer: Offer | None = None

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which kind of outlet it is."""
        return self.async_show_menu(step_id="user", menu_options=["guarded", KIND_PLAIN, KIND_ENTITIES])

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Correct an outlet. Its number stays: it is printed on the wall."""
        kind = self._get_reconfigure_subentry().data.get(CONF_KIND)
        if kind == KIND_PLAIN:
            return await self.async_step_reconfigure_plain()
        if kind == KIND_ENTITIES:
            return await self.async_step_reconfigure_entities()
        return await self.async_step_reconfigure_guarded()

    # --- an outlet that guards itself

    async def async_step_guarded(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add an outlet with the Konsento firmware."""
        errors: dict[str, str] = {}
        evse = self._evse(user_input, errors) if user_input else None
        if user_input and evse and (identity := await self._identify(user_input, errors)):
            if outlet_of(self.hass, identity.mac) or is_used_by_entities(self.hass, identity.mac):
                return self.async_abort(reason="already_configured")
            dismiss_discovery(self.hass, identity.mac)
            return self.async_create_entry(
                title=_name(user_input) or identity.name,
                data=outlet_data(_address(user_input), evse),
                unique_id=identity.mac,
            )
        return self._show("guarded", {**_ADDRESS_FIELDS, **self._new_fields()}, user_input, errors)

    async def async_step_reconfigure_guarded(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Correct the address, key or name of an outlet with the Konsento firmware."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None and (identity := await self._identify(user_input, errors)):
            if identity.mac == subentry.unique_id:
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    title=_name(user_input) or identity.name,
                    data=outlet_data(_address(user_input), subentry.data[CONF_EVSE]),
                )
            errors["base"] = "another_outlet"
        shown = user_input or {**subentry.data, CONF_NAME: subentry.title}
        return self._show("reconfigure_guarded", {**_ADDRESS_FIELDS, vol.Optional(CONF_NAME): str}, shown, errors)

    async def _identify(self, user_input: dict[str, Any], errors: dict[str, str]) -> Identity | None:
        try:
            return await identify(_address(user_input), await zeroconf.async_get_async_instance(self.hass))
        except Exception as error:  # noqa: BLE001  # told apart, and logged when unknown, by identify_error
            errors["base"] = identify_error(error)
            return None

    # --- a plain ESPHome device

    async def async_step_plain(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask where the device is."""
        errors: dict[str, str] = {}
        if user_input is not None and await self._look(user_input, errors):
            return await self.async_step_parts()
        return self._show(KIND_PLAIN, _ADDRESS_FIELDS, user_input, errors)

    async def async_step_reconfigure_plain(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask where the device is now."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None and (offer := await self._look(user_input, errors)):
            if offer.identity.mac == (subentry.unique_id or "").partition("_")[0]:
                return await self.async_step_reconfigure_parts()
            errors["base"] = "another_outlet"
        return self._show("reconfigure_plain", _ADDRESS_FIELDS, user_input or dict(subentry.data), errors)

    async def _look(self, user_input: dict[str, Any], errors: dict[str, str]) -> Offer | None:
        try:
            self._offer = await look(_address(user_input), await zeroconf.async_get_async_instance(self.hass))
        except Exception as error:  # noqa: BLE001  # told apart, and logged when unknown, by identify_error
            errors["base"] = identify_error(error)
            return None
        self._address = user_input
        return self._offer

    async def async_step_parts(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which switch and which sensors of the device are the outlet."""
        errors: dict[str, str] = {}
        offer = self._seen
        if user_input is not None and (evse := self._evse(user_input, errors)):
            outlet = offer.id_with(user_input[_RELAY])
            if outlet_of(self.hass, outlet) or is_used_by_entities(self.hass, offer.identity.mac):
                return self.async_abort(reason="already_configured")
            if parts := await self._try_parts(user_input, errors):
                return self.async_create_entry(
                    title=_name(user_input) or offer.identity.name,
                    data=_plain_data(self._address, parts, evse),
                    unique_id=outlet,
                )
        shown = user_input or _unambiguous(offer)
        return self._show("parts", {**_part_fields(offer), **self._new_fields()}, shown, errors)

    async def async_step_reconfigure_parts(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the sensors anew; the relay is the outlet."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            chosen = {**user_input, _RELAY: subentry.data[_RELAY]}
            if parts := await self._try_parts(chosen, errors):
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    title=_name(user_input) or subentry.title,
                    data=_plain_data(self._address, parts, subentry.data[CONF_EVSE]),
                )
        shown = user_input or {**subentry.data, CONF_NAME: subentry.title}
        fields = {field: selector for field, selector in _part_fields(self._seen).items() if field != _RELAY}
        return self._show("reconfigure_parts", {**fields, vol.Optional(CONF_NAME): str}, shown, errors)

    @property
    def _seen(self) -> Offer:
        if self._offer is None:
            raise RuntimeError("the parts of a device are asked for after it was looked at")
        return self._offer

    async def _try_parts(self, user_input: dict[str, Any], errors: dict[str, str]) -> PlainParts | None:
        parts = PlainParts(**{part: user_input[part] for part in PARTS if user_input.get(part)})
        if not parts.power and not parts.energy:
            errors["base"] = "no_meter"
            return None
        try:
            shared = await zeroconf.async_get_async_instance(self.hass)
            await try_parts(_address(self._address), shared, parts)
        except Exception as error:  # noqa: BLE001  # told apart, and logged when unknown, by identify_error
            errors["base"] = identify_error(error)
            return None
        return parts

    # --- entities of Home Assistant

    async def async_step_entities(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the switch and the sensors."""
        errors: dict[str, str] = {}
        if user_input is not None and (evse := self._evse(user_input, errors)) and self._works(user_input, errors):
            relay = stable_id(self.hass, user_input[_RELAY])
            mac = mac_of_entity(self.hass, user_input[_RELAY])
            if outlet_of(self.hass, relay) or (mac and uses_device(self.hass, mac)):
                return self.async_abort(reason="already_configured")
            return self.async_create_entry(
                title=_name(user_input) or self._entity_name(user_input[_RELAY]),
                data=self._entities_data(user_input, evse),
                unique_id=relay,
            )
        return self._show(KIND_ENTITIES, {**_ENTITY_FIELDS, **self._new_fields()}, user_input, errors)

    async def async_step_reconfigure_entities(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the sensors anew; the switch is the outlet."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            chosen = {**user_input, _RELAY: entity_id_of(self.hass, subentry.data[_RELAY]) or ""}
            if self._works(chosen, errors):
                data = self._entities_data(chosen, subentry.data[CONF_EVSE])
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    title=_name(user_input) or subentry.title,
                    data={**data, _RELAY: subentry.data[_RELAY]},
                )
        now = {part: entity_id_of(self.hass, subentry.data[part]) for part in PARTS if subentry.data.get(part)}
        shown = user_input or {**{part: name for part, name in now.items() if name}, CONF_NAME: subentry.title}
        fields = {field: selector for field, selector in _ENTITY_FIELDS.items() if field != _RELAY}
        return self._show("reconfigure_entities", {**fields, vol.Optional(CONF_NAME): str}, shown, errors)

    def _works(self, user_input: dict[str, Any], errors: dict[str, str]) -> bool:
        if not user_input.get("power") and not user_input.get("energy"):
            errors["base"] = "no_meter"
        elif relay_of(self.hass.states.get(user_input[_RELAY])) is None:
            errors["base"] = "no_relay_state"
        for part in ("power", "energy", "voltage", "current"):
            entity_id = user_input.get(part)
            if entity_id and number_of(self.hass.states.get(entity_id), part) is None:
                errors[part] = "no_reading"
        return not errors

    def _entities_data(self, user_input: dict[str, Any], evse: int) -> dict[str, Any]:
        parts = {part: stable_id(self.hass, user_input[part]) for part in PARTS if user_input.get(part)}
        return {CONF_KIND: KIND_ENTITIES, **parts, CONF_EVSE: evse}

    def _entity_name(self, entity_id: str) -> str:
        state = self.hass.states.get(entity_id)
        return state.name if state else entity_id

    # --- what all have in common

    def _evse(self, user_input: dict[str, Any], errors: dict[str, str]) -> int | None:
        site = self._get_entry()
        evse: int = user_input.get(CONF_EVSE) or next_evse(site)
        if evse in _taken(site):
            errors[CONF_EVSE] = "evse_taken"
            return None
        return evse

    def _new_fields(self) -> dict[Any, Any]:
        return {
            vol.Optional(CONF_NAME): str,
            vol.Optional(CONF_EVSE, default=next_evse(self._get_entry())): vol.All(
                vol.Coerce(int), vol.Range(min=1, max=_MAX_EVSE)
            ),
        }

    def _show(
        self, step: str, fields: dict[Any, Any], shown: dict[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        schema = self.add_suggested_values_to_schema(vol.Schema(fields), shown)
        return self.async_show_form(step_id=step, data_schema=schema, errors=errors)


_RELAY = "relay"
_ADDRESS_FIELDS: dict[Any, Any] = {
    vol.Required(CONF_HOST): str,
    vol.Required(CONF_PORT, default=DEFAULT_PORT): cv.port,
    vol.Optional(CONF_KEY): KEY_SELECTOR,
}


def _sensor(device_class: SensorDeviceClass) -> EntitySelector:
    return EntitySelector(EntitySelectorConfig(domain="sensor", device_class=device_class))


_ENTITY_FIELDS: dict[Any, Any] = {
    vol.Required(_RELAY): EntitySelector(EntitySelectorConfig(domain=["switch", "input_boolean"])),
    vol.Optional("energy"): _sensor(SensorDeviceClass.ENERGY),
    vol.Optional("power"): _sensor(SensorDeviceClass.POWER),
    vol.Optional("voltage"): _sensor(SensorDeviceClass.VOLTAGE),
    vol.Optional("current"): _sensor(SensorDeviceClass.CURRENT),
}


def _part_fields(offer: Offer) -> dict[Any, Any]:
    fields: dict[Any, Any] = {}
    for part in PARTS:
        if choices := offer.parts[part]:
            options = [SelectOptionDict(value=object_id, label=name) for object_id, name in choices.items()]
            marker = vol.Required if part == _RELAY else vol.Optional
            fields[marker(part)] = SelectSelector(SelectSelectorConfig(options=options))
    return fields


def _unambiguous(offer: Offer) -> dict[str, Any]:
    return {part: next(iter(choices)) for part, choices in offer.parts.items() if len(choices) == 1}


def _plain_data(address: dict[str, Any], parts: PlainParts, evse: int) -> dict[str, Any]:
    chosen = {part: name for part in PARTS if (name := getattr(parts, part))}
    return {CONF_KIND: KIND_PLAIN, **outlet_data(_address(address), evse), **chosen}


def _name(user_input: dict[str, Any]) -> str:
    name: str = user_input.get(CONF_NAME, "")
    return name.strip()


def _address(user_input: dict[str, Any]) -> OutletAddress:
    return OutletAddress(
        host=user_input[CONF_HOST].strip(), port=user_input[CONF_PORT], key=user_input.get(CONF_KEY) or None
    )
