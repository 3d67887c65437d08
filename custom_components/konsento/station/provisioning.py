"""The device model, as a management server reads and sets it, and resets (OCPP 2.1 B)."""

import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from ..control.words import EndReason, Refusal
from .device_model import DeviceModel, Variable
from .frames import Payload
from .link import Actions, Link
from .messages import status_info, timestamp
from .variables import ITEMS_PER_REPORT


class Provisioning:
    """Reads, sets and reports; makes the link anew when it is told to."""

    def __init__(self, link: Link, variables: Callable[[], Iterable[Variable]], reset: Callable[[], None]) -> None:
        """`variables`: those of this moment; `reset` makes the link anew as soon as none of its sessions runs."""
        self._link = link
        self._variables = variables
        self._reset_link = reset
        self.actions: Actions = {
            "GetVariables": self._get,
            "SetVariables": self._set,
            "GetBaseReport": self._base_report,
            "GetReport": self._report,
            "Reset": self._reset,
        }

    def _model(self) -> DeviceModel:
        return DeviceModel(self._variables())

    async def _get(self, payload: Payload) -> Payload:
        return {"getVariableResult": self._model().get(payload["getVariableData"])}

    async def _set(self, payload: Payload) -> Payload:
        return {"setVariableResult": self._model().put(payload["setVariableData"])}

    async def _base_report(self, payload: Payload) -> Payload:
        return self._told(payload["requestId"], self._model().inventory(payload["reportBase"]))

    async def _report(self, payload: Payload) -> Payload:
        items = self._model().report(payload.get("componentCriteria", ()), payload.get("componentVariable", ()))
        return self._told(payload["requestId"], items)

    def _told(self, request_id: int, items: list[Payload]) -> Payload:
        if not items:
            return {"status": "EmptyResultSet"}
        parts = list(itertools.batched(items, ITEMS_PER_REPORT, strict=False))
        for number, part in enumerate(parts):
            self._link.send(
                "NotifyReport",
                {
                    "requestId": request_id,
                    "generatedAt": timestamp(datetime.now(UTC)),
                    "seqNo": number,
                    "tbc": number < len(parts) - 1,
                    "reportData": list(part),
                },
            )
        return {"status": "Accepted"}

    async def _reset(self, payload: Payload) -> Payload:
        """End this server's sessions, if it says so, and begin its link anew.

        The site is part of its owner's Home Assistant, which is not restarted for a server; nor are the sessions of
        others touched. An ended session is told as any other, with the reason ImmediateReset (B12).
        """
        site, server, evse = self._link.site, self._link.server, payload.get("evseId")
        if evse is not None and evse not in site.outlets:
            return {"status": "Rejected", "statusInfo": status_info(Refusal.UNKNOWN_OUTLET)}
        running = site.sessions_of(server, evse)
        if payload["type"] == "Immediate":
            for session in running:
                await site.stop(server, session.id, EndReason.IMMEDIATE_RESET)
        if evse is None:
            self._reset_link()
        # ImmediateAndResume: the sessions outlive the link anyway.
        return {"status": "Scheduled" if running and payload["type"] == "OnIdle" else "Accepted"}
