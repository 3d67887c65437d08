"""The requests of a station by which nothing here decides: what is answered to each.

News is taken: it stands in the journal of messages, where the staff finds it. What this server cannot do is refused by
the status that says so, so that a station goes another way instead of waiting.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from konsento.ocpp.messages import Version

type Answer = dict[str, Any]
type _Answering = Callable[["OtherMessage", datetime], Answer]


class OtherMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A request that fits the official schema of its version."""

    action: str
    payload: dict[str, Any]
    version: Version


def answer(message: OtherMessage, now: datetime) -> Answer:
    """Return the payload of the CALLRESULT."""
    answering = _ANSWERS.get(message.action)
    return answering(message, now) if answering is not None else {}


def _status(status: str, **more: Any) -> _Answering:
    return lambda _message, _now: {"status": status, **more}


def _needs(message: OtherMessage, _now: datetime) -> Answer:
    # Which outlet gives how much is up to the site; 2.0.1 has no word for "no profile will come".
    return {"status": "NoChargingProfile" if message.version is Version.V21 else "Rejected"}


def _chain(message: OtherMessage, now: datetime) -> Answer:
    asked = message.payload["certificateStatusRequests"]
    return {
        "certificateStatus": [
            {
                "certificateHashData": one["certificateHashData"],
                "source": one["source"],
                "status": "Failed",
                "nextUpdate": now,
            }
            for one in asked
        ]
    }


def _vat_number(message: OtherMessage, _now: datetime) -> Answer:
    echoed = {name: value for name, value in message.payload.items() if name in {"vatNumber", "evseId"}}
    return echoed | {"status": "Rejected"}


_ANSWERS: Final[Mapping[str, _Answering]] = {
    "Get15118EVCertificate": _status("Failed", exiResponse=""),
    "GetCertificateChainStatus": _chain,
    "GetCertificateStatus": _status("Failed"),
    "NotifyEVChargingNeeds": _needs,
    # That the message was understood; it approves of nothing (K17).
    "NotifyEVChargingSchedule": _status("Accepted"),
    # A monitor of the operator's own asked for it; what comes is in the journal.
    "OpenPeriodicEventStream": _status("Accepted"),
    "PullDynamicScheduleUpdate": _status("Rejected"),
    "SignCertificate": _status("Rejected"),
    "VatNumberValidation": _vat_number,
}
"""What is answered to those whose answer says more than "taken"."""
