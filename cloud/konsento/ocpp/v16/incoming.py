"""What a station of 1.6 says, as messages of 2.1; and the answers to it, as 1.6 has them. Pure."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from konsento.ocpp import messages as v21
from konsento.ocpp.messages import AuthorizationStatus, ConnectorStatus, IdTokenInfo, TransactionEventType
from konsento.ocpp.v16 import messages as v16
from konsento.ocpp.v16.messages import ChargePointStatus
from konsento.ocpp.v16.transactions import Place

CONNECTOR: Final = 1
"""1.6 has no EVSEs: each connector is one with connector 1."""
ID_TAG: Final = "Central"
"""1.6 does not say what an idTag is. Ours are of this type, the only ones that this server knows."""
PLUGGED: Final = frozenset({ChargePointStatus.PREPARING, ChargePointStatus.FINISHING})
"""A car may be plugged in, and nobody charges."""
OCCUPIED: Final = frozenset(
    {
        ChargePointStatus.PREPARING,
        ChargePointStatus.CHARGING,
        ChargePointStatus.SUSPENDED_EVSE,
        ChargePointStatus.SUSPENDED_EV,
        ChargePointStatus.FINISHING,
    }
)
"""States of 1.6 that 2.x calls `Occupied` (2.0.1 part 2, appendix of StatusNotification)."""

# 1.6, 7.35 → 2.1, ReasonEnumType, and the trigger that 2.1 has for it.
_STOPPED: Final = {
    "DeAuthorized": ("DeAuthorized", "Deauthorized"),
    "EmergencyStop": ("EmergencyStop", "AbnormalCondition"),
    "EVDisconnected": ("EVDisconnected", "EVCommunicationLost"),
    "HardReset": ("ImmediateReset", "ResetCommand"),
    "Local": ("Local", "StopAuthorized"),
    "Other": ("Other", "AbnormalCondition"),
    "PowerLoss": ("PowerLoss", "AbnormalCondition"),
    "Reboot": ("Reboot", "ResetCommand"),
    "Remote": ("Remote", "RemoteStop"),
    "SoftReset": ("ImmediateReset", "ResetCommand"),
    "UnlockCommand": ("Other", "UnlockCommand"),
}
# 1.6, 7.2: what it has no word for may not charge.
_ID_TAG_STATUS: Final = {
    AuthorizationStatus.ACCEPTED: "Accepted",
    AuthorizationStatus.BLOCKED: "Blocked",
    AuthorizationStatus.CONCURRENT_TX: "ConcurrentTx",
    AuthorizationStatus.EXPIRED: "Expired",
}
# 1.6, 7.45. What is not here has the same name in 2.1.
_UNITS: Final = {"kWh": ("Wh", 3), "kW": ("W", 3), "kvarh": ("varh", 3), "kvar": ("var", 3), "kVA": ("VA", 3)}
_ENERGY: Final = v21.Measurand.ENERGY_IMPORT_REGISTER.value


def boot(message: v16.BootNotification) -> v21.BootNotification:
    """Return a start. 1.6 does not say why."""
    serial = message.charge_point_serial_number or message.charge_box_serial_number
    return v21.BootNotification(
        charging_station=v21.ChargingStation(
            model=message.charge_point_model,
            vendor_name=message.charge_point_vendor,
            serial_number=serial[:25] if serial else None,
            firmware_version=message.firmware_version[:50] if message.firmware_version else None,
        ),
        reason="Unknown",
    )


def status(message: v16.StatusNotification, now: datetime) -> v21.StatusNotification:
    """Return the state of a connector; what 2.1 has no field for rides in our customData."""
    word = message.status
    state = ConnectorStatus.OCCUPIED if word in OCCUPIED else ConnectorStatus(word.value)
    fault = "".join(c for c in message.error_code if c.isprintable())
    reason = fault if word is ChargePointStatus.FAULTED else ""
    return v21.StatusNotification(
        timestamp=message.timestamp or now,
        connector_status=state,
        evse_id=message.connector_id,
        connector_id=CONNECTOR if message.connector_id else 0,
        custom_data=v21.custom_data(reason=reason, inUse=word in OCCUPIED - PLUGGED),
    )


def token(id_tag: str) -> v21.IdToken:
    """Return an idTag as the token that it is: without regard to capitals, and ours have none but capitals."""
    return v21.IdToken(id_token=id_tag.upper(), type=ID_TAG)


def started(message: v16.StartTransaction, place: Place) -> v21.TransactionEvent:
    """Return the first event of a transaction."""
    begin = v21.SampledValue(value=message.meter_start, context=v21.ReadingContext.TRANSACTION_BEGIN)
    return v21.TransactionEvent(
        event_type=TransactionEventType.STARTED,
        timestamp=message.timestamp,
        trigger_reason="Authorized",
        seq_no=place.seq_no,
        transaction_info=v21.TransactionInfo(
            transaction_id=str(place.number), charging_state="Charging", time_spent_charging=0
        ),
        meter_value=[v21.MeterValue(timestamp=message.timestamp, sampled_value=[begin])],
        evse=v21.Evse(id=place.connector_id, connector_id=CONNECTOR) if place.connector_id else None,
        id_token=token(message.id_tag),
        reservation_id=message.reservation_id,
    )


def updated(message: v16.MeterValues, place: Place) -> v21.TransactionEvent | None:
    """Return the event of readings, None where there are none that can be read."""
    values = meter_values(message.meter_value)
    if not values:
        return None
    at = max(value.timestamp for value in values)
    return v21.TransactionEvent(
        event_type=TransactionEventType.UPDATED,
        timestamp=at,
        trigger_reason="MeterValuePeriodic",
        seq_no=place.seq_no,
        transaction_info=_info(place, at),
        meter_value=values,
    )


def ended(message: v16.StopTransaction, place: Place) -> v21.TransactionEvent:
    """Return the last event of a transaction; without a reason somebody stopped it there (1.6, 6.49)."""
    reason, trigger = _STOPPED.get(message.reason or "Local", _STOPPED["Other"])
    end = v21.SampledValue(value=message.meter_stop, context=v21.ReadingContext.TRANSACTION_END)
    # meterStop is the register of the end, whatever the clock says of the others.
    last = [v21.MeterValue(timestamp=message.timestamp, sampled_value=[end])]
    before = [value for value in meter_values(message.transaction_data or ()) if value.timestamp <= message.timestamp]
    return v21.TransactionEvent(
        event_type=TransactionEventType.ENDED,
        timestamp=message.timestamp,
        trigger_reason=trigger,
        seq_no=place.seq_no,
        transaction_info=_info(place, message.timestamp, stopped_reason=reason),
        # A zero that the readings contradict is no register.
        meter_value=before if before and message.meter_stop <= 0 else before + last,
    )


def readings(message: v16.MeterValues) -> v21.MeterValues | None:
    """Return readings outside of a transaction, None where there are none that can be read."""
    values = meter_values(message.meter_value)
    return v21.MeterValues(evse_id=message.connector_id, meter_value=values) if values else None


def meter_values(values: Iterable[v16.MeterValue]) -> list[v21.MeterValue]:
    """Return readings as 2.1 has them; what is no number, and signed data, is left out."""
    read = ((value.timestamp, [s for s in map(_sample, value.sampled_value) if s]) for value in values)
    return [v21.MeterValue(timestamp=at, sampled_value=samples) for at, samples in read if samples]


def _sample(sample: v16.SampledValue) -> v21.SampledValue | None:
    if sample.format == "SignedData":
        return None
    try:
        number = Decimal(str(sample.value).strip())
        unit, multiplier = _UNITS.get(sample.unit or "Wh", (sample.unit or "Wh", 0))
        return v21.SampledValue(
            value=number,
            measurand=(sample.measurand or _ENERGY)[:50],
            context=(sample.context or v21.ReadingContext.SAMPLE_PERIODIC.value)[:50],
            phase=sample.phase[:20] if sample.phase else None,
            location=(sample.location or "Outlet")[:20],
            unit_of_measure=_unit(sample, unit, multiplier),
        )
    except InvalidOperation, ValueError:
        return None


def _unit(sample: v16.SampledValue, unit: str, multiplier: int) -> v21.UnitOfMeasure | None:
    # Without a unit energy is in Wh (1.6, 7.43); of anything else the measurand says it.
    return v21.UnitOfMeasure(unit=unit[:20], multiplier=multiplier) if sample.unit else None


def _info(place: Place, at: datetime, *, stopped_reason: str | None = None) -> v21.TransactionInfo:
    seconds = int((at - place.started_at).total_seconds())
    return v21.TransactionInfo(
        transaction_id=str(place.number),
        time_spent_charging=seconds if 0 <= seconds < 2**31 else None,
        stopped_reason=stopped_reason,
    )


def id_tag_info(info: IdTokenInfo | None) -> dict[str, Any]:
    """Return what 1.6 says about an idTag; what nobody vouches for is invalid."""
    status = _ID_TAG_STATUS.get(info.status, "Invalid") if info is not None else "Invalid"
    return {"status": status}


def wire_time(at: datetime) -> str:
    """Return a time as it goes over the line."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
