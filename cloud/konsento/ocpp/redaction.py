"""What of a frame may be kept: what is known to name no person, no car, no contract, and to open nothing.

A text is kept only in a field that is listed here. What OCPP adds later, what a maker adds, and what nobody has thought
of is hidden until somebody lists it. Numbers, booleans and the names of fields are kept.
"""

import re
from typing import Any, Final

import msgspec

SHOWN_OF_TOKEN: Final = 4
"""Characters that are kept of our own idTokens, enough to tell two apart. They are random; of a card's number none."""
OWN_TOKEN_LENGTH: Final = 20
HIDDEN: Final = "…"
OUR_VENDOR: Final = "org.konsento"
"""Whose `data` and `customData` are kept: the contract with our sites has no field for a person (contracts, 2)."""
PLAIN_VARIABLES: Final = frozenset(
    """
    AlignedDataInterval AvailabilityState Available ChargeProfileMaxStackLevel ClockAlignedDataInterval
    ConnectionTimeOut ConnectorType DataSigned EVConnectionTimeOut Enabled FirmwareVersion HeartbeatInterval
    LightIntensity LocalAuthListEnabled LocalAuthorizeOffline LocalPreAuthorize MaxEnergyOnInvalidId
    MessageAttemptInterval MessageAttempts MessageTimeout MeterValueSampleInterval MeterValuesAlignedData
    MeterValuesSampledData Model NumberOfConnectors OfflineThreshold OperationalStatus Power Problem
    ResetRetries RetryBackOffRandomRange RetryBackOffRepeatTimes RetryBackOffWaitMinimum
    SampledDataEndedInterval SampledDataTxEndedMeasurands SampledDataTxStartedMeasurands
    SampledDataTxUpdatedInterval SampledDataTxUpdatedMeasurands StopTransactionOnEVSideDisconnect
    StopTransactionOnInvalidId StopTxnAlignedData StopTxnSampledData SupplyPhases SupportedFeatureProfiles
    SupportedLimits TransactionMessageAttempts TransactionMessageRetryInterval TxEndedInterval TxStartPoint
    TxStopPoint TxUpdatedInterval UnlockConnectorOnEVSideDisconnect VendorName WebSocketPingInterval
    """.split()  # noqa: SIM905  # so many quoted words read worse
)
"""Variables, and keys of 1.6, whose values may be kept when they are set, whatever they are. Any other may be one that
can only be written, such as `BasicAuthPassword`, so its value is hidden."""
_SECRET_NAMES: Final = ("password", "key", "secret", "token", "pin", "code", "vehicle", "group", "user", "identity")
"""Parts of the names of variables whose values are never kept, also where a station tells them by itself."""

KEPT: Final = frozenset(
    """
    action allowedEnergyTransfer apnAuthentication attributeStatus attributeType availableEnergyTransfer
    basetime cacheExpiryDateTime certificateStatus certificateType chargeBoxSerialNumber chargePointModel
    chargePointSerialNumber chargePointVendor chargingLimitSource chargingProfileKind chargingProfilePurpose
    chargingRateUnit chargingState checksum componentCriteria connectorStatus connectorType context controlId
    controlMode controlType costKind currency currentTime curveType customTrigger dataType dayOfWeek departureTime
    dynUpdateTime encodingMethod endDateTime endTimeOfDay errorCode evIslandingDetectionMethod evSupportedDERControl
    eventNotificationType eventType evseKind expiryDate expiryDateTime firmwareVersion format generatedAt
    gridEventFault hashAlgorithm id installDateTime instance iso15118SchemaVersion key language language1 language2
    latestTimestamp location logType measurand messageId meterSerialNumber meterType mobilityNeedsMode model
    monitoringBase monitoringCriteria mutability name nextUpdate ocppInterface ocppTransport ocppVersion
    oldestTimestamp operationMode operationalStatus phase powerDuringCessation preconditioningStatus priceAlgorithm
    priority productionDate reason reasonCode recurrencyKind reportBase requestedEnergyTransfer requestedMessage
    reservationUpdateStatus retrieveDate retrieveDateTime scheduleStart serialNumber settlementTime signingMethod
    source startDateTime startPeriod startSchedule startTime startTimeOfDay state status stopTime stoppedReason
    supersededIds tariffId tariffIds tariffKind techCode timeAnchor timeBase timestamp transactionId trigger
    triggerReason type typeOfCost unit unknownKey updateType validFrom validFromDate validTo validToDate vendorErrorCode
    vendorId vendorName yUnit
    """.split()  # noqa: SIM905
)
"""The fields whose texts are kept: the enumerations and times of OCPP 1.6, 2.0.1 and 2.1, and what names a station, its
parts, a tariff or a transaction."""
WORDED: Final = frozenset({"additionalInfo", "extraInfo", "failureReason", "info", "techInfo"})
"""Where a station says in words what is wrong. Of these what may be a number, a code or an address is hidden."""
_CLOSED: Final = frozenset(
    """
    certificateHashData certificateHashDataChain childCertificateHashData company customerCertificate
    iso15118CertificateHashData ocspRequestData simPin vatCompany vpn
    """.split()  # noqa: SIM905
)
"""Of these nothing is kept, whatever is in them: certificates, addresses, what opens a network."""
_VALUES: Final = frozenset({"actualValue", "attributeValue", "v", "value", "valuesList"})
"""Where the value of a variable stands, or of a meter: what is kept of it depends on whose it is."""
_LONGEST: Final = 100
"""No kept field of OCPP needs more."""
_NOTHING: Final = re.compile(r"(?!)")
_PLAIN: Final = re.compile(r"[^@]{0,100}")
_HARMLESS: Final = re.compile(r"(?i:true|false)|-?\d{1,7}(\.\d{1,6})?")
"""A value that names nobody, whatever it is the value of."""
_METERED: Final = re.compile(r"-?\d{1,15}(\.\d{1,10})?")
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,49}")
_TELLING_WORD: Final = re.compile(r"\S*(?:[@:/\\]|\d{4}|\d\S*\d\S*\d)\S*")

_decoder: Final = msgspec.json.Decoder(strict=True)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
# Without a backslash every quotation mark begins or ends a text, so texts can be counted.
_FIELDS: Final = re.compile(r'"([A-Za-z][A-Za-z0-9]*)"\s*:\s*("?)')
_LOOK_CLOSER: Final = _CLOSED | {"customData", "data"}


def may_hold_secrets(action: str, text: str) -> bool:
    """Tell whether a frame has to be looked through; most need not be."""
    if action in {"DataTransfer", "SetVariables", "ChangeConfiguration"} or "\\" in text or "@" in text or "/" in text:
        return True
    parts = text.split('"')
    fields = _FIELDS.findall(text)
    texts = [name for name, quoted in fields if quoted]
    return (
        # A text that stands in no field of a usual name is one in a list.
        len(parts) - 1 != 2 * (len(fields) + len(texts))
        or not KEPT.issuperset(texts)
        or not _LOOK_CLOSER.isdisjoint([name for name, _ in fields])
        or max(map(len, parts[1::2]), default=0) > _LONGEST
    )


def redacted(action: str, payload: bytes, *, ours: bool = False) -> str:
    """Return a payload as JSON without what is not kept. Raises `msgspec.DecodeError` for what is no JSON.

    `ours`: it answers a DataTransfer of our vendor, which the answer does not say.
    """
    return _written(_Walk(action, ours=ours).value("", _decoder.decode(payload)))


def redacted_error(payload: bytes) -> str:
    """Return what is kept of an error, a list of code, description and details: the code, and words."""
    parts = _decoder.decode(payload)
    walk = _Walk("", ours=False)
    kept = [in_words(part) if isinstance(part, str) else walk.value("", part) for part in parts]
    if parts and isinstance(parts[0], str):
        kept[0] = plain_name(parts[0])
    return _written(kept)


def in_words(text: str) -> str:
    """Return a sentence without the words that may be a number, a code or an address."""
    return _TELLING_WORD.sub(HIDDEN, text[:1000])


def plain_name(text: str) -> str:
    """Return a name of OCPP or of a maker as it is; hidden where it is none."""
    return text if _FIELD.fullmatch(text) else HIDDEN


def _written(value: Any) -> str:
    return _encoder.encode(value).decode()


class _Walk:
    """Goes through one payload."""

    def __init__(self, action: str, *, ours: bool) -> None:
        self._action = action
        self._ours = ours
        self._sets = action in {"SetVariables", "ChangeConfiguration"}

    def value(self, name: str, value: Any, allowed: re.Pattern[str] = _HARMLESS, *, of_ours: bool = False) -> Any:
        """Return what is kept of the value of a field; `allowed` are the values of variables that are."""
        match value:
            case dict():
                inside = self._allowed(name, value, allowed)
                return {plain_name(key): self._field(value, key, inside, of_ours=of_ours) for key in value}
            case list():
                return [self.value(name, item, allowed, of_ours=of_ours) for item in value]
            case str():
                return _text(name, value, allowed, of_ours=of_ours)
            case _:
                return value

    def _field(self, item: dict[str, Any], name: str, allowed: re.Pattern[str], *, of_ours: bool) -> Any:
        value = item[name]
        if name in _CLOSED:
            return HIDDEN
        if name == "customData" or (name == "data" and self._action == "DataTransfer"):
            about = value if name == "customData" else item
            vendor = about.get("vendorId") if isinstance(about, dict) else None
            if vendor == OUR_VENDOR or (name == "data" and self._ours):
                return self.value(name, value, of_ours=True)
            return {"vendorId": self.value("vendorId", vendor)} if name == "customData" else HIDDEN
        return self.value(name, value, allowed, of_ours=of_ours)

    def _allowed(self, name: str, item: dict[str, Any], otherwise: re.Pattern[str]) -> re.Pattern[str]:
        """Return which values of variables are kept inside of an item."""
        if name == "sampledValue":
            return _METERED
        variable = _variable_of(item)
        if variable is None:
            # An item that sets a variable and does not say which cannot be judged.
            return _NOTHING if self._sets and not _VALUES.isdisjoint(item) else otherwise
        if variable in PLAIN_VARIABLES:
            return _PLAIN
        hides = self._sets or any(part in variable.lower() for part in _SECRET_NAMES)
        return _NOTHING if hides else _HARMLESS


def _text(name: str, value: str, allowed: re.Pattern[str], *, of_ours: bool) -> str:
    if name in {"idToken", "idTag"}:
        return value[:SHOWN_OF_TOKEN] + HIDDEN if _is_own_token(value) else HIDDEN
    if name in _VALUES:
        return value if allowed.fullmatch(value) else HIDDEN
    if name in WORDED:
        return in_words(value)
    kept = (name in KEPT or of_ours) and len(value) <= _LONGEST
    return value if kept and "@" not in value and "://" not in value else HIDDEN


def _variable_of(item: dict[str, Any]) -> str | None:
    """Return the name of the variable that an item is about: of 2.x an object, of 1.6 the key beside its value."""
    variable = item.get("variable")
    if isinstance(variable, dict):
        return str(variable.get("name", ""))
    return str(item["key"]) if "key" in item and "value" in item else None


def _is_own_token(text: str) -> bool:
    return len(text) == OWN_TOKEN_LENGTH and text.isascii() and text.isalnum() and text.upper() == text
