"""The port to payment providers, in its two shapes.

An internal provider keeps its money in this database: it acts in the given transaction, and what it answers is final
with it. An external one is asked over a network: its answers may be late or lost, so each question is preceded by a row
with the intent and followed by one with the result (`payments.calls`), and what is to become of a payment is due work
(`payments.driving`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.ledger.service import Resolution
from konsento.models import Payment
from konsento.payments.seen import (
    Action,
    Card,
    DisputeSeen,
    Hint,
    Order,
    PayoutSeen,
    RefundOrder,
    RefundSeen,
    Seen,
)


class InternalProvider(Protocol):
    """Holds money and takes or releases it in a transaction. Every call is idempotent by the payment's id."""

    name: str
    """Stored with the payment: the one who holds the money is the one who takes it."""

    async def hold(self, session: AsyncSession, payment: Payment, at: datetime) -> None:
        """Hold `payment.hold_minor` and set `payment.reference`. Raises a KonsentoError where that is refused."""

    async def change(self, session: AsyncSession, payment: Payment, hold_minor: int, at: datetime) -> None:
        """Hold another amount instead, more or less, and set `payment.hold_minor` and `payment.reference`.

        Raises a KonsentoError where more is refused; the caller rolls back, so that the present hold stays.
        """

    def resolutions(self, payment: Payment, amount_minor: int, at: datetime) -> Sequence[Resolution]:
        """Return the entries that take an amount, at most the hold, and release the rest; 0 releases all of it."""

    async def resolved(self, session: AsyncSession, taken: Mapping[UUID, int], at: datetime) -> None:
        """Do what else belongs to amounts that are taken so, by the payments' ids."""


class ExternalProvider(Protocol):
    """Asks a provider over a network. Amounts are in minor units by the ISO exponent, whatever the provider counts in.

    Raises `Declined` where the driver's bank says no, `Refused` where the provider does (nothing has happened then),
    `Stumbled` where it answered with an error of its own and `NoAnswer` where it did not answer: what has happened then
    only a look can tell. A `key` makes a question idempotent for at least a day.
    """

    name: str
    publishable_key: str
    """What the provider's own field in the driver's page is opened with; empty for a provider without one."""

    @property
    def takes_hints(self) -> bool:
        """Tell whether it is set up so that its hints can be told from a stranger's."""

    def minimum_minor(self, currency: str) -> int:
        """Return the least that it takes at all, at least 1."""

    def step_minor(self, currency: str) -> int:
        """Return what every amount is a multiple of; 1 for nearly all currencies."""

    def methods(self, currency: str) -> Sequence[str]:
        """Return what drivers can pay with there in a currency, the usual way first."""

    def is_prepaid(self, method: str) -> bool:
        """Tell whether a method only pays at once, so that what is not used has to be paid back."""

    async def begin(self, order: Order, key: str) -> Seen:
        """Make a payment, which the driver confirms at the provider's; with a saved card it is confirmed at once."""

    async def look(self, reference: str) -> Seen:
        """Return a payment as it is. Raises `Refused` where there is none."""

    async def find(self, payment_id: UUID, since: datetime) -> Seen | None:
        """Return the payment that was made for ours since that time, if any was."""

    async def capture(self, reference: str, amount_minor: int, currency: str, key: str) -> Seen:
        """Take an amount of what is held; the rest is released."""

    async def cancel(self, reference: str, key: str) -> Seen:
        """Give up what is held, or what the driver has not confirmed."""

    async def refund(self, order: RefundOrder, key: str) -> RefundSeen:
        """Pay an amount back."""

    async def refunds(self, reference: str) -> Sequence[RefundSeen]:
        """Return all refunds of a payment, those included that others made."""

    async def made_since(self, at: datetime) -> Sequence[Seen]:
        """Return all payments that were made since a time."""

    async def customer(self, driver_id: UUID, key: str) -> str:
        """Make a customer; returns its reference. The provider gets no identity but our id."""

    async def cards(self, customer: str) -> Sequence[Card]:
        """Return a customer's saved cards, the newest first."""

    async def begin_card(self, customer: str, key: str) -> Action:
        """Begin to save a card without paying; the driver confirms it at the provider's."""

    async def forget_card(self, customer: str, card: str) -> None:
        """Delete a customer's card. Raises `Refused` where the customer has no such card."""

    async def forget_customer(self, customer: str) -> None:
        """Delete a customer with all cards; one that is gone already is fine."""

    def hint(self, body: bytes, signature: str, at: datetime) -> Hint:
        """Return what a webhook's body says. Raises `BadSignature`."""

    async def dispute(self, reference: str) -> DisputeSeen:
        """Return a dispute as it is."""

    async def payout(self, reference: str) -> PayoutSeen:
        """Return a payout to our bank as it is."""

    async def payouts_since(self, at: datetime) -> Sequence[PayoutSeen]:
        """Return the payouts to our bank that were made since a time."""

    async def close(self) -> None:
        """Close all connections."""
