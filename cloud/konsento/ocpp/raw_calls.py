"""Requests that are sent as they are: what a station's OCPP version allows of them."""

from typing import Any

from konsento.ocpp import schemas
from konsento.ocpp.actions import to_station
from konsento.ocpp.errors import BadPayload, UnknownAction
from konsento.ocpp.messages import Version
from konsento.ocpp.schemas import Side


def check_raw(station_id: str, action: str, payload: dict[str, Any], version: Version) -> None:
    """Check a request by the official schema. Raises UnknownAction and BadPayload."""
    if action not in to_station(version):
        raise UnknownAction(station_id, action, version)
    faults = schemas.faults(action, Side.REQUEST, payload, version)
    if faults:
        raise BadPayload(station_id, action, faults)
