"""The connection to one ESPHome device, whatever is then made of it."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from aioesphomeapi.core import (
    APIConnectionError,
    BadMACAddressAPIError,
    EncryptionPlaintextAPIError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
)
from aioesphomeapi.model import DeviceInfo, EntityInfo, EntityState, UserService
from aioesphomeapi.reconnect_logic import ReconnectLogic
from zeroconf.asyncio import AsyncZeroconf

from ..control.driver import OutletFacts
from .address import OutletAddress, mac_of, make_client

_LOGGER = logging.getLogger(__name__)

_KEY_ERRORS = (RequiresEncryptionAPIError, InvalidEncryptionKeyAPIError, EncryptionPlaintextAPIError)


class EsphomeLink(ABC):
    """One device. It connects, and connects again, by itself until it is stopped."""

    def __init__(self, address: OutletAddress, mac: str, name: str, zeroconf: AsyncZeroconf) -> None:
        """`mac`: 12 hexadecimal digits; another device at the same address is not talked to."""
        self.name = name
        self.mac = mac
        self.facts = OutletFacts()
        self.connected = False
        self.key_refused = False
        self.address_taken = False
        self._client = make_client(address, zeroconf, expected_mac=mac)
        self._logic = ReconnectLogic(
            client=self._client,
            on_connect=self._on_connect,
            on_disconnect=self._on_disconnect,
            on_connect_error=self._on_connect_error,
            zeroconf_instance=zeroconf,
        )
        self._listeners: list[Callable[[], None]] = []
        self._told_lost = False
        self._tried = asyncio.Event()

    @abstractmethod
    def _describe(self, entities: Sequence[EntityInfo], services: Sequence[UserService]) -> Sequence[str]:
        """Learn what the device has; returns what is missing: with that, the device is not used."""

    def _facts(self, info: DeviceInfo, missing: Sequence[str]) -> OutletFacts:
        """Return what the device says it is."""
        return OutletFacts(
            manufacturer=info.manufacturer,
            model=info.model,
            firmware=info.project_version or info.esphome_version,
            missing=tuple(missing),
        )

    @abstractmethod
    def _hear(self, state: EntityState) -> None:
        """Take in a state."""

    @abstractmethod
    def _lose(self) -> None:
        """Forget what the connection has told."""

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after every change; returns what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def _tell(self) -> None:
        for callback in list(self._listeners):
            callback()

    async def start(self) -> None:
        """Begin to connect."""
        await self._logic.start()

    async def stop(self) -> None:
        """End the connection for good; what runs on a guarded outlet goes on under its own limits."""
        # Being away is no news from now on.
        self._told_lost = True
        await self._logic.stop()
        await self._client.disconnect()

    async def tried(self, timeout_s: float) -> None:
        """Wait until the outlet has reported or could not be reached, at most `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._tried.wait()
        except TimeoutError:
            _LOGGER.debug("Outlet %s: neither reached nor refused within %s s", self.name, timeout_s)

    def hang_up(self) -> None:
        """Drop a connection that no longer answers."""
        self._client.force_disconnect()

    async def _on_connect(self) -> None:
        self.key_refused = False
        # Keys are hashes of names and the firmware may be another one than last time: everything is looked up anew.
        try:
            info, entities, services = await self._client.device_info_and_list_entities()
        except (APIConnectionError, TimeoutError) as error:
            _LOGGER.warning("Outlet %s connected but did not describe itself: %s", self.name, error)
            self._client.force_disconnect()
            return
        if mac_of(info) != self.mac:
            # The client compares it only on encrypted connections.
            self._another(f"its MAC is {info.mac_address}")
            self._client.force_disconnect()
            return
        missing = self._describe(entities, services)
        self.facts = self._facts(info, missing)
        if missing:
            _LOGGER.error("Outlet %s runs a firmware without %s; not used", self.name, ", ".join(missing))
            self._lose()
            self._tried.set()
            self._tell()
            return
        self.address_taken = False
        self.connected = True
        if self._told_lost:
            _LOGGER.info("Outlet %s is back", self.name)
            self._told_lost = False
        try:
            self._client.subscribe_states(self._hear)
        except APIConnectionError as error:
            _LOGGER.warning("Outlet %s went away while connecting: %s", self.name, error)

    async def _on_disconnect(self, expected: bool) -> None:
        self._forget("disconnected" if expected else "connection lost")

    async def _on_connect_error(self, error: Exception) -> None:
        self.key_refused = isinstance(error, _KEY_ERRORS)
        if isinstance(error, BadMACAddressAPIError):
            self._another(str(error))
        # The library waits up to a minute between attempts. A driver stands in front of it, so the wait is held to the
        # shorter of its two bounds (15 s); the switch for that is named after devices that sleep.
        self._logic.deep_sleep = True
        self._forget(str(error))
        self._tried.set()

    def _another(self, why: str) -> None:
        if not self.address_taken:
            _LOGGER.error("Outlet %s: another device answers at its address; not used: %s", self.name, why)
            self.address_taken = True
        self._told_lost = True
        self._tried.set()

    def _forget(self, why: str) -> None:
        if not self._told_lost:
            _LOGGER.warning("Outlet %s cannot be reached: %s", self.name, why)
            self._told_lost = True
        self.connected = False
        self._lose()
        self._tell()
