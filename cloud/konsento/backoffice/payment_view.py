"""Payments as the staff sees them: a row of the list, and everything about one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from konsento.backoffice.render import exact_time
from konsento.backoffice.words import (
    DISPUTES,
    OUTCOMES,
    PAYMENTS,
    PROVIDERS,
    PURPOSES,
    REFUND_KINDS,
    REFUNDS,
    STEPS,
    found_in,
)
from konsento.kit.i18n import Language, marked
from konsento.models import (
    CallKind,
    Dispute,
    Payment,
    PaymentCall,
    PaymentHint,
    PaymentPurpose,
    PaymentState,
    Refund,
    RefundState,
)
from konsento.web.words import payment_method

_TONES = {
    PaymentState.CAPTURED: "",
    PaymentState.HELD: "",
    PaymentState.RELEASED: "off",
    PaymentState.REFUNDED: "off",
    PaymentState.FAILED: "bad",
    PaymentState.EXPIRED: "bad",
}


@dataclass(frozen=True, kw_only=True)
class PaymentRow:
    """One payment in a table."""

    id: UUID
    session_id: UUID | None
    created_at: datetime
    what: str
    amount: str
    state: str
    tone: str
    why: str
    """Why a person is needed; empty where none is."""


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One question to the provider, and its answer."""

    at: datetime
    step: str
    amount: str
    outcome: str
    tone: str
    code: str
    key: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class RefundRow:
    """Money that goes back."""

    id: UUID
    at: datetime
    kind: str
    amount: str
    state: str
    tone: str
    note: str
    is_failed: bool


def payment_row(language: Language, payment: Payment) -> PaymentRow:
    """Describe a payment."""
    provider = language.text(PROVIDERS.get(payment.provider, payment.provider))
    return PaymentRow(
        id=payment.id,
        session_id=payment.session_id,
        created_at=payment.created_at,
        what=f"{provider} · {language.text(PURPOSES[payment.purpose])}",
        amount=language.money(payment.captured_minor or payment.hold_minor, payment.currency),
        state=language.text(PAYMENTS[payment.state]),
        tone=_TONES.get(payment.state, "wait"),
        why=_why(language, payment),
    )


def facts(language: Language, payment: Payment) -> list[tuple[str, str]]:
    """Return everything about a payment, by name."""
    text = language.text

    def money(minor: int) -> str:
        return language.money(minor, payment.currency)

    is_over = payment.resolved_at is not None
    amounts = (
        (_first_amount(payment), payment.hold_minor),
        (marked("Taken"), payment.captured_minor),
        (marked("Refunded"), payment.refunded_minor),
        (marked("Not asked for"), payment.waived_minor),
        (marked("Fee of the payment provider"), payment.fee_minor),
    )
    found = [(text(name), money(minor)) for name, minor in amounts if minor]
    if payment.method:
        found.append((text("Way to pay"), text(payment_method(payment.method))))
    if payment.reference:
        found.append((text("Name at the provider"), payment.reference))
    if payment.failure:
        found.append((text("Refused with"), payment.failure))
    times = (
        (marked("Held until, as the provider said"), payment.capture_before),
        (
            marked("Given up, if nobody comes, at"),
            payment.expires_at if payment.session_id is None and not is_over else None,
        ),
        (marked("Over since"), payment.resolved_at),
    )
    found += [(text(name), exact_time(language, at)) for name, at in times if at is not None]
    if payment.dispute is not None:
        dispute = text(DISPUTES[payment.dispute])
        found.append((text("Dispute"), f"{dispute}, {money(payment.disputed_minor)}"))
    return found


def _first_amount(payment: Payment) -> str:
    if payment.purpose is not PaymentPurpose.SESSION:
        return marked("Asked of the driver")
    return marked("Paid before charging") if payment.prepaid else marked("Held")


def call_rows(language: Language, payment: Payment, calls: Sequence[PaymentCall]) -> list[CallRow]:
    """Return the questions to the provider, each with its answer; the newest first."""
    answers = {call.intent_id: call for call in calls if call.kind is CallKind.RESULT}
    rows: list[CallRow] = []
    for asked in calls:
        if asked.kind is not CallKind.INTENT:
            continue
        answer = answers.get(asked.id)
        outcome = OUTCOMES[answer.outcome] if answer is not None and answer.outcome is not None else None
        is_done = answer is not None and answer.outcome == "done"
        rows.append(
            CallRow(
                at=asked.at,
                step=found_in(language, STEPS, asked.step),
                amount=language.money(asked.amount_minor, payment.currency) if asked.amount_minor else "",
                outcome=language.text(outcome or marked("not noted: the process ended")),
                tone="" if is_done else "wait",
                code=answer.code if answer is not None else "",
                key=asked.key,
                reference=answer.reference if answer is not None else "",
            )
        )
    return rows[::-1]


def refund_rows(language: Language, payment: Payment, refunds: Sequence[Refund]) -> list[RefundRow]:
    """Return the refunds, the newest first."""
    tones = {RefundState.ASKED: "wait", RefundState.DONE: "", RefundState.FAILED: "bad"}
    return [
        RefundRow(
            id=refund.id,
            at=refund.asked_at,
            kind=language.text(REFUND_KINDS[refund.kind]),
            amount=language.money(refund.amount_minor, payment.currency),
            state=language.text(REFUNDS[refund.state]),
            tone=tones[refund.state],
            note=" · ".join(part for part in (refund.reason, refund.failure, refund.reference) if part),
            is_failed=refund.state is RefundState.FAILED,
        )
        for refund in reversed(refunds)
    ]


def hint_rows(hints: Sequence[PaymentHint]) -> list[tuple[datetime, str, datetime | None]]:
    """Return what the provider said unasked: when, what, and when it was followed."""
    return [(hint.received_at, hint.event_type, hint.handled_at) for hint in hints]


def _why(language: Language, payment: Payment) -> str:
    """Return why a person is needed, for one of those that need one."""
    text = language.text
    if payment.dispute is Dispute.OPEN:
        return text("The driver's bank contests it.")
    match payment.state:
        case PaymentState.CAPTURING:
            return text("The provider does not take it.")
        case PaymentState.RELEASING:
            return text("The provider does not give it back.")
        case PaymentState.FAILED | PaymentState.EXPIRED:
            return text("Nothing was taken; the amount is still due.")
    return text("A refund failed.")
