"""The driver of a guarded outlet: an ESPHome device with the component `charging_outlet`, over the native API."""

import asyncio
import math
from collections.abc import Sequence
from typing import override

from aioesphomeapi.core import APIConnectionError
from aioesphomeapi.model import EntityInfo, EntityState, UserService
from zeroconf.asyncio import AsyncZeroconf

from ..control.driver import OutletRefusedError, OutletSilentError
from ..control.limits import Limits
from ..control.report import OutletReport
from ..control.words import EndReason
from .address import OutletAddress
from .link import EsphomeLink
from .readings import REQUIRED, Readings, Value

_ANSWER_S = 10.0
"""Upper bound of an action's answer; control is less patient."""
ACTIONS = frozenset({"session_start", "session_renew", "session_limit", "session_stop"})
"""Actions without which a device is no guarded outlet."""


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
        self._telling = False
        self._echoes: dict[int, asyncio.Future[None]] = {}

    @property
    def report(self) -> OutletReport | None:
        """The newest reading; None while not connected or not yet complete."""
        return self._report

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
        try:
            answer = await self._client.execute_service(
                service, dict(arguments), return_response=False, timeout=_ANSWER_S
            )
        except (APIConnectionError, TimeoutError) as error:
            raise OutletSilentError(str(error) or "no answer") from error
        if answer is None:
            raise OutletSilentError("the firmware does not confirm actions")
        if not answer.success:
            code, _, sentence = answer.error_message.partition(": ")
            raise OutletRefusedError(code, sentence)

    # --- the connection

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
        if self._readings.take(name, value):
            self._report = self._readings.report()
            self._tried.set()
            if not self._telling:
                # A change comes as several states, mostly in one packet: those who listen are told once.
                self._telling = True
                asyncio.get_running_loop().call_soon(self._tell)

    @override
    def _tell(self) -> None:
        self._telling = False
        super()._tell()

    @override
    def _lose(self) -> None:
        self._services = {}
        self._readings = None
        self._report = None
