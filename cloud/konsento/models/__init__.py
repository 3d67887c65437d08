"""All models, so that metadata and migrations see every table. One file per aggregate."""

from konsento.kit.db import Base
from konsento.kit.work_table import Work, WorkState
from konsento.models.advice import (
    AdviceBrowser,
    AdviceChannel,
    AdviceChoice,
    AdviceIssue,
    AdviceKind,
    AdviceMessage,
    AdviceState,
)
from konsento.models.agreement import MeteringAgreement
from konsento.models.balance import BalanceHold, BalanceLot, BalanceUse
from konsento.models.bill import Bill, BillAddress, BillPayment, BillPaymentKind, BillSession
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
from konsento.models.checkout import Checkout, CheckoutState
from konsento.models.coupon import Coupon, CouponCode, CouponKind, CouponProgress, CouponUse, CouponUseState
from konsento.models.driver import Driver, DriverKind, FailedSignIns, Link, LinkPurpose, SignIn
from konsento.models.effect import WindowShare
from konsento.models.grid import (
    GridFile,
    GridRegion,
    GridSlot,
    GridSource,
    GridWindow,
    SourceState,
    SpotPrice,
    WindowDecision,
)
from konsento.models.idempotency import IdempotencyKey
from konsento.models.invoice import Invoice, InvoiceKind, InvoiceRecipient, Recipient
from konsento.models.journal import Direction, OcppFrame
from konsento.models.ledger import AccountKind, LedgerAccount, Transfer, TransferKind
from konsento.models.notification import MailAttachment, OutgoingMail, PushSubscription, ServerKey
from konsento.models.operations import Alarm, AlarmKind, AuditEntry, Replica, Severity
from konsento.models.outlet import WITH_OFFERS, Metering, Outlet, OutletOffer, OutletStatus
from konsento.models.partner import Partner, PartnerKind, PartnerSite
from konsento.models.passkey import Passkey, PasskeyChallenge
from konsento.models.payment import (
    RESOLVED,
    CallKind,
    CallOutcome,
    Dispute,
    Payment,
    PaymentCall,
    PaymentCustomer,
    PaymentHint,
    PaymentPurpose,
    PaymentState,
    Refund,
    RefundKind,
    RefundState,
)
from konsento.models.payout import Payout
from konsento.models.planned import PlannedCharge, PlannedState
from konsento.models.points import POINTS, PointLot, PointRule, PointUse
from konsento.models.presence import PENDING, Presence, PresenceMethod, PresenceState
from konsento.models.receipt import Correction, CorrectionReason, Counter, Receipt, ReceiptLine
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
    "POINTS",
    "RESOLVED",
    "WITH_OFFERS",
    "WITH_OUTLET",
    "AccountKind",
    "AdviceBrowser",
    "AdviceChannel",
    "AdviceChoice",
    "AdviceIssue",
    "AdviceKind",
    "AdviceMessage",
    "AdviceState",
    "Alarm",
    "AlarmKind",
    "AlarmMails",
    "ApiToken",
    "AuditEntry",
    "BalanceHold",
    "BalanceLot",
    "BalanceUse",
    "Base",
    "Bill",
    "BillAddress",
    "BillPayment",
    "BillPaymentKind",
    "BillSession",
    "CallKind",
    "CallOutcome",
    "Charger",
    "ChargingSession",
    "Checkout",
    "CheckoutState",
    "Connector",
    "Contract",
    "Correction",
    "CorrectionReason",
    "Counter",
    "Coupon",
    "CouponCode",
    "CouponKind",
    "CouponProgress",
    "CouponUse",
    "CouponUseState",
    "DeliveryState",
    "Direction",
    "Dispute",
    "Driver",
    "DriverKind",
    "FailedSignIns",
    "FloorPlan",
    "GridFile",
    "GridRegion",
    "GridSlot",
    "GridSource",
    "GridWindow",
    "IdempotencyKey",
    "Invoice",
    "InvoiceKind",
    "InvoiceRecipient",
    "LedgerAccount",
    "LimitChange",
    "LimitKind",
    "Link",
    "LinkPurpose",
    "MailAttachment",
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
    "PaymentCall",
    "PaymentCustomer",
    "PaymentHint",
    "PaymentPurpose",
    "PaymentState",
    "Payout",
    "PendingStation",
    "PlannedCharge",
    "PlannedState",
    "PointLot",
    "PointRule",
    "PointUse",
    "PowerType",
    "Presence",
    "PresenceCheck",
    "PresenceMethod",
    "PresenceState",
    "PushSubscription",
    "Receipt",
    "ReceiptLine",
    "Recipient",
    "Refund",
    "RefundKind",
    "RefundState",
    "Replica",
    "Role",
    "SecurityProfile",
    "ServerKey",
    "SessionState",
    "Severity",
    "SideReading",
    "SignIn",
    "Site",
    "SourceState",
    "SpotPrice",
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
    "WindowDecision",
    "WindowShare",
    "Work",
    "WorkState",
    "events_of",
    "transaction_at_station",
]
