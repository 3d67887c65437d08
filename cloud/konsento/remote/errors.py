"""Why a request to a station brought nothing, in words for the staff and its programs."""

from konsento.kit.errors import KonsentoError
from konsento.ocpp.schemas import Fault


class UnknownStation(KonsentoError):
    """No site has this OCPP identity."""

    status = 404
    message = "There is no station with this identity."


class UnknownRequest(KonsentoError):
    """The station's OCPP version has no such request."""

    status = 404
    message = "{version} has no request “{action}” from a server to a station. Nothing was sent."


class RequestNotAllowed(KonsentoError):
    """The official schema does not allow the payload; `faults` says where and why."""

    status = 422
    message = "The official schema does not allow this request. Nothing was sent. Correct what is named and try again."

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__()
        self.faults = faults


class StationNotConnected(KonsentoError):
    """The station has no connection."""

    message = "The station is not connected. Nothing was sent. Try again when it is."


class StationHasToAnswerFirst(KonsentoError):
    """Earlier requests were in the way until the time was over."""

    message = "The station has not answered earlier requests yet. Nothing was sent. Try again in a moment."


class StationRefused(KonsentoError):
    """The station answered with an error (CALLERROR)."""

    status = 502
    message = "The station answered with the error {error}: {description}"


class NoAnswerFromStation(KonsentoError):
    """The request was sent, and no answer came."""

    status = 504
    message = "The request was sent and no answer came in time. The station may have acted. Look before asking again."


class LinkLost(KonsentoError):
    """The request was sent, and the connection ended before its answer."""

    status = 504
    message = "The connection ended before the answer came. The station may have acted. Look before asking again."


class AnswerUnreadable(KonsentoError):
    """The station's answer is no answer of OCPP."""

    status = 502
    message = "The station answered, but its answer cannot be read. It may have acted. Look before asking again."
