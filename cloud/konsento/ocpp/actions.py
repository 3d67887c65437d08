"""Which actions a station may send, and which ones OCPP knows although this server does not take them."""

from typing import Any, Final

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
from konsento.ocpp.v16 import messages as v16_messages
from konsento.ocpp.v16.messages import TO_STATION

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
"""The requests that this server takes."""

_V201: Final = frozenset(
    """
    Authorize BootNotification CancelReservation CertificateSigned ChangeAvailability ClearCache ClearChargingProfile
    ClearDisplayMessage ClearVariableMonitoring ClearedChargingLimit CostUpdated CustomerInformation DataTransfer
    DeleteCertificate FirmwareStatusNotification Get15118EVCertificate GetBaseReport GetCertificateStatus
    GetChargingProfiles GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion GetLog
    GetMonitoringReport GetReport GetTransactionStatus GetVariables Heartbeat InstallCertificate LogStatusNotification
    MeterValues NotifyChargingLimit NotifyCustomerInformation NotifyDisplayMessages NotifyEVChargingNeeds
    NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport PublishFirmware
    PublishFirmwareStatusNotification ReportChargingProfiles RequestStartTransaction RequestStopTransaction
    ReservationStatusUpdate ReserveNow Reset SecurityEventNotification SendLocalList SetChargingProfile
    SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetNetworkProfile SetVariableMonitoring SetVariables
    SignCertificate StatusNotification TransactionEvent TriggerMessage UnlockConnector UnpublishFirmware UpdateFirmware
    """.split()  # noqa: SIM905  # sixty quoted words read worse
)
_V21: Final = _V201 | frozenset(
    """
    AFRRSignal AdjustPeriodicEventStream BatterySwap ChangeTransactionTariff ClearDERControl ClearTariffs
    ClosePeriodicEventStream GetCertificateChainStatus GetDERControl GetPeriodicEventStream GetTariffs
    NotifyAllowedEnergyTransfer NotifyDERAlarm NotifyDERStartStop NotifyPeriodicEventStream NotifyPriorityCharging
    NotifySettlement NotifyWebPaymentStarted OpenPeriodicEventStream PullDynamicScheduleUpdate ReportDERControl
    RequestBatterySwap SetDERControl SetDefaultTariff UpdateDynamicSchedule UsePriorityCharging VatNumberValidation
    """.split()  # noqa: SIM905
)

_V16: Final = TO_STATION | frozenset(kind.__name__ for kind in v16_messages.FROM_STATION)


def known_actions(version: Version) -> frozenset[str]:
    """Return every action of that OCPP version: NotSupported says that an action is known, NotImplemented that not."""
    match version:
        case Version.V21:
            return _V21
        case Version.V201:
            return _V201
        case Version.V16:
            return _V16
