"""The driver of a guarded outlet: an ESPHome device with the component `charging_outlet`, over the native API."""

import asyncio
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, override

from aioesphomeapi.core import APIConnectionError
from aioesphomeapi.model import DeviceInfo, EntityInfo, EntityState, UserService
from zeroconf.asyncio import AsyncZeroconf

from ..control.driver import OutletFacts, OutletRefusedError, OutletSilentError
from ..control.limits import Limits
from ..control.report import OutletReport
from ..control.words import EndReason
from .address import OutletAddress
from .link import EsphomeLink
from .readings import DECISIVE, REQUIRED, Readings, Value, number

_ANSWER_S = 10.0
"""Upper bound of an action's answer; control is less patient."""
_TOGETHER_S = 0.1
ACTIONS = frozenset({"session_start", "session_renew", "session_limit", "session_stop"})
"""Actions without which a device is no guarded outlet."""
_CAN_WAIT = (1, 3)
"""From this version on the firmware takes a lease of 0."""


class GuardedOutlet(EsphomeLink):
    """One outlet."""

    guarded = True

    def __init__(self, address: OutletAddress, mac: str, name: str, zeroconf: AsyncZeroconf) -> None:
        """`mac`: 12 hexadecimal digits; another device at the same address is not talked to."""
        super().__init__(address, mac, name, zeroconf)
        self._services: dict[str, UserService] = {}
        self._names: dict[int, str] = {}
        self._readings: Readings | None = None
        self._report: OutletReport | None = None
        self._stale = False
        self._telling: asyncio.TimerHandle | None = None
        self._telling_now = False
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

    # --- commands

    async def session_start(self, session_id: str, limits: Limits, lease_s: int) -> None:
        """Close the relay under these limits; with a lease of 0 the session begins waiting."""
        await self._act(
            "session_start",
            session_id=session_id,
            energy_limit_wh=limits.energy_wh,
            time_limit_s=limits.time_s,
            timer_start=str(limits.timer_start),
            lease_s=lease_s,
        )

    async def session_renew(self, session_id: str, seq: int, lease_s: int) -> None:
        """Prolong the lease; closes the relay again for a suspended session. A lease of 0 opens it."""
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

    @override
    def _facts(self, info: DeviceInfo, missing: Sequence[str]) -> OutletFacts:
        return replace(super()._facts(info, missing), can_wait=_version(info.project_version) >= _CAN_WAIT)

    @override
    def _describe(self, entities: Sequence[EntityInfo], services: Sequence[UserService]) -> Sequence[str]:
        self._names = {entity.key: entity.object_id for entity in entities if not entity.device_id}
        self._services = {service.name: service for service in services}
        self._readings = Readings(self._names.values())
        return sorted((REQUIRED - set(self._names.values())) | (ACTIONS - self._services.keys()))

    @override
    def _hear(self, state: EntityState) -> None:
        name = self._names.get(state.key)
        if name is None or state.device_id or self._readings is None:
            return
        value: Value = None if getattr(state, "missing_state", False) else getattr(state, "state", None)
        if name == "loopback":
            echo = self._echoes.get(int(value)) if isinstance(value, float) and math.isfinite(value) else None
            if echo and not echo.done():
                echo.set_result(None)
        elif name == "max_power":
            self.facts = replace(self.facts, max_power_w=number(value))
        elif name == "max_current":
            self.facts = replace(self.facts, max_current_a=number(value))
        if self._readings.take(name, value):
            self._stale = True
            self._tried.set()
            self._tell_soon(urgent=name in DECISIVE)

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

    @override
    def _tell(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        self._telling_now = False
        super()._tell()

    @override
    def _lose(self) -> None:
        self._services = {}
        for command in self._commands:
            # Its answer will not come any more: the library would go on waiting.
            command.cancel()
        self._readings = None
        self._report = None
        self._stale = False


def _version(text: str) -> tuple[int, ...]:
    """Return major and minor of a version; nothing of what is none."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return tuple(int(number) for number in found.groups()) if found else ()
