"""The payloads that the station sends; every one fits the schemas of OCPP 2.1 and of 2.0.1."""

from datetime import UTC, datetime

from ..control.events import EventKind, SessionEvent, Trigger
from ..control.limits import Limits
from ..control.words import Connector
from .frames import Payload

VENDOR_ID = "org.konsento"
"""Marks what OCPP has no field for."""
_CONTEXT = {
    EventKind.STARTED: "Transaction.Begin",
    EventKind.UPDATED: "Sample.Periodic",
    EventKind.ENDED: "Transaction.End",
}


def timestamp(at: datetime) -> str:
    """Return a time as OCPP writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boot_notification(version: str, reason: str) -> Payload:
    """Present the site."""
    return {
        "reason": reason,
        "chargingStation": {"model": "Konsento site", "vendorName": "Konsento", "firmwareVersion": version},
    }


def status_notification(evse: int, connector: Connector, why: str | None, at: datetime) -> Payload:
    """State of one outlet; `why` it is unavailable."""
    payload: Payload = {
        "timestamp": timestamp(at),
        "connectorStatus": str(connector),
        "evseId": evse,
        "connectorId": 1,
    }
    if why:
        payload["customData"] = {"vendorId": VENDOR_ID, "reason": why}
    return payload


def transaction_event(event: SessionEvent, version: str, offline: bool, token: Payload | None = None) -> Payload:
    """One step of a session. `offline`: it is history, nothing is to be done about it now; `token`: of its start.

    `version` of OCPP: 2.0.1 has no words for limits.
    """
    ended = event.kind is EventKind.ENDED
    info: Payload = {
        "transactionId": event.session_id,
        "chargingState": "Idle" if ended else "Charging" if event.supplying else "SuspendedEVSE",
        "timeSpentCharging": event.supply_s,
    }
    if event.remote_start_id is not None:
        info["remoteStartId"] = event.remote_start_id
    if event.end_reason is not None:
        info["stoppedReason"] = str(event.end_reason)
    trigger = event.trigger
    if version == "2.0.1":
        trigger = Trigger.ASKED if trigger is Trigger.LIMIT_SET else trigger
    elif event.limits:
        info["transactionLimit"] = _limit(event.limits)
    context = _CONTEXT[event.kind]
    samples: list[Payload] = [
        _sample("Energy.Active.Import.Register", event.register_mwh / 1000, "Wh", context),
        _sample("Power.Active.Import", round(event.power_w, 3), "W", context),
    ]
    if event.voltage_v is not None:
        samples.append(_sample("Voltage", round(event.voltage_v, 3), "V", context))
    if event.current_a is not None:
        samples.append(_sample("Current.Import", round(event.current_a, 3), "A", context))
    payload: Payload = {
        "eventType": str(event.kind),
        "timestamp": timestamp(event.at),
        "triggerReason": str(trigger),
        "seqNo": event.seq_no,
        "offline": offline,
        "transactionInfo": info,
        "meterValue": [{"timestamp": timestamp(event.at), "sampledValue": samples}],
    }
    if event.kind is EventKind.STARTED:
        payload["evse"] = {"id": event.evse, "connectorId": 1}
        if token:
            payload["idToken"] = token
    if event.power_type or event.supplier:
        # The measurement stays with what was sold.
        payload["customData"] = {"vendorId": VENDOR_ID, "powerType": event.power_type, "supplier": event.supplier}
    return payload


def _limit(limits: Limits) -> Payload:
    named = {"maxEnergy": limits.energy_wh, "maxTime": limits.time_s}
    return {name: value for name, value in named.items() if value}


def _sample(measurand: str, value: float, unit: str, context: str) -> Payload:
    return {"measurand": measurand, "value": value, "context": context, "unitOfMeasure": {"unit": unit}}


def status_info(reason: str, sentence: str = "") -> Payload:
    """Say why something was refused."""
    return {"reasonCode": reason, **({"additionalInfo": sentence[:1024]} if sentence else {})}
