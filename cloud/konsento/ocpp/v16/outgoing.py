"""What the floors above ask in words of 2.1, as calls of 1.6; and the answers back. Pure.

`calls_for` gives the calls that a request takes, `answer_to` makes one answer of theirs. What 1.6 has no counterpart
for raises NotInVersionError, as `konsento.ocpp.v201` does.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from konsento.ocpp import messages as v21
from konsento.ocpp.messages import (
    DataTransferStatus,
    GetVariableStatus,
    Request,
    Response,
    SetVariableStatus,
    StartStopStatus,
)
from konsento.ocpp.v16 import messages as v16
from konsento.ocpp.v201 import NotInVersionError

type Call = tuple[str, dict[str, Any]]
"""Action and payload."""

KEYS: Final = {
    ("aligneddatactrlr", "interval"): "ClockAlignedDataInterval",
    ("aligneddatactrlr", "measurands"): "MeterValuesAlignedData",
    ("authctrlr", "authorizeremotestart"): "AuthorizeRemoteTxRequests",
    ("authctrlr", "localauthorizeoffline"): "LocalAuthorizeOffline",
    ("authctrlr", "localpreauthorize"): "LocalPreAuthorize",
    ("authctrlr", "offlinetxforunknownidenabled"): "AllowOfflineTxForUnknownId",
    ("localauthlistctrlr", "enabled"): "LocalAuthListEnabled",
    ("ocppcommctrlr", "heartbeatinterval"): "HeartbeatInterval",
    ("ocppcommctrlr", "messageattempts"): "TransactionMessageAttempts",
    ("ocppcommctrlr", "messageattemptinterval"): "TransactionMessageRetryInterval",
    ("ocppcommctrlr", "resetretries"): "ResetRetries",
    ("ocppcommctrlr", "websocketpinginterval"): "WebSocketPingInterval",
    ("sampleddatactrlr", "txendedmeasurands"): "StopTxnSampledData",
    ("sampleddatactrlr", "txupdatedinterval"): "MeterValueSampleInterval",
    ("sampleddatactrlr", "txupdatedmeasurands"): "MeterValuesSampledData",
    ("txctrlr", "evconnectiontimeout"): "ConnectionTimeOut",
    ("txctrlr", "stoptxonevsidedisconnect"): "StopTransactionOnEVSideDisconnect",
    ("txctrlr", "stoptxoninvalidid"): "StopTransactionOnInvalidId",
}
"""Component and variable of 2.1, without capitals, and the configuration key of 1.6 (9) that means the same."""
_NAMES: Final = {
    key: names
    for names, key in {
        ("AlignedDataCtrlr", "Interval"): "ClockAlignedDataInterval",
        ("AlignedDataCtrlr", "Measurands"): "MeterValuesAlignedData",
        ("OCPPCommCtrlr", "HeartbeatInterval"): "HeartbeatInterval",
        ("SampledDataCtrlr", "TxUpdatedInterval"): "MeterValueSampleInterval",
        ("SampledDataCtrlr", "TxUpdatedMeasurands"): "MeterValuesSampledData",
        ("TxCtrlr", "EVConnectionTimeOut"): "ConnectionTimeOut",
    }.items()
}
"""The settings that a report tells, as 2.1 writes them."""
MOST_CONNECTORS: Final = 1000
_TRIGGERS: Final = {
    "BootNotification": "BootNotification",
    "FirmwareStatusNotification": "FirmwareStatusNotification",
    "Heartbeat": "Heartbeat",
    "LogStatusNotification": "DiagnosticsStatusNotification",
    "MeterValues": "MeterValues",
    "StatusNotification": "StatusNotification",
    # What a transaction has to tell are its readings.
    "TransactionEvent": "MeterValues",
}
_RESET: Final = {v21.ResetType.IMMEDIATE: "Hard", v21.ResetType.ON_IDLE: "Soft"}
_SET: Final = {
    "Accepted": SetVariableStatus.ACCEPTED,
    "NotSupported": SetVariableStatus.UNKNOWN_VARIABLE,
    "RebootRequired": SetVariableStatus.REBOOT_REQUIRED,
    "Rejected": SetVariableStatus.REJECTED,
}


def transaction_number(transaction_id: str) -> int | None:
    """Return the number of 1.6 that is the transaction id above, None for what is none."""
    is_number = transaction_id.isascii() and transaction_id.isdecimal() and len(transaction_id) <= 10
    return int(transaction_id) if is_number else None


def calls_for(request: Request[Any]) -> list[Call]:
    """Return the calls of 1.6 that do what is asked; raises NotInVersionError where none do."""
    match request:
        case v21.RequestStartTransaction(id_token=token, evse_id=evse_id):
            if len(token.id_token) > 20:
                raise NotInVersionError("OCPP 1.6 takes idTags of 20 characters")
            where = {"connectorId": evse_id} if evse_id is not None else {}
            return [("RemoteStartTransaction", where | {"idTag": token.id_token})]
        case v21.RequestStopTransaction(transaction_id=transaction_id):
            number = transaction_number(transaction_id)
            # One that is no number cannot be running there: nothing is asked, and the answer is no.
            return [("RemoteStopTransaction", {"transactionId": number})] if number is not None else []
        case v21.ChangeAvailability(evse=evse, operational_status=wanted):
            return [("ChangeAvailability", {"connectorId": evse.id if evse else 0, "type": wanted.value})]
        case v21.Reset(type=kind, evse_id=None) if kind in _RESET:
            return [("Reset", {"type": _RESET[kind]})]
        case v21.UnlockConnector(evse_id=evse_id):
            return [("UnlockConnector", {"connectorId": evse_id})]
        case v21.TriggerMessage(requested_message=wanted, evse=evse) if wanted in _TRIGGERS:
            where = {"connectorId": evse.id} if evse is not None and evse.id else {}
            return [("TriggerMessage", {"requestedMessage": _TRIGGERS[wanted]} | where)]
        case v21.GetVariables(get_variable_data=wanted):
            keys = [key for one in wanted if (key := _key(one)) is not None]
            return [("GetConfiguration", {"key": keys})] if keys else []
        case v21.SetVariables(set_variable_data=wanted):
            return [_change(one, key) for one in wanted if (key := _key(one)) is not None]
        case v21.GetBaseReport():
            return [("GetConfiguration", {})]
        case v21.DataTransfer(vendor_id=vendor_id, message_id=message_id, data=data):
            text = data if data is None or isinstance(data, str) else json.dumps(data, separators=(",", ":"))
            fields = {"vendorId": vendor_id, "messageId": message_id, "data": text}
            return [("DataTransfer", {name: value for name, value in fields.items() if value is not None})]
    raise NotInVersionError(f"OCPP 1.6 cannot say {type(request).__name__}")


def kind_of_answer(action: str) -> type[v16.Part]:
    """Return the class that reads the answer to a call."""
    match action:
        case "GetConfiguration":
            return v16.Configuration
        case "DataTransfer":
            return v16.DataTransferAnswer
        case _:
            return v16.Status


def answer_to(request: Request[Any], answers: Sequence[v16.Part]) -> Response:
    """Return the answer in words of 2.1, from those to the calls; ValueError for a word that 1.6 does not have."""
    word = next((answer.status for answer in answers if isinstance(answer, v16.Status)), "Rejected")
    match request:
        case v21.RequestStartTransaction():
            return v21.RequestStartTransactionResponse(status=StartStopStatus(word))
        case v21.RequestStopTransaction():
            return v21.RequestStopTransactionResponse(status=StartStopStatus(word))
        case v21.ChangeAvailability():
            return v21.ChangeAvailabilityResponse(status=v21.ChangeAvailabilityStatus(word))
        case v21.Reset():
            return v21.ResetResponse(status=v21.ResetStatus(word))
        case v21.UnlockConnector():
            return _unlocked(word)
        case v21.TriggerMessage():
            return v21.TriggerMessageResponse(status=v21.TriggerMessageStatus(word))
        case v21.GetVariables(get_variable_data=wanted):
            return v21.GetVariablesResponse(get_variable_result=_values(wanted, answers))
        case v21.SetVariables(set_variable_data=wanted):
            return v21.SetVariablesResponse(set_variable_result=_results(wanted, answers))
        case v21.GetBaseReport():
            return v21.GetBaseReportResponse(status=v21.DeviceModelStatus.ACCEPTED)
        case v21.DataTransfer():
            (told,) = [answer for answer in answers if isinstance(answer, v16.DataTransferAnswer)]
            return v21.DataTransferResponse(status=DataTransferStatus(told.status), data=told.data)
    raise NotInVersionError(f"OCPP 1.6 cannot say {type(request).__name__}")


def report(request: v21.GetBaseReport, settings: Sequence[v16.Configuration], now: datetime) -> v21.NotifyReport:
    """Return the report of 2.1 that the settings of a charger make: its connectors, and what it is set to."""
    told = [one for part in settings for one in part.configuration_key or ()]
    values = {one.key.lower(): one.value for one in told if one.value is not None}
    items = [
        _item(v21.Component(name=component), name, values[key.lower()])
        for key, (component, name) in _NAMES.items()
        if key.lower() in values
    ]
    number = values.get("numberofconnectors", "").strip()
    connectors = min(int(number), MOST_CONNECTORS) if number.isascii() and number.isdecimal() else 0
    items.extend(
        _item(v21.Component(name="EVSE", evse=v21.Evse(id=connector)), "Available", "true")
        for connector in range(1, connectors + 1)
    )
    return v21.NotifyReport(request_id=request.request_id, generated_at=now, seq_no=0, report_data=items or None)


def _item(component: v21.Component, name: str, value: str) -> v21.ReportData:
    attribute = v21.VariableAttribute(value=value)
    return v21.ReportData(component=component, variable=v21.Variable(name=name), variable_attribute=[attribute])


def _key(one: v21.GetVariableData | v21.SetVariableData) -> str | None:
    if one.component.evse is not None or one.attribute_type is not v21.Attribute.ACTUAL:
        return None
    return KEYS.get((one.component.name.lower(), one.variable.name.lower()))


def _change(one: v21.SetVariableData, key: str) -> Call:
    if len(one.attribute_value) > 500:
        raise NotInVersionError("OCPP 1.6 takes values of 500 characters")
    return "ChangeConfiguration", {"key": key, "value": one.attribute_value}


def _unlocked(word: str) -> v21.UnlockConnectorResponse:
    if word == "NotSupported":
        why = v21.StatusInfo(reason_code="NotSupported")
        return v21.UnlockConnectorResponse(status=v21.UnlockStatus.UNLOCK_FAILED, status_info=why)
    return v21.UnlockConnectorResponse(
        status=v21.UnlockStatus.UNLOCKED if word == "Unlocked" else v21.UnlockStatus.UNLOCK_FAILED
    )


def _values(wanted: Sequence[v21.GetVariableData], answers: Sequence[v16.Part]) -> list[v21.GetVariableResult]:
    told = {
        one.key.lower(): one.value
        for answer in answers
        if isinstance(answer, v16.Configuration)
        for one in answer.configuration_key or ()
    }
    results = []
    for one in wanted:
        key = _key(one)
        known = key is not None and key.lower() in told
        results.append(
            v21.GetVariableResult(
                attribute_status=GetVariableStatus.ACCEPTED if known else GetVariableStatus.UNKNOWN_VARIABLE,
                component=one.component,
                variable=one.variable,
                attribute_type=one.attribute_type,
                attribute_value=told[key.lower()] if key is not None and known else None,
            )
        )
    return results


def _results(wanted: Sequence[v21.SetVariableData], answers: Sequence[v16.Part]) -> list[v21.SetVariableResult]:
    words = iter([answer.status for answer in answers if isinstance(answer, v16.Status)])
    return [
        v21.SetVariableResult(
            attribute_status=_SET.get(next(words), SetVariableStatus.REJECTED)
            if _key(one) is not None
            else SetVariableStatus.UNKNOWN_VARIABLE,
            component=one.component,
            variable=one.variable,
            attribute_type=one.attribute_type,
        )
        for one in wanted
    ]
