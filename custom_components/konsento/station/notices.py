"""What a server is told of outlets beside their states: problems, tampering, presence (OCPP 2.1 A04, N07)."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from ..control.happenings import Happening
from ..control.problems import Problem
from .link import Link
from .messages import VENDOR_ID, timestamp

_numbers = itertools.count(1)


class Notices:
    """Tells one management server what happens at the outlets."""

    def __init__(self, link: Link) -> None:
        self._link = link
        for evse, control in link.site.outlets.items():
            for problem in sorted(control.problems):
                self._problem(evse, problem, over=False)

    def take(self, evse: int, happening: Happening, data: dict[str, Any]) -> None:
        """Look whether the server is to be told."""
        match happening:
            case Happening.PROBLEM | Happening.SOLVED:
                self._problem(evse, Problem(data["problem"]), over=happening is Happening.SOLVED)
            case Happening.BUTTON:
                # Somebody stands in front of the outlet: proof of presence against copied codes. By the server's clock,
                # because it tells by the time whether the press came before it asked for one.
                at = timestamp(datetime.now(UTC) + timedelta(seconds=self._link.clock_offset_s()))
                self._link.send(
                    "DataTransfer",
                    {"vendorId": VENDOR_ID, "messageId": "ButtonPressed", "data": {"evseId": evse, "timestamp": at}},
                )

    def _problem(self, evse: int, problem: Problem, *, over: bool) -> None:
        at = timestamp(datetime.now(UTC))
        if problem.is_tamper and not over:
            self._link.send(
                "SecurityEventNotification",
                {"type": "TamperDetectionActivated", "timestamp": at, "techInfo": f"outlet {evse}: {problem}"},
            )
        self._link.send(
            "NotifyEvent",
            {
                "generatedAt": at,
                "seqNo": 0,
                "tbc": False,
                "eventData": [
                    {
                        "eventId": next(_numbers),
                        "timestamp": at,
                        "trigger": "Alerting",
                        "actualValue": "false" if over else "true",
                        "techCode": str(problem),
                        "cleared": over,
                        "eventNotificationType": "HardWiredNotification",
                        "component": {"name": "EVSE", "evse": {"id": evse}},
                        "variable": {"name": "Problem"},
                    }
                ],
            },
        )
