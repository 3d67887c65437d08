"""What is read from Stripe and said to it, without a network: amounts, objects, signatures, errors."""

import json
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from konsento.kit.ids import new_id
from konsento.models import Dispute, PaymentPurpose
from konsento.payments.errors import BadSignature, Declined, NoAnswer, ProviderError, Refused, Stumbled
from konsento.payments.seen import HintSubject, Order, RefundStage, Stage
from konsento.payments.stripe import StripeProvider, amounts, reading
from konsento.payments.stripe.provider import _ours
from konsento.settings import Settings

from ..conftest import AT

SECRET = "whsec_of_the_operator"
PAYMENT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def provider(methods: str = "card paypay konbini") -> StripeProvider:
    settings = Settings(
        stripe_secret_key=SecretStr("sk_test_123456"),
        stripe_publishable_key="pk_test_123456",
        stripe_webhook_secret=SecretStr(SECRET),
        stripe_methods=methods,
    )
    return StripeProvider(settings)


def intent(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "status": status,
        "currency": "jpy",
        "amount": 1000,
        "amount_received": 0,
        "created": 1790000000,
        "client_secret": "pi_1_secret_x",
        "metadata": {"payment_id": str(PAYMENT)},
        "latest_charge": None,
        "next_action": None,
        "last_payment_error": None,
    } | more


def charge(**more: Any) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "amount": 1000,
        "amount_refunded": 0,
        "payment_method_details": {"type": "card", "card": {"capture_before": 1792592000}},
        "balance_transaction": None,
    } | more


@pytest.mark.parametrize(
    ("currency", "minor", "stripes"),
    [
        ("JPY", 380, 380),
        ("EUR", 380, 380),
        ("USD", 380, 380),
        ("KWD", 1230, 1230),
        ("ISK", 380, 38000),
        ("UGX", 380, 38000),
        ("HUF", 38000, 38000),
        ("KRW", 380, 380),
    ],
)
def test_amounts_are_what_stripe_counts(currency: str, minor: int, stripes: int) -> None:
    assert amounts.to_stripe(minor, currency) == stripes
    assert amounts.from_stripe(stripes, currency) == minor


@given(st.integers(0, 10**9), st.sampled_from(["JPY", "EUR", "USD", "KWD", "ISK", "UGX", "BHD", "HUF", "TWD", "CLP"]))
def test_every_amount_that_stripe_takes_is_the_same_when_it_comes_back(number: int, currency: str) -> None:
    minor = number * amounts.step_minor(currency)
    assert amounts.from_stripe(amounts.to_stripe(minor, currency), currency) == minor


def test_what_stripe_takes_at_least_is_known_by_currency() -> None:
    assert [amounts.minimum_minor(c) for c in ("JPY", "EUR", "USD", "GBP", "KWD")] == [50, 50, 50, 30, 10]
    assert amounts.step_minor("KWD") == 10


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("requires_payment_method", Stage.WAITING),
        ("requires_action", Stage.WAITING),
        ("processing", Stage.WAITING),
        ("requires_capture", Stage.HELD),
        ("succeeded", Stage.TAKEN),
        ("canceled", Stage.GONE),
    ],
)
def test_where_a_payment_is(status: str, stage: Stage) -> None:
    seen = reading.payment(intent(status, latest_charge=charge(), amount_received=1000))
    assert (seen.stage, seen.payment_id) == (stage, PAYMENT)
    assert (seen.action is not None) == (stage is Stage.WAITING and status != "processing")


def test_how_long_it_is_held_is_read_from_stripe() -> None:
    seen = reading.payment(intent("requires_capture", latest_charge=charge()))
    assert seen.capture_before is not None
    assert (seen.capture_before.timestamp(), seen.method) == (1792592000, "card")


def test_what_was_only_held_is_not_taken_for_a_refund() -> None:
    partly = charge(amount_refunded=620)
    one = intent("succeeded", amount_received=380, latest_charge=partly)
    listed = [
        {"id": "re_1", "amount": 620, "currency": "jpy", "status": "succeeded", "created": 1, "metadata": {}},
        {
            "id": "re_2",
            "amount": 80,
            "currency": "jpy",
            "status": "succeeded",
            "created": 2,
            "metadata": {"refund_id": str(PAYMENT)},
        },
    ]
    assert reading.payment(one).refunded_minor == 0
    assert [(r.reference, r.refund_id) for r in reading.refunds(one, listed)] == [("re_2", PAYMENT)]


def test_the_fee_is_read_only_in_the_payments_own_currency() -> None:
    booked = {"fee": 14, "currency": "jpy"}
    same = reading.payment(
        intent("succeeded", amount_received=380, latest_charge=charge(amount=380, balance_transaction=booked))
    )
    other = reading.payment(
        intent(
            "succeeded",
            amount_received=380,
            latest_charge=charge(amount=380, balance_transaction=booked | {"currency": "eur"}),
        )
    )
    assert (same.fee_minor, other.fee_minor) == (14, None)


def test_a_secret_is_in_no_words_about_a_payment() -> None:
    action = {"redirect_to_url": {"url": "https://hooks.stripe.com/secret-place"}}
    seen = reading.payment(intent("requires_action", next_action=action))
    assert seen.action is not None
    assert (seen.action.client_secret, seen.action.redirect_url) == (
        "pi_1_secret_x",
        "https://hooks.stripe.com/secret-place",
    )
    assert "secret" not in repr(seen)


def test_a_decline_is_told_with_the_banks_word() -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    assert reading.payment(intent("requires_payment_method", last_payment_error=error)).failure == "insufficient_funds"


def test_refunds_and_disputes_and_payouts() -> None:
    refund = reading.refund({"id": "re", "amount": 5, "currency": "jpy", "status": "pending"})
    failed = reading.refund(
        {"id": "re", "amount": 5, "currency": "jpy", "status": "failed", "failure_reason": "expired_or_canceled_card"}
    )
    assert (refund.stage, failed.stage, failed.failure) == (
        RefundStage.WAITING,
        RefundStage.FAILED,
        "expired_or_canceled_card",
    )
    base = {"id": "dp", "payment_intent": "pi_1", "amount": 380, "currency": "jpy", "reason": "fraudulent"}
    stages = {s: reading.dispute(base | {"status": s}) for s in ("needs_response", "won", "lost", "warning_closed")}
    assert [(d.stage, d.taken_back) for d in stages.values()] == [
        (Dispute.OPEN, True),
        (Dispute.WON, True),
        (Dispute.LOST, True),
        (Dispute.WON, False),
    ]
    assert reading.payout({"id": "po", "amount": 9, "currency": "jpy", "status": "in_transit"}).paid is False


def order(**more: Any) -> Order:
    given = {
        "payment_id": PAYMENT,
        "driver_id": new_id(),
        "purpose": PaymentPurpose.SESSION,
        "amount_minor": 1000,
        "currency": "JPY",
        "prepaid": False,
    }
    return Order(**given | more)


def test_a_hold_is_taken_by_hand_and_only_by_what_can_hold() -> None:
    params = provider()._params(order())
    assert (params["capture_method"], params["allowed_payment_method_types"]) == ("manual", ["card"])
    assert params["metadata"] == {"payment_id": str(PAYMENT), "purpose": "session"}


def test_what_pays_at_once_is_asked_for_so() -> None:
    stripes = provider()
    params = stripes._params(order(prepaid=True, method="paypay"))
    assert (params["capture_method"], params["allowed_payment_method_types"]) == ("automatic", ["paypay"])
    assert [stripes.is_prepaid(method) for method in ("", "card", "paypay", "konbini")] == [False, False, True, True]


def test_without_a_list_of_methods_the_account_decides() -> None:
    assert "allowed_payment_method_types" not in provider("")._params(order())


def test_a_saved_card_is_confirmed_at_once_and_a_new_one_kept_only_where_the_driver_agreed() -> None:
    params = provider()._params(order(customer="cus_1", card="pm_1", return_url="https://charge.example/back"))
    kept = provider()._params(order(customer="cus_1", save_card=True))
    assert (params["payment_method"], params["confirm"], params["return_url"]) == (
        "pm_1",
        True,
        "https://charge.example/back",
    )
    assert "setup_future_usage" not in params
    assert (kept["setup_future_usage"], "confirm" in kept) == ("on_session", False)


def test_nothing_but_ids_goes_to_stripe() -> None:
    said = json.dumps(provider()._params(order()))
    assert "@" not in said
    assert Decimal(1000) == provider()._params(order())["amount"]


def signed(body: bytes, *, at: float | None = None, secret: str = SECRET) -> str:
    when = int(at or time.time())
    return stripe.WebhookSignature.generate_signature_header(body.decode(), secret, when)


EVENT = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}


def test_a_signed_event_is_read() -> None:
    body = json.dumps(EVENT).encode()
    hint = provider().hint(body, signed(body), AT)
    assert (hint.event_id, hint.subject, hint.reference) == ("evt_1", HintSubject.PAYMENT, "pi_1")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1,v1=00",
        "v1=00",
        "nonsense",
        signed(json.dumps(EVENT).encode(), secret="whsec_of_somebody"),
        signed(json.dumps(EVENT).encode(), at=time.time() - 301),
        signed(b"{}"),
    ],
)
def test_an_event_with_a_wrong_or_old_signature_is_not_taken(signature: str) -> None:
    with pytest.raises(BadSignature):
        provider().hint(json.dumps(EVENT).encode(), signature, AT)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"not json", b"[]", b"{}", b'{"id": "evt", "type": "payment_intent.x"}'])
def test_what_is_no_event_is_not_taken_even_if_it_is_signed(body: bytes) -> None:
    with pytest.raises(BadSignature):
        provider().hint(body, signed(body) if body.isascii() else "t=1,v1=0", AT)


@pytest.mark.parametrize(
    ("kind", "about", "subject", "reference"),
    [
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"}, HintSubject.PAYMENT, "pi_1"),
        ("refund.updated", {"id": "re_1", "payment_intent": "pi_1"}, HintSubject.PAYMENT, "pi_1"),
        ("charge.dispute.created", {"id": "dp_1", "payment_intent": "pi_1"}, HintSubject.DISPUTE, "dp_1"),
        ("payout.paid", {"id": "po_1"}, HintSubject.PAYOUT, "po_1"),
        ("customer.created", {"id": "cus_1"}, HintSubject.NONE, ""),
        ("charge.succeeded", {"id": "ch_1", "payment_intent": None}, HintSubject.NONE, ""),
    ],
)
def test_what_an_event_is_about(kind: str, about: dict[str, Any], subject: HintSubject, reference: str) -> None:
    hint = reading.hint({"id": "evt", "type": kind, "data": {"object": about}})
    assert (hint.subject, hint.reference) == (subject, reference)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (stripe.CardError("no", "x", "card_declined"), Declined),
        (stripe.InvalidRequestError("no", "x", "amount_too_small"), Refused),
        (stripe.IdempotencyError("no", http_status=400), Refused),
        (stripe.IdempotencyError("no", http_status=409), NoAnswer),
        (stripe.RateLimitError("no"), NoAnswer),
        (stripe.APIConnectionError("no"), NoAnswer),
        (stripe.APIError("no", http_status=500), Stumbled),
        (stripe.AuthenticationError("no"), Stumbled),
    ],
)
def test_what_goes_wrong_at_stripe_says_whether_something_has_happened(
    error: stripe.StripeError, ours: type[ProviderError]
) -> None:
    assert type(_ours(error)) is ours


def test_both_keys_or_none() -> None:
    with pytest.raises(ValueError, match="belong together"):
        Settings(stripe_secret_key=SecretStr("sk_test_1"))


def test_no_setting_shows_a_secret() -> None:
    settings = Settings(stripe_secret_key=SecretStr("sk_test_1"), stripe_publishable_key="pk_test_1")
    assert "sk_test_1" not in repr(settings)
