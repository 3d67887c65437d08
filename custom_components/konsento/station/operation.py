"""Availability, triggers, the link trace, and what a bare outlet can only answer truthfully (OCPP 2.1 G, F06, N, P)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from ..control.driver import OutletRefusedError, OutletSilentError
from ..control.outlet import OutletControl
from ..control.trace import Hop, trace_outlet
from ..control.words import Refusal
from .frames import Payload
from .labelling import MESSAGE as OUTLET_LABELS
from .labelling import Labelling
from .link import Actions, Link
from .messages import VENDOR_ID, status_info, timestamp
from .recommending import MESSAGE as RECOMMENDED_WINDOWS
from .recommending import Recommending

_TRIGGERS = frozenset({"BootNotification", "Heartbeat", "StatusNotification", "TransactionEvent"})
_DEFAULT_BLINK_S, _LONGEST_BLINK_S = 10, 60


class Operation:
    """What concerns the outlets rather than the sessions on them."""

    def __init__(self, link: Link, trigger: Callable[[str, int | None], bool], line: Callable[[], Hop]) -> None:
        """`trigger` sends a message (and of which outlet) soon after it was called, unless it returns False.

        `line` is the hop to the server.
        """
        self._link = link
        self._trigger = trigger
        self._line = line
        self._recommending = Recommending(link)
        self._labelling = Labelling(link)
        self.actions: Actions = {
            "ChangeAvailability": self._availability,
            "TriggerMessage": self._trigger_message,
            "DataTransfer": self._data_transfer,
            "UnlockConnector": self._unlock,
            "ClearCache": self._clear_cache,
            "GetLocalListVersion": self._local_list_version,
            "CustomerInformation": self._customer_information,
        }

    async def _availability(self, payload: Payload) -> Payload:
        site = self._link.site
        evse = payload["evse"]["id"] if "evse" in payload else None
        if evse is not None and evse not in site.outlets:
            return _rejected(Refusal.UNKNOWN_OUTLET)
        at_once = await site.set_service(self._link.server, evse, payload["operationalStatus"] == "Operative")
        return {"status": "Accepted" if at_once else "Scheduled"}

    async def _trigger_message(self, payload: Payload) -> Payload:
        message, evse = payload["requestedMessage"], payload.get("evse", {}).get("id")
        if message not in _TRIGGERS:
            return {"status": "NotImplemented"}
        if evse is not None and evse not in self._link.site.outlets:
            return _rejected(Refusal.UNKNOWN_OUTLET)
        if not self._trigger(message, evse):
            # The boot that the server has accepted stands (OCPP 2.1 F06.FR.17).
            return _rejected("AlreadyAccepted")
        return {"status": "Accepted"}

    # --- our own: recommended windows, labels, link trace and presence

    async def _data_transfer(self, payload: Payload) -> Payload:
        if payload["vendorId"] != VENDOR_ID:
            return {"status": "UnknownVendorId"}
        message = payload.get("messageId")
        data = payload.get("data")
        if message == RECOMMENDED_WINDOWS:
            return self._recommending.take(data)
        if message == OUTLET_LABELS:
            return await self._labelling.take(data)
        if message not in {"LinkTrace", "Identify"}:
            return {"status": "UnknownMessageId"}
        if not isinstance(data, dict) or (control := self._outlet(data)) is None:
            return _rejected(Refusal.UNKNOWN_OUTLET)
        if message == "Identify":
            return await self._identify(control, data.get("seconds", _DEFAULT_BLINK_S))
        hops = [self._line(), await trace_outlet(control)]
        return {"status": "Accepted", "data": {"hops": [_hop(hop) for hop in hops]}}

    def _outlet(self, data: Payload) -> OutletControl | None:
        evse = data.get("evseId")
        # True is 1 to Python, but no number to anyone else.
        return self._link.site.outlets.get(evse) if isinstance(evse, int) and evse is not True else None

    async def _identify(self, control: OutletControl, seconds: object) -> Payload:
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= _LONGEST_BLINK_S:
            return _rejected("BadSeconds", f"seconds must be 1 to {_LONGEST_BLINK_S}")
        try:
            async with asyncio.timeout(self._link.site.settings.answer_s):
                await control.driver.identify(seconds)
        except OutletRefusedError as error:
            return _rejected(Refusal.DEVICE, str(error))
        except (OutletSilentError, TimeoutError) as error:
            return _rejected(Refusal.OFFLINE, str(error))
        return {"status": "Accepted"}

    # --- what a bare outlet has not got

    async def _unlock(self, payload: Payload) -> Payload:
        known = payload["evseId"] in self._link.site.outlets and payload["connectorId"] == 1
        return {"status": "UnlockFailed" if known else "UnknownConnector", "statusInfo": status_info("NoLock")}

    async def _clear_cache(self, payload: Payload) -> Payload:
        return {"status": "Rejected", "statusInfo": status_info("NoCache")}

    async def _local_list_version(self, payload: Payload) -> Payload:
        # 0 = there is no local list (D02.FR.03).
        return {"versionNumber": 0}

    async def _customer_information(self, payload: Payload) -> Payload:
        """Say that nothing is known about anybody, which is so (N09, N10)."""
        if payload["report"]:
            self._link.send(
                "NotifyCustomerInformation",
                {
                    "data": "This site keeps no customer data.",
                    "seqNo": 0,
                    "tbc": False,
                    "generatedAt": timestamp(datetime.now(UTC)),
                    "requestId": payload["requestId"],
                },
            )
        return {"status": "Accepted"}


def _rejected(reason: str, sentence: str = "") -> Payload:
    return {"status": "Rejected", "statusInfo": status_info(reason, sentence)}


def _hop(hop: Hop) -> Payload:
    answer: Payload = {"hop": hop.name, "reachable": hop.reachable}
    if hop.round_trip_s is not None:
        answer["roundTripMs"] = round(hop.round_trip_s * 1000, 1)
    return answer
