"""The port to Stripe, over its own library."""

import json
import logging
from collections.abc import AsyncIterable, Awaitable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import aiohttp
import stripe
from stripe.params import PaymentIntentCreateParams, SetupIntentCreateParams

from konsento.models import PaymentPurpose
from konsento.payments.errors import BadSignature, Declined, NoAnswer, ProviderError, Refused, Stumbled
from konsento.payments.seen import Action, Card, DisputeSeen, Hint, Order, PayoutSeen, RefundOrder, RefundSeen, Seen
from konsento.payments.stripe import amounts, reading
from konsento.payments.stripe.reading import PAYMENT_ID, REFUND_ID
from konsento.settings import Settings

log = logging.getLogger(__name__)

NAME: Final = "stripe"
TIMEOUT_S: Final = 10.0
"""For one question; it is asked a second time under the same key."""
RETRIES: Final = 1
TOLERANCE_S: Final = 300
"""How old a webhook's signature may be."""
YEN_ONLY: Final = frozenset({"paypay", "konbini"})
HOLDABLE: Final = frozenset({"", "card", "link"})
"""Methods with which money can be held first and taken later; all others pay at once."""
_EXPAND: Final = ["latest_charge.balance_transaction"]


class StripeProvider:
    """Stripe, with the account of the settings' keys."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.stripe_webhook_secret.get_secret_value()
        self._methods = settings.stripe_methods.split()
        self.publishable_key = settings.stripe_publishable_key
        self._http = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        self._client = stripe.StripeClient(
            settings.stripe_secret_key.get_secret_value(),
            http_client=self._http,
            base_addresses={"api": settings.stripe_api_url},
            max_network_retries=RETRIES,
        ).v1

    @property
    def takes_hints(self) -> bool:
        """Tell whether the webhook's secret is known."""
        return bool(self._secret)

    def minimum_minor(self, currency: str) -> int:
        """Return the least that Stripe takes."""
        return amounts.minimum_minor(currency)

    def step_minor(self, currency: str) -> int:
        """Return what every amount is a multiple of."""
        return amounts.step_minor(currency)

    def methods(self, currency: str) -> Sequence[str]:
        """Return what drivers can pay with: PayPay and convenience stores take yen alone.

        Where the account decides, what can be held is called a card.
        """
        offered = self._methods or ["card"]
        return [method for method in offered if currency == "JPY" or method not in YEN_ONLY]

    def is_prepaid(self, method: str) -> bool:
        """Tell whether a method only pays at once."""
        return method not in HOLDABLE

    async def begin(self, order: Order, key: str) -> Seen:
        """Make a PaymentIntent; with a saved card it is confirmed at once."""
        return reading.payment(
            await _asked(self._client.payment_intents.create_async(self._params(order), {"idempotency_key": key}))
        )

    async def look(self, reference: str) -> Seen:
        """Return a PaymentIntent as it is."""
        return reading.payment(await self._intent(reference))

    async def find(self, payment_id: UUID, since: datetime) -> Seen | None:
        """Return the PaymentIntent of a payment of ours. The list knows it at once, which Stripe's search does not."""
        return next((seen for seen in await self.made_since(since) if seen.payment_id == payment_id), None)

    async def capture(self, reference: str, amount_minor: int, currency: str, key: str) -> Seen:
        """Take an amount of what is held; Stripe releases the rest."""
        return reading.payment(
            await _asked(
                self._client.payment_intents.capture_async(
                    reference,
                    {"amount_to_capture": amounts.to_stripe(amount_minor, currency), "expand": _EXPAND},
                    {"idempotency_key": key},
                )
            )
        )

    async def cancel(self, reference: str, key: str) -> Seen:
        """Cancel a PaymentIntent that is not paid."""
        return reading.payment(
            await _asked(
                self._client.payment_intents.cancel_async(reference, {"expand": _EXPAND}, {"idempotency_key": key})
            )
        )

    async def refund(self, order: RefundOrder, key: str) -> RefundSeen:
        """Pay an amount back."""
        return reading.refund(
            await _asked(
                self._client.refunds.create_async(
                    {
                        "payment_intent": order.reference,
                        "amount": amounts.to_stripe(order.amount_minor, order.currency),
                        "metadata": {REFUND_ID: str(order.refund_id)},
                    },
                    {"idempotency_key": key},
                )
            )
        )

    async def refunds(self, reference: str) -> Sequence[RefundSeen]:
        """Return all refunds of a PaymentIntent."""
        listed = await _all(self._client.refunds.list_async({"payment_intent": reference, "limit": 100}))
        return reading.refunds(await self._intent(reference), listed) if listed else []

    async def made_since(self, at: datetime) -> Sequence[Seen]:
        """Return all PaymentIntents that were made since a time."""
        # The clocks of two machines are never the same.
        since = int(at.timestamp()) - TOLERANCE_S
        listed = self._client.payment_intents.list_async(
            {
                "created": {"gte": since},
                "limit": 100,
                "expand": [f"data.{expanded}" for expanded in _EXPAND],
            }
        )
        return [reading.payment(one) for one in await _all(listed)]

    async def customer(self, driver_id: UUID, key: str) -> str:
        """Make a customer: no name, no address, only our id."""
        made = await _asked(
            self._client.customers.create_async({"metadata": {"driver_id": str(driver_id)}}, {"idempotency_key": key})
        )
        return str(made["id"])

    async def cards(self, customer: str) -> Sequence[Card]:
        """Return a customer's cards, the newest first."""
        listed = await _all(self._client.payment_methods.list_async({"customer": customer, "type": "card"}))
        return [reading.card(one) for one in sorted(listed, key=lambda one: one["created"], reverse=True)]

    async def begin_card(self, customer: str, key: str) -> Action:
        """Make a SetupIntent, for charges while the driver is there."""
        params: SetupIntentCreateParams = {"customer": customer, "usage": "on_session"}
        if self._methods:
            params["allowed_payment_method_types"] = ["card"]
        made = await _asked(self._client.setup_intents.create_async(params, {"idempotency_key": key}))
        return Action(client_secret=made["client_secret"])

    async def forget_card(self, customer: str, card: str) -> None:
        """Detach a card."""
        if card not in {one.reference for one in await self.cards(customer)}:
            raise Refused("resource_missing")
        await _asked(self._client.payment_methods.detach_async(card))

    async def forget_customer(self, customer: str) -> None:
        """Delete a customer with all cards."""
        try:
            await _asked(self._client.customers.delete_async(customer))
        except Refused as error:
            if error.code != "resource_missing":
                raise

    def hint(self, body: bytes, signature: str, at: datetime) -> Hint:
        """Return what a webhook's event is about, if its signature is right and at most five minutes old."""
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._secret, TOLERANCE_S)
            return reading.hint(json.loads(body))
        except stripe.SignatureVerificationError, ValueError, KeyError, TypeError, AttributeError:
            raise BadSignature from None

    async def dispute(self, reference: str) -> DisputeSeen:
        """Return a dispute as it is."""
        return reading.dispute(await _asked(self._client.disputes.retrieve_async(reference)))

    async def payout(self, reference: str) -> PayoutSeen:
        """Return a payout as it is."""
        return reading.payout(await _asked(self._client.payouts.retrieve_async(reference)))

    async def payouts_since(self, at: datetime) -> Sequence[PayoutSeen]:
        """Return the payouts that were made since a time."""
        listed = self._client.payouts.list_async({"created": {"gte": int(at.timestamp())}, "limit": 100})
        return [reading.payout(one) for one in await _all(listed)]

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # so in the library

    async def _intent(self, reference: str) -> dict[str, Any]:
        return await _asked(self._client.payment_intents.retrieve_async(reference, {"expand": _EXPAND}))

    def _params(self, order: Order) -> PaymentIntentCreateParams:
        metadata = {PAYMENT_ID: str(order.payment_id), "purpose": order.purpose.value}
        params: PaymentIntentCreateParams = {
            "amount": amounts.to_stripe(order.amount_minor, order.currency),
            "currency": order.currency.lower(),
            "capture_method": "automatic" if order.prepaid else "manual",
            "metadata": metadata,
            "expand": _EXPAND,
        }
        if types := self._types(order):
            params["allowed_payment_method_types"] = types
        if order.customer:
            params["customer"] = order.customer
        if order.save_card:
            params["setup_future_usage"] = "on_session"
        if order.card:
            params["payment_method"] = order.card
            params["confirm"] = True
            if order.return_url:
                params["return_url"] = order.return_url
        return params

    def _types(self, order: Order) -> list[str]:
        """Return the payment method types of an order; none: whatever the account offers for it."""
        if order.card:
            return []
        if order.method and self._methods:
            return [order.method]
        if order.purpose is PaymentPurpose.SESSION and not order.prepaid:
            return [method for method in self._methods if not self.is_prepaid(method)]
        return self._methods


async def _asked(question: Awaitable[stripe.StripeObject]) -> dict[str, Any]:
    """Return Stripe's answer as plain values; raises what went wrong in our words."""
    try:
        answer = await question
    except stripe.StripeError as error:
        raise _ours(error) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NoAnswer(type(error).__name__) from error
    return answer.to_dict()


async def _all(question: Awaitable[stripe.ListObject[Any]]) -> list[dict[str, Any]]:
    """Return all pages of a list."""
    try:
        pages: AsyncIterable[stripe.StripeObject] = (await question).auto_paging_iter()
        return [one.to_dict() async for one in pages]
    except stripe.StripeError as error:
        raise _ours(error) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NoAnswer(type(error).__name__) from error


def _ours(error: stripe.StripeError) -> ProviderError:
    code = error.code or type(error).__name__
    match error:
        case stripe.CardError():
            return Declined(code)
        case stripe.APIConnectionError() | stripe.RateLimitError():
            return NoAnswer(code)
        case stripe.StripeError(http_status=409):
            return NoAnswer(code)  # another question of ours about the same is under way
        case stripe.InvalidRequestError() | stripe.IdempotencyError():
            return Refused(code)
    # An error of Stripe's own, or our key: to be asked again under another idempotency key.
    log.error("Stripe answered with %s", code)
    return Stumbled(code)
