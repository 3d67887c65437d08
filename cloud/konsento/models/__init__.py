"""All models, so that metadata and migrations see every table. One file per aggregate."""

from konsento.kit.db import Base
from konsento.kit.work_table import Work, WorkState
from konsento.models.agreement import MeteringAgreement
from konsento.models.charger import (
    AGAIN,
    Charger,
    Connector,
    SideReading,
    TransactionName,
    transaction_at_station,
)
from konsento.models.charging import (
    ACTIVE,
    FINAL,
    WITH_OUTLET,
    ChargingSession,
    LimitChange,
    LimitKind,
    MeterEvent,
    SessionState,
    events_of,
)
from konsento.models.driver import Driver, DriverKind, FailedSignIns, Link, LinkPurpose, SignIn
from konsento.models.idempotency import IdempotencyKey
from konsento.models.journal import Direction, OcppFrame
from konsento.models.ledger import AccountKind, LedgerAccount, Transfer, TransferKind
from konsento.models.notification import OutgoingMail, PushSubscription, ServerKey
from konsento.models.operations import Alarm, AlarmKind, AuditEntry, Replica, Severity
from konsento.models.outlet import WITH_OFFERS, Metering, Outlet, OutletOffer, OutletStatus
from konsento.models.partner import Partner, PartnerKind, PartnerSite
from konsento.models.passkey import Passkey, PasskeyChallenge
from konsento.models.payment import Payment, PaymentState
from konsento.models.presence import PENDING, Presence, PresenceMethod, PresenceState
from konsento.models.receipt import Counter, Receipt
from konsento.models.site import FloorPlan, PendingStation, PresenceCheck, SecurityProfile, Site
from konsento.models.staff import (
    AlarmMails,
    Role,
    StaffInvitation,
    StaffMember,
    StaffRecoveryCode,
    StaffSignIn,
    StaffToken,
)
from konsento.models.station_link import StationLink
from konsento.models.station_owner import StationOwner
from konsento.models.supply import Contract, PowerType, Supplier
from konsento.models.tariff import Tariff
from konsento.models.token import ApiToken
from konsento.models.v16 import V16Reading, V16Transaction
from konsento.models.webhook import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent

__all__ = [
    "ACTIVE",
    "AGAIN",
    "FINAL",
    "PENDING",
    "WITH_OFFERS",
    "WITH_OUTLET",
    "AccountKind",
    "Alarm",
    "AlarmKind",
    "AlarmMails",
    "ApiToken",
    "AuditEntry",
    "Base",
    "Charger",
    "ChargingSession",
    "Connector",
    "Contract",
    "Counter",
    "DeliveryState",
    "Direction",
    "Driver",
    "DriverKind",
    "FailedSignIns",
    "FloorPlan",
    "IdempotencyKey",
    "LedgerAccount",
    "LimitChange",
    "LimitKind",
    "Link",
    "LinkPurpose",
    "MeterEvent",
    "Metering",
    "MeteringAgreement",
    "OcppFrame",
    "OutgoingMail",
    "Outlet",
    "OutletOffer",
    "OutletStatus",
    "Partner",
    "PartnerKind",
    "PartnerSite",
    "Passkey",
    "PasskeyChallenge",
    "Payment",
    "PaymentState",
    "PendingStation",
    "PowerType",
    "Presence",
    "PresenceCheck",
    "PresenceMethod",
    "PresenceState",
    "PushSubscription",
    "Receipt",
    "Replica",
    "Role",
    "SecurityProfile",
    "ServerKey",
    "SessionState",
    "Severity",
    "SideReading",
    "SignIn",
    "Site",
    "StaffInvitation",
    "StaffMember",
    "StaffRecoveryCode",
    "StaffSignIn",
    "StaffToken",
    "StationLink",
    "StationOwner",
    "Supplier",
    "Tariff",
    "TransactionName",
    "Transfer",
    "TransferKind",
    "V16Reading",
    "V16Transaction",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "Work",
    "WorkState",
    "events_of",
    "transaction_at_station",
]
