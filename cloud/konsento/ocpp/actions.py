"""Which actions a station may send, which ones are asked of it, and which ones OCPP knows at all."""

from functools import cache
from typing import Any, Final

from konsento.ocpp import schemas
from konsento.ocpp.messages import (
    Authorize,
    BootNotification,
    DataTransfer,
    FirmwareStatusNotification,
    Heartbeat,
    MeterValues,
    NotifyEvent,
    NotifyReport,
    Request,
    SecurityEventNotification,
    StatusNotification,
    TransactionEvent,
    Version,
)

FROM_STATION: Final[tuple[type[Request[Any]], ...]] = (
    Authorize,
    BootNotification,
    DataTransfer,
    FirmwareStatusNotification,
    Heartbeat,
    MeterValues,
    NotifyEvent,
    NotifyReport,
    SecurityEventNotification,
    StatusNotification,
    TransactionEvent,
)
"""The requests of a station that this server reads field by field."""
OTHERS_FROM_STATION: Final = frozenset(
    {
        "BatterySwap",
        "ClearedChargingLimit",
        "ClosePeriodicEventStream",
        "Get15118EVCertificate",
        "GetCertificateChainStatus",
        "GetCertificateStatus",
        "LogStatusNotification",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyMonitoringReport",
        "NotifyPriorityCharging",
        "NotifySettlement",
        "OpenPeriodicEventStream",
        "PublishFirmwareStatusNotification",
        "PullDynamicScheduleUpdate",
        "ReportChargingProfiles",
        "ReportDERControl",
        "ReservationStatusUpdate",
        "SignCertificate",
        "VatNumberValidation",
    }
)
"""The rest of them: checked by the official schema, answered by a table (`ocpp.others`)."""
SENT_BY_STATION: Final = frozenset({"NotifyPeriodicEventStream"})
"""What comes as SEND, which is never answered (2.1)."""
_FROM_STATION_16: Final = frozenset(
    {"DiagnosticsStatusNotification", "SignedFirmwareStatusNotification", "StartTransaction", "StopTransaction"}
)
"""What only stations of 1.6 send."""
_BOTH_WAYS: Final = frozenset({"DataTransfer"})


def known_actions(version: Version) -> frozenset[str]:
    """Return every action of that OCPP version: NotSupported says that an action is known, NotImplemented that not."""
    return schemas.actions(version)


@cache
def to_station(version: Version) -> frozenset[str]:
    """Return the actions that a server may ask of a station that speaks this version."""
    from_station = {kind.__name__ for kind in FROM_STATION} | OTHERS_FROM_STATION | SENT_BY_STATION | _FROM_STATION_16
    return known_actions(version) - from_station | _BOTH_WAYS
