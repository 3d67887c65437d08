"""Stripe's objects in our words."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from konsento.models import Dispute
from konsento.payments.seen import (
    Action,
    Card,
    DisputeSeen,
    Hint,
    HintSubject,
    PayoutSeen,
    RefundSeen,
    RefundStage,
    Seen,
    Stage,
)
from konsento.payments.stripe.amounts import from_stripe

type Read = Mapping[str, Any]

PAYMENT_ID: Final = "payment_id"
"""Key of our id in the metadata of a payment."""
REFUND_ID: Final = "refund_id"
_STAGES: Final = {
    "requires_payment_method": Stage.WAITING,
    "requires_confirmation": Stage.WAITING,
    "requires_action": Stage.WAITING,
    "processing": Stage.WAITING,
    "requires_capture": Stage.HELD,
    "succeeded": Stage.TAKEN,
    "canceled": Stage.GONE,
}
_REFUNDS: Final = {
    "succeeded": RefundStage.DONE,
    "failed": RefundStage.FAILED,
    "canceled": RefundStage.FAILED,
}
_DISPUTES: Final = {"won": Dispute.WON, "lost": Dispute.LOST, "warning_closed": Dispute.WON, "prevented": Dispute.WON}


def payment(intent: Read) -> Seen:
    """Return what a PaymentIntent says; its `latest_charge` and that one's `balance_transaction` are expanded."""
    currency, stage = intent["currency"].upper(), _STAGES[intent["status"]]
    charge: Read = _expanded(intent.get("latest_charge"))
    taken = _taken(intent, charge) if stage is Stage.TAKEN else 0
    error: Read = intent.get("last_payment_error") or {}
    return Seen(
        reference=intent["id"],
        stage=stage,
        currency=currency,
        amount_minor=from_stripe(intent["amount"], currency),
        payment_id=_id(intent, PAYMENT_ID),
        taken_minor=from_stripe(taken, currency),
        refunded_minor=from_stripe(_refunded(charge, taken), currency) if stage is Stage.TAKEN else 0,
        capture_before=_time(_details(charge).get("capture_before")) if stage is Stage.HELD else None,
        method=(charge.get("payment_method_details") or {}).get("type") or "",
        failure=str(error.get("decline_code") or error.get("code") or "")[:64] if stage is Stage.WAITING else "",
        fee_minor=_fee(charge, currency),
        made_at=_time(intent.get("created")),
        action=_action(intent) if stage is Stage.WAITING and intent["status"] != "processing" else None,
    )


def refunds(intent: Read, listed: Sequence[Read]) -> list[RefundSeen]:
    """Return the refunds of a payment, without what was merely not taken of a hold (Stripe lists that too)."""
    charge: Read = _expanded(intent.get("latest_charge"))
    rest = _rest(charge, _taken(intent, charge))
    found: list[RefundSeen] = []
    for one in sorted(listed, key=lambda refund: refund["created"]):
        seen = refund(one)
        if seen.refund_id is None:
            if not one.get("payment_intent"):  # so say servers that stand in for Stripe in development
                continue
            if rest and one["amount"] == rest:
                rest = 0
                continue
        found.append(seen)
    return found


def refund(one: Read) -> RefundSeen:
    """Return what a refund says."""
    return RefundSeen(
        reference=one["id"],
        refund_id=_id(one, REFUND_ID),
        stage=_REFUNDS.get(one["status"], RefundStage.WAITING),
        amount_minor=from_stripe(one["amount"], one["currency"].upper()),
        failure=str(one.get("failure_reason") or "")[:64],
    )


def card(method: Read) -> Card:
    """Return what a saved card says."""
    details = method["card"]
    return Card(
        reference=method["id"],
        brand=details.get("display_brand") or details["brand"],
        last4=details["last4"],
        expires=f"{details['exp_month']:02d}/{details['exp_year'] % 100:02d}",
    )


def dispute(one: Read) -> DisputeSeen:
    """Return what a dispute says."""
    currency = one["currency"].upper()
    return DisputeSeen(
        reference=one["id"],
        payment_reference=_reference(one.get("payment_intent")),
        stage=_DISPUTES.get(one["status"], Dispute.OPEN),
        amount_minor=from_stripe(one["amount"], currency),
        currency=currency,
        reason=one.get("reason") or "",
        taken_back=not one["status"].startswith("warning_"),
    )


def payout(one: Read) -> PayoutSeen:
    """Return what a payout says."""
    currency = one["currency"].upper()
    return PayoutSeen(
        reference=one["id"],
        paid=one["status"] == "paid",
        amount_minor=from_stripe(one["amount"], currency),
        currency=currency,
    )


def hint(event: Read) -> Hint:
    """Return what a webhook's event is about."""
    kind, about = str(event["type"]), event["data"]["object"]
    subject, reference = HintSubject.NONE, ""
    if kind.startswith("payment_intent."):
        subject, reference = HintSubject.PAYMENT, about["id"]
    elif kind.startswith("charge.dispute."):
        subject, reference = HintSubject.DISPUTE, about["id"]
    elif kind.startswith(("charge.", "refund.")):
        reference = _reference(about.get("payment_intent"))
        subject = HintSubject.PAYMENT if reference else HintSubject.NONE
    elif kind.startswith("payout."):
        subject, reference = HintSubject.PAYOUT, about["id"]
    return Hint(event_id=event["id"], event_type=kind[:64], subject=subject, reference=reference)


def _expanded(charge: Any) -> Read:
    return charge if isinstance(charge, Mapping) else {}


def _taken(intent: Read, charge: Read) -> int:
    received = intent.get("amount_received")
    if received is not None:
        return int(received)
    # Servers that stand in for Stripe in development say it only so.
    return int(charge["amount"]) - int(charge.get("amount_refunded") or 0)


def _rest(charge: Read, taken: int) -> int:
    """Return what was held and not taken."""
    return max(0, int(charge.get("amount") or 0) - taken)


def _refunded(charge: Read, taken: int) -> int:
    return max(0, int(charge.get("amount_refunded") or 0) - _rest(charge, taken))


def _details(charge: Read) -> Read:
    details: Read = charge.get("payment_method_details") or {}
    of_method: Read = details.get(details.get("type") or "") or {}
    return of_method


def _fee(charge: Read, currency: str) -> int | None:
    booked = charge.get("balance_transaction")
    if not isinstance(booked, Mapping) or booked["currency"].upper() != currency:
        return None
    return from_stripe(int(booked["fee"]), currency)


def _action(intent: Read) -> Action:
    following: Read = intent.get("next_action") or {}
    redirect: Read = following.get("redirect_to_url") or {}
    slip: Read = following.get("konbini_display_details") or {}
    leads_to = redirect.get("url") or slip.get("hosted_voucher_url") or ""
    return Action(client_secret=intent.get("client_secret") or "", redirect_url=leads_to)


def _id(one: Read, key: str) -> UUID | None:
    try:
        return UUID((one.get("metadata") or {}).get(key, ""))
    except ValueError:
        return None


def _time(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _reference(expandable: Any) -> str:
    return str(expandable["id"]) if isinstance(expandable, Mapping) else str(expandable or "")
