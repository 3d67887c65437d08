"""Why a call to a station brought no answer. The classes differ in whether the station may have acted."""

from typing import Literal

from konsento.ocpp.schemas import Fault


class CallError(Exception):
    """A call to a station failed. The message names station and action, never what was in the call."""

    def __init__(self, station_id: str, action: str, reason: str) -> None:
        super().__init__(f"{action} to station {station_id}: {reason}")
        self.station_id = station_id
        self.action = action


class StationOffline(CallError):
    """The station has no connection. Nothing was sent, so nothing has happened there."""

    def __init__(self, station_id: str, action: str) -> None:
        super().__init__(station_id, action, "the station is not connected")


class StationBusy(CallError):
    """Earlier calls to the station were in the way until the time was over. Nothing was sent."""

    def __init__(self, station_id: str, action: str) -> None:
        super().__init__(station_id, action, "earlier calls are still waiting for their answers")


class CallTimeout(CallError):
    """The call was sent and no usable answer came. The station **may have acted**: find out before undoing anything.

    `cause` says which: no answer in time, the link was lost meanwhile, or the answer could not be read.
    """

    def __init__(
        self, station_id: str, action: str, cause: Literal["no answer in time", "link lost", "unreadable answer"]
    ) -> None:
        super().__init__(station_id, action, cause)
        self.cause = cause


class CallRefused(CallError):
    """The station answered CALLERROR with this OCPP error code, or its version lacks the request (NotSupported)."""

    def __init__(self, station_id: str, action: str, code: str, description: str = "") -> None:
        super().__init__(station_id, action, f"{code} {description}".rstrip())
        self.code = code
        self.description = description


class UnknownAction(CallError):
    """The station's OCPP version has no such request to a station. Nothing was sent."""

    def __init__(self, station_id: str, action: str, version: str) -> None:
        super().__init__(station_id, action, f"{version} has no such request to a station")
        self.version = version


class BadPayload(CallError):
    """The official schema does not allow the request; `faults` says where and why. Nothing was sent."""

    def __init__(self, station_id: str, action: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(station_id, action, "; ".join(f"{fault.pointer or '/'}: {fault.sentence}" for fault in faults))
        self.faults = faults
