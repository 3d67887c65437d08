"""Everything that is kept of a driver: told to the driver, and forgotten for the driver."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import profile
from konsento.advice import planned
from konsento.charging import service as charging
from konsento.models import (
    AdviceBrowser,
    AdviceChoice,
    AdviceMessage,
    ApiToken,
    BalanceLot,
    Bill,
    BillAddress,
    BillPayment,
    BillSession,
    ChargingSession,
    Checkout,
    Correction,
    CouponCode,
    CouponProgress,
    CouponUse,
    Driver,
    DriverKind,
    IdempotencyKey,
    Invoice,
    InvoiceRecipient,
    LedgerAccount,
    LimitChange,
    Link,
    MeterEvent,
    MeteringAgreement,
    Passkey,
    PasskeyChallenge,
    Payment,
    PaymentCustomer,
    PlannedCharge,
    PointLot,
    PointUse,
    Presence,
    PushSubscription,
    Receipt,
    ReceiptLine,
    Recipient,
    Refund,
    SideReading,
    SignIn,
    Transfer,
    WebhookEndpoint,
    WebhookEvent,
    WindowShare,
)
from konsento.notifications import mail, push
from konsento.payments import balance, cards
from konsento.payments.bills import addressing
from konsento.rewards import service as rewards
from konsento.services import Services

OF_DRIVER: Final[dict[str, tuple[Any, ...]]] = {
    "browsers": (SignIn.browser, SignIn.created_at, SignIn.last_used_at, SignIn.expires_at),
    "passkeys": (Passkey.name, Passkey.created_at, Passkey.last_used_at, Passkey.transports),
    "passkey_challenges": (PasskeyChallenge.expires_at,),
    "links": (Link.purpose, Link.email, Link.created_at, Link.expires_at, Link.closed),
    "tokens": (ApiToken.name, ApiToken.scopes, ApiToken.created_at, ApiToken.expires_at, ApiToken.last_used_at),
    "requests_of_programs": (IdempotencyKey.key, IdempotencyKey.created_at, IdempotencyKey.status),
    "webhooks": (
        WebhookEndpoint.url,
        WebhookEndpoint.events,
        WebhookEndpoint.created_at,
        WebhookEndpoint.failing_since,
        WebhookEndpoint.disabled_at,
    ),
    "balance_lots": (
        BalanceLot.promotional,
        BalanceLot.amount_minor,
        BalanceLot.left_minor,
        BalanceLot.held_minor,
        BalanceLot.currency,
        BalanceLot.issued_at,
        BalanceLot.expires_at,
    ),
    "metering_agreements": (MeteringAgreement.version, MeteringAgreement.agreed_at),
    "checkouts": (
        Checkout.outlet_code,
        Checkout.limit_kind,
        Checkout.limit_amount,
        Checkout.provider,
        Checkout.method,
        Checkout.hold_minor,
        Checkout.currency,
        Checkout.state,
        Checkout.failure,
        Checkout.created_at,
    ),
    "planned": tuple(column for column in PlannedCharge.__table__.columns if column.name != "driver_id"),
    "charged_while_recommended": (
        WindowShare.session_id,
        WindowShare.region,
        WindowShare.had_windows,
        WindowShare.mwh,
        WindowShare.inside_mwh,
    ),
    "bill_address": (BillAddress.name, BillAddress.address),
    "bills": tuple(column for column in Bill.__table__.columns if column.name != "look_at"),
    "presence_checks": (Presence.outlet_id, Presence.method, Presence.state, Presence.asked_at),
    "recipient": (Recipient.name, Recipient.address),
    "recipients_of_invoices": (InvoiceRecipient.invoice_id, InvoiceRecipient.name, InvoiceRecipient.address),
    "webhook_events": (WebhookEvent.type, WebhookEvent.session_id, WebhookEvent.created_at),
    "payments": (
        Payment.session_id,
        Payment.purpose,
        Payment.provider,
        Payment.method,
        Payment.reference,
        Payment.state,
        Payment.currency,
        Payment.hold_minor,
        Payment.captured_minor,
        Payment.refunded_minor,
        Payment.waived_minor,
        Payment.disputed_minor,
        Payment.dispute,
        Payment.failure,
        Payment.created_at,
        Payment.resolved_at,
    ),
    "points": (
        PointLot.session_id,
        PointLot.points,
        PointLot.points_left,
        PointLot.earned_at,
        PointLot.expires_at,
    ),
    "points_used": (
        PointUse.session_id,
        PointUse.points,
        PointUse.points_used,
        PointUse.discount_minor,
        PointUse.reserved_at,
    ),
    "coupons": (
        CouponCode.code,
        CouponCode.coupon_id,
        CouponCode.session_id,
        CouponCode.created_at,
        CouponCode.expires_at,
    ),
    "coupons_used": (
        CouponUse.session_id,
        CouponUse.code,
        CouponUse.state,
        CouponUse.discount_minor,
        CouponUse.reserved_at,
    ),
    "towards_coupons": (CouponProgress.coupon_id, CouponProgress.wh),
    "advice": (
        AdviceChoice.mail,
        AdviceChoice.quiet_from,
        AdviceChoice.quiet_until,
        AdviceChoice.paused_until,
        AdviceChoice.stopped_at,
        AdviceChoice.since,
        AdviceChoice.calendar_hash.is_not(None).label("calendar"),
    ),
    "advice_browsers": (AdviceBrowser.locale, AdviceBrowser.created_at),
    "advice_messages": (
        AdviceMessage.issue_id,
        AdviceMessage.channel,
        AdviceMessage.state,
        AdviceMessage.reason,
        AdviceMessage.due_at,
        AdviceMessage.sent_at,
        AdviceMessage.opened_at,
        AdviceMessage.acted_at,
    ),
    "payment_customers": (PaymentCustomer.provider, PaymentCustomer.reference, PaymentCustomer.created_at),
}
"""Tables with a driver in them, and what of them the driver is given: all but secrets and their hashes."""
OF_SESSION: Final[dict[str, tuple[Any, ...]]] = {
    "limit_changes": (
        LimitChange.session_id,
        LimitChange.kind,
        LimitChange.amount,
        LimitChange.asked_at,
        LimitChange.confirmed_at,
    ),
    "measurements_beside": (
        SideReading.session_id,
        SideReading.first_mwh,
        SideReading.last_mwh,
        SideReading.last_at,
    ),
    "notices": (PushSubscription.session_id, PushSubscription.locale, PushSubscription.created_at),
    "receipts": tuple(column for column in Receipt.__table__.columns),
    "invoices": tuple(column for column in Invoice.__table__.columns),
    "receipt_lines": tuple(column for column in ReceiptLine.__table__.columns),
    "sessions_on_bills": tuple(column for column in BillSession.__table__.columns),
    "corrections": (
        Correction.session_id,
        Correction.reason,
        Correction.amount_minor,
        Correction.tax_minor,
        Correction.created_at,
    ),
}
"""The same of tables that belong to a session of the driver's."""


async def everything_about(session: AsyncSession, driver: Driver, services: Services) -> dict[str, object]:
    """Return all that is kept: energies in mWh and Wh, money in minor units, times in UTC."""
    sessions = await charging.history(session, driver.id)
    own = select(ChargingSession.id).where(ChargingSession.driver_id == driver.id)
    return {
        "about": {
            "id": str(driver.id),
            "kind": driver.kind.value,
            "email": driver.email,
            "email_verified_at": _plain(driver.email_verified_at),
            "name": driver.name,
            "phone": driver.phone,
            "address": driver.address,
            "language": driver.locale,
            "mail_wanted": driver.mail_wanted,
            "has_password": driver.password_hash is not None,
            "created_at": _plain(driver.created_at),
        },
        "balance": {
            "amount_minor": await balance.available(session, driver.id),
            "currency": services.settings.currency,
            "transfers": await _rows(session, _transfers(driver.id)),
        },
        "charging": [
            {name: _plain(value) for name, value in asdict(progress).items() if name not in {"curve", "sold", "price"}}
            | progress.sold.told()
            | {"price": progress.price.to_dict()}
            for progress in sessions
        ],
        **{
            name: await _rows(session, select(*columns).where(columns[0].table.c.driver_id == driver.id))
            for name, columns in OF_DRIVER.items()
        },
        **{
            name: await _rows(session, select(*columns).where(columns[0].table.c.session_id.in_(own)))
            for name, columns in OF_SESSION.items()
        },
        "measurements": await _rows(session, _measurements(driver.id)),
        "refunds": await _rows(session, _refunds(driver.id)),
        "bill_payments": await _rows(session, _bill_payments(driver.id)),
    }


async def forget(session: AsyncSession, services: Services, driver: Driver) -> None:
    """Delete an account or a guest: all that goes with it, and what is still to be sent to it."""
    await rewards.forget(session, driver.id, services.clock.now())
    await push.forget_driver(session, driver.id)
    await cards.forget_driver(session, services, driver.id)
    await addressing.forget(session, driver.id)
    await planned.forget(session, driver.id)
    if driver.kind is DriverKind.ACCOUNT:  # of others nobody knows whose the address is
        await mail.forget_to(session, driver.email)
    await profile.delete(session, driver.id)


def _refunds(driver_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(Refund.payment_id, Refund.kind, Refund.state, Refund.amount_minor, Refund.asked_at, Refund.done_at)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.driver_id == driver_id)
        .order_by(Refund.asked_at)
    )


def _bill_payments(driver_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            BillPayment.bill_id,
            BillPayment.kind,
            BillPayment.amount_minor,
            BillPayment.paid_on,
            BillPayment.reference,
            BillPayment.recorded_at,
        )
        .join(Bill, Bill.id == BillPayment.bill_id)
        .where(Bill.driver_id == driver_id)
        .order_by(BillPayment.recorded_at)
    )


def _transfers(driver_id: UUID) -> Select[*tuple[Any, ...]]:
    own = select(LedgerAccount.id).where(LedgerAccount.owner == str(driver_id))
    return (
        select(
            Transfer.created_at,
            Transfer.kind,
            Transfer.reason,
            Transfer.amount_minor,
            Transfer.currency,
            Transfer.session_id,
            Transfer.credit_id.in_(own).label("received"),
        )
        .where(or_(Transfer.debit_id.in_(own), Transfer.credit_id.in_(own)))
        .order_by(Transfer.created_at)
    )


def _measurements(driver_id: UUID) -> Select[*tuple[Any, ...]]:
    # By the key of the events: there is no index by session.
    same = and_(
        MeterEvent.site_id == ChargingSession.site_id, MeterEvent.transaction_id == ChargingSession.transaction_id
    )
    return (
        select(MeterEvent.session_id, MeterEvent.at, MeterEvent.register_mwh, MeterEvent.power_w, MeterEvent.event_type)
        .join_from(ChargingSession, MeterEvent, same)
        .where(ChargingSession.driver_id == driver_id)
    )


async def _rows(session: AsyncSession, query: Select[*tuple[Any, ...]]) -> list[dict[str, object]]:
    rows = (await session.execute(query)).mappings()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value
