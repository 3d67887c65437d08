"""The driver of a guarded outlet: an ESPHome device with the component `charging_outlet`, over the native API."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

from aioesphomeapi.core import (
    APIConnectionError,
    BadMACAddressAPIError,
    EncryptionPlaintextAPIError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
)
from aioesphomeapi.model import DeviceInfo, EntityState, UserService
from aioesphomeapi.reconnect_logic import ReconnectLogic
from zeroconf.asyncio import AsyncZeroconf

from ..control.driver import OutletFacts, OutletRefusedError, OutletSilentError
from ..control.limits import Limits
from ..control.report import OutletReport
from ..control.words import EndReason
from .address import OutletAddress, mac_of, make_client
from .readings import DECISIVE, REQUIRED, Readings, Value

_LOGGER = logging.getLogger(__name__)

_ANSWER_S = 10.0
"""Upper bound of an action's answer; control is less patient."""
_TOGETHER_S = 0.1
ACTIONS = frozenset({"session_start", "session_renew", "session_limit", "session_stop"})
"""Actions without which a device is no guarded outlet."""
_KEY_ERRORS = (RequiresEncryptionAPIError, InvalidEncryptionKeyAPIError, EncryptionPlaintextAPIError)


class GuardedOutlet:
    """One outlet. It connects, and connects again, by itself until it is stopped."""

    def __init__(self, address: OutletAddress, mac: str, name: str, zeroconf: AsyncZeroconf) -> None:
        """`mac`: 12 hexadecimal digits; another device at the same address is not talked to."""
        self.name = name
        self.mac = mac
        self.facts = OutletFacts()
        self.connected = False
        self.guarded = True
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
        self._services: dict[str, UserService] = {}
        self._names: dict[int, str] = {}
        self._readings: Readings | None = None
        self._report: OutletReport | None = None
        self._stale = False
        self._listeners: list[Callable[[], None]] = []
        self._told_lost = False
        self._telling: asyncio.TimerHandle | None = None
        self._telling_now = False
        self._tried = asyncio.Event()
        self._commands: set[asyncio.Future[Any]] = set()
        self._echoes: dict[int, asyncio.Future[None]] = {}

    @property
    def report(self) -> OutletReport | None:
        """The newest reading; None while not connected or not yet complete."""
        if self._stale and self._readings is not None:
            # Put together when somebody looks: a change comes as several states.
            self._report = self._readings.report()
            self._stale = False
        return self._report

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after every change; returns what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def _tell_soon(self, *, urgent: bool) -> None:
        """Tell those who listen once of a change that comes as several states, mostly in one packet.

        A meter's readings come in several packets; for them it can wait until they are together.
        """
        loop = asyncio.get_running_loop()
        if urgent and not self._telling_now:
            self._telling_now = True
            loop.call_soon(self._tell)
        elif self._telling is None and not self._telling_now:
            self._telling = loop.call_later(_TOGETHER_S, self._tell)

    def _tell(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        self._telling_now = False
        for callback in list(self._listeners):
            callback()

    async def start(self) -> None:
        """Begin to connect."""
        await self._logic.start()

    async def stop(self) -> None:
        """End the connection for good; what runs on the outlet goes on under its own limits."""
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

    # --- commands

    async def session_start(self, session_id: str, limits: Limits, lease_s: int) -> None:
        """Close the relay under these limits."""
        await self._act(
            "session_start",
            session_id=session_id,
            energy_limit_wh=limits.energy_wh,
            time_limit_s=limits.time_s,
            timer_start=str(limits.timer_start),
            lease_s=lease_s,
        )

    async def session_renew(self, session_id: str, seq: int, lease_s: int) -> None:
        """Prolong the lease; closes the relay again for a suspended session."""
        await self._act("session_renew", session_id=session_id, seq=seq, lease_s=lease_s)

    async def session_stop(self, session_id: str, reason: EndReason) -> None:
        """End a session."""
        await self._act("session_stop", session_id=session_id, reason=str(reason))

    async def session_limit(self, session_id: str, limits: Limits) -> None:
        """Change the limits of a session."""
        await self._act(
            "session_limit", session_id=session_id, energy_limit_wh=limits.energy_wh, time_limit_s=limits.time_s
        )

    async def enable(self, enabled: bool) -> None:
        """Take sessions, or refuse them."""
        await self._act("outlet_enable", enabled=enabled)

    async def clear_fault(self, fault: str) -> None:
        """Forget a latched fault whose cause is gone."""
        await self._act("fault_clear", code=fault)

    async def loopback(self, number: int) -> None:
        """Send a number there and back: returns when the outlet has published it."""
        seen: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._echoes[number] = seen
        try:
            await self._act("loopback", seq=number)
            async with asyncio.timeout(_ANSWER_S):
                await seen
        except TimeoutError as error:
            raise OutletSilentError("the number was taken but does not come back") from error
        finally:
            del self._echoes[number]

    async def identify(self, seconds: int) -> None:
        """Have the outlet's light blink."""
        await self._act("identify", seconds=seconds)

    async def _act(self, action: str, **arguments: str | int | bool) -> None:
        service = self._services.get(action)
        if service is None:
            raise OutletSilentError("not connected")
        command = asyncio.ensure_future(
            self._client.execute_service(service, dict(arguments), return_response=False, timeout=_ANSWER_S)
        )
        self._commands.add(command)
        try:
            await asyncio.wait([command])
            answer = command.result()
        except asyncio.CancelledError as error:
            if not command.cancelled():
                # Whoever waits has been cancelled, not the command.
                command.cancel()
                raise
            raise OutletSilentError("the connection was lost before the answer came") from error
        except (APIConnectionError, TimeoutError) as error:
            raise OutletSilentError(str(error) or "no answer") from error
        finally:
            self._commands.discard(command)
        if answer is None:
            raise OutletSilentError("the firmware does not confirm actions")
        if not answer.success:
            code, _, sentence = answer.error_message.partition(": ")
            raise OutletRefusedError(code, sentence)

    # --- the connection

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
        self._names = {entity.key: entity.object_id for entity in entities if not entity.device_id}
        self._services = {service.name: service for service in services}
        missing = sorted((REQUIRED - set(self._names.values())) | (ACTIONS - self._services.keys()))
        self.facts = _facts(info, missing)
        if missing:
            _LOGGER.error("Outlet %s runs a firmware without %s; not used", self.name, ", ".join(missing))
            self._services = {}
            self._tried.set()
            self._tell()
            return
        self.address_taken = False
        self.connected = True
        self._readings = Readings(self._names.values())
        if self._told_lost:
            _LOGGER.info("Outlet %s is back", self.name)
            self._told_lost = False
        try:
            self._client.subscribe_states(self._on_state)
        except APIConnectionError as error:
            _LOGGER.warning("Outlet %s went away while connecting: %s", self.name, error)

    def _on_state(self, state: EntityState) -> None:
        name = self._names.get(state.key)
        if name is None or state.device_id or self._readings is None:
            return
        value: Value = None if getattr(state, "missing_state", False) else getattr(state, "state", None)
        if name == "loopback":
            echo = self._echoes.get(int(value)) if isinstance(value, float) and math.isfinite(value) else None
            if echo and not echo.done():
                echo.set_result(None)
        if self._readings.take(name, value):
            self._stale = True
            self._tried.set()
            self._tell_soon(urgent=name in DECISIVE)

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
        self._services = {}
        for command in self._commands:
            # Its answer will not come any more: the library would go on waiting.
            command.cancel()
        self._readings = None
        self._report = None
        self._stale = False
        self._tell()


def _facts(info: DeviceInfo, missing: Sequence[str]) -> OutletFacts:
    return OutletFacts(
        manufacturer=info.manufacturer, model=info.model, firmware=info.project_version, missing=tuple(missing)
    )
