"""Stripe: cards with a hold, wallets, and what only pays at once (PayPay, konbini)."""

from konsento.payments.stripe.provider import NAME, StripeProvider

__all__ = ["NAME", "StripeProvider"]
