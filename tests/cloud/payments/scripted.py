"""The fake provider's external mode: a provider in memory that does what tests and demonstrations need done to us.

It keeps its payments as a real one does, answers the same question under the same key the same, and has the bad days of
real ones on demand: declines, confirmations that are asked for, answers lost before or after the effect, holds that
lapse, captures that fail, hints that come twice and in any order.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from konsento.kit.ids import new_id
from konsento.models import Dispute
from konsento.payments.errors import BadSignature, Declined, NoAnswer, Refused, Stumbled
from konsento.payments.seen import (
    Action,
    Card,
    DisputeSeen,
    Hint,
    HintSubject,
    Order,
    PayoutSeen,
    RefundOrder,
    RefundSeen,
    RefundStage,
    Seen,
    Stage,
)

HOLDS_FOR: Final = timedelta(days=7)
PREPAID: Final = frozenset({"paypay", "konbini"})
SIGNATURE: Final = "scripted"
"""What a hint has to be signed with."""


class Fault(StrEnum):
    """What goes wrong with a question, once."""

    LOST_BEFORE = "lost_before"
    """It never arrives."""
    LOST_AFTER = "lost_after"
    """It is done, and the answer is lost."""
    STUMBLES = "stumbles"
    """The provider answers with an error of its own, and has done nothing."""
    DECLINED = "declined"
    REFUSED = "refused"


@dataclass(kw_only=True)
class _Kept:
    """A payment as the provider keeps it."""

    seen: Seen
    prepaid: bool
    refunds: list[RefundSeen] = field(default_factory=list)


class ScriptedProvider:
    """A provider that is asked over no network and forgets everything with its process."""

    def __init__(
        self,
        name: str = "scripted",
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        minimum_minor: int = 50,
        step_minor: int = 1,
        fee_minor: int = 0,
    ) -> None:
        self.name = name
        self.publishable_key = ""
        self.confirms_at_once = False
        """The driver confirms in the same moment: for demonstrations and for tests of what comes after."""
        self.hints: list[tuple[str, bytes]] = []
        """Signatures and bodies of what it has told so far."""
        self.declines: set[str] = set()
        """Payments whose capture the driver's bank declines, whenever it is asked for."""
        self.asked: list[str] = []
        """Every question that moves money and arrived."""
        self.now = now
        self._minimum_minor = minimum_minor
        self._step_minor = step_minor
        self._fee_minor = fee_minor
        self._payments: dict[str, _Kept] = {}
        self._answers: dict[str, tuple[object, object]] = {}
        self._faults: dict[str, deque[Fault]] = {}
        self._cards: dict[str, list[Card]] = {}
        self._disputes: dict[str, DisputeSeen] = {}
        self._payouts: dict[str, PayoutSeen] = {}

    # What happens at the provider's.

    def fail(self, step: str, *faults: Fault) -> None:
        """Have the next questions of that kind go wrong: `begin`, `look`, `list`, `capture`, `cancel`, `refund`."""
        self._faults.setdefault(step, deque()).extend(faults)

    def forget_keys(self) -> None:
        """Forget the idempotency keys, as providers do after a day."""
        self._answers.clear()

    def mend(self) -> None:
        """Have nothing more go wrong."""
        self._faults.clear()

    def confirm(self, reference: str) -> None:
        """Have the driver confirm a payment."""
        kept = self._payments[reference]
        if kept.seen.stage is not Stage.WAITING:
            raise Refused("payment_intent_unexpected_state")
        if kept.prepaid:
            self._set(reference, stage=Stage.TAKEN, taken_minor=kept.seen.amount_minor, action=None, failure="")
            self._set(reference, fee_minor=self._fee_minor)
        else:
            until = self.now() + HOLDS_FOR
            self._set(reference, stage=Stage.HELD, capture_before=until, action=None, failure="")

    def decline(self, reference: str, code: str = "card_declined") -> None:
        """Have the driver's bank decline a payment; the driver may try again."""
        self._set(reference, failure=code)

    def lapse(self, reference: str) -> None:
        """Have a hold lapse."""
        if self._payments[reference].seen.stage is Stage.HELD:
            self._set(reference, stage=Stage.GONE)

    def take_elsewhere(self, reference: str, amount_minor: int) -> None:
        """Have somebody take a hold in the provider's own pages."""
        self._set(reference, stage=Stage.TAKEN, taken_minor=amount_minor)

    def refund_elsewhere(self, reference: str, amount_minor: int) -> None:
        """Have somebody give money back in the provider's own pages."""
        self._pay_back(reference, None, amount_minor)

    def fail_refund(self, reference: str, code: str = "lost_or_stolen_card") -> None:
        """Have the driver's bank send back the last refund of a payment."""
        kept = self._payments[reference]
        last = kept.refunds[-1]
        kept.refunds[-1] = replace(last, stage=RefundStage.FAILED, failure=code)
        self._set(reference, refunded_minor=kept.seen.refunded_minor - last.amount_minor)

    def add_card(self, customer: str, last4: str = "4242") -> Card:
        """Have a customer save a card."""
        card = Card(reference=f"card_{new_id()}", brand="visa", last4=last4, expires="12/34")
        self._cards.setdefault(customer, []).insert(0, card)
        return card

    def contest(self, reference: str, amount_minor: int) -> str:
        """Have a driver contest a payment; returns the dispute's reference."""
        made = f"dp_{new_id()}"
        self._disputes[made] = DisputeSeen(
            reference=made,
            payment_reference=reference,
            stage=Dispute.OPEN,
            amount_minor=amount_minor,
            currency=self._payments[reference].seen.currency,
            reason="fraudulent",
            taken_back=True,
        )
        self._tell(HintSubject.DISPUTE, made)
        return made

    def decide(self, dispute: str, stage: Dispute) -> None:
        """Have the bank decide a dispute."""
        self._disputes[dispute] = replace(self._disputes[dispute], stage=stage)
        self._tell(HintSubject.DISPUTE, dispute)

    def pay_out(self, amount_minor: int, currency: str) -> str:
        """Have the provider pay to our bank; returns the payout's reference."""
        made = f"po_{new_id()}"
        self._payouts[made] = PayoutSeen(reference=made, paid=True, amount_minor=amount_minor, currency=currency)
        self._tell(HintSubject.PAYOUT, made)
        return made

    def seen(self, reference: str) -> Seen:
        """Return a payment as it is, without being asked for it."""
        return self._payments[reference].seen

    @property
    def taken_minor(self) -> int:
        """What it has of ours in all: taken and not given back."""
        return sum(kept.seen.taken_minor - kept.seen.refunded_minor for kept in self._payments.values())

    @property
    def references(self) -> list[str]:
        """All payments, in their order."""
        return list(self._payments)

    # The port.

    takes_hints = True

    def minimum_minor(self, currency: str) -> int:
        """Return the least that it takes."""
        return self._minimum_minor

    def step_minor(self, currency: str) -> int:
        """Return what every amount is a multiple of."""
        return self._step_minor

    def methods(self, currency: str) -> Sequence[str]:
        """Return what drivers can pay with."""
        return ("card", "paypay")

    def is_prepaid(self, method: str) -> bool:
        """Tell whether a method only pays at once."""
        return method in PREPAID

    async def begin(self, order: Order, key: str) -> Seen:
        """Make a payment."""
        return self._once("begin", key, order, lambda: self._begin(order))

    async def look(self, reference: str) -> Seen:
        """Return a payment as it is."""
        self._stumble("look")
        if reference not in self._payments:
            raise Refused("resource_missing")
        return self._payments[reference].seen

    async def find(self, payment_id: UUID, since: datetime) -> Seen | None:
        """Return the payment that was made for ours."""
        self._stumble("look")
        return next((kept.seen for kept in self._payments.values() if kept.seen.payment_id == payment_id), None)

    async def capture(self, reference: str, amount_minor: int, currency: str, key: str) -> Seen:
        """Take an amount of what is held."""
        return self._once("capture", key, amount_minor, lambda: self._capture(reference, amount_minor))

    async def cancel(self, reference: str, key: str) -> Seen:
        """Give up what is held or not confirmed."""
        return self._once("cancel", key, None, lambda: self._cancel(reference))

    async def refund(self, order: RefundOrder, key: str) -> RefundSeen:
        """Pay an amount back."""
        return self._once(
            "refund", key, order, lambda: self._pay_back(order.reference, order.refund_id, order.amount_minor)
        )

    async def refunds(self, reference: str) -> Sequence[RefundSeen]:
        """Return all refunds of a payment."""
        self._stumble("look")
        return list(self._payments[reference].refunds)

    async def made_since(self, at: datetime) -> Sequence[Seen]:
        """Return all payments that were made since a time."""
        self._stumble("list")
        made = (kept.seen for kept in self._payments.values())
        return [seen for seen in made if seen.made_at is not None and seen.made_at >= at]

    async def customer(self, driver_id: UUID, key: str) -> str:
        """Make a customer."""
        return self._once("customer", key, driver_id, lambda: f"cus_{driver_id}")

    async def cards(self, customer: str) -> Sequence[Card]:
        """Return a customer's saved cards."""
        self._stumble("look")
        return list(self._cards.get(customer, ()))

    async def begin_card(self, customer: str, key: str) -> Action:
        """Begin to save a card."""
        return self._once("card", key, customer, lambda: Action(client_secret=f"secret_{new_id()}"))

    async def forget_card(self, customer: str, card: str) -> None:
        """Delete a customer's card."""
        cards = self._cards.get(customer, [])
        if card not in {one.reference for one in cards}:
            raise Refused("resource_missing")
        self._cards[customer] = [one for one in cards if one.reference != card]

    async def forget_customer(self, customer: str) -> None:
        """Delete a customer."""
        self._stumble("customer")
        self._cards.pop(customer, None)

    def hint(self, body: bytes, signature: str, at: datetime) -> Hint:
        """Return what a hint says."""
        if signature != SIGNATURE:
            raise BadSignature
        said = json.loads(body)
        return Hint(
            event_id=said["id"],
            event_type=said["type"],
            subject=HintSubject(said["subject"]),
            reference=said["reference"],
        )

    async def dispute(self, reference: str) -> DisputeSeen:
        """Return a dispute as it is."""
        self._stumble("look")
        if reference not in self._disputes:
            raise Refused("resource_missing")
        return self._disputes[reference]

    async def payout(self, reference: str) -> PayoutSeen:
        """Return a payout as it is."""
        self._stumble("look")
        if reference not in self._payouts:
            raise Refused("resource_missing")
        return self._payouts[reference]

    async def payouts_since(self, at: datetime) -> Sequence[PayoutSeen]:
        """Return all payouts."""
        return list(self._payouts.values())

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    # How it does that.

    def _once[T](self, step: str, key: str, asked: object, act: Callable[[], T]) -> T:
        """Do something under a key: once, however often it is asked for."""
        fault = self._next_fault(step)
        if fault is Fault.LOST_BEFORE:
            raise NoAnswer("timeout")
        if key not in self._answers:
            self.asked.append(step)
            try:
                self._answers[key] = (asked, self._act(fault, act))
            except (Refused, Stumbled) as error:
                self._answers[key] = (asked, error)
        before, answer = self._answers[key]
        if before != asked:
            raise Refused("idempotency_key_in_use")
        if fault is Fault.LOST_AFTER:
            raise NoAnswer("timeout")
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]  # under a key that names the step, so of its type

    def _act[T](self, fault: Fault | None, act: Callable[[], T]) -> T:
        match fault:
            case Fault.STUMBLES:
                raise Stumbled("api_error")
            case Fault.DECLINED:
                raise Declined("card_declined")
            case Fault.REFUSED:
                raise Refused("parameter_invalid")
        return act()

    def _next_fault(self, step: str) -> Fault | None:
        waiting = self._faults.get(step)
        return waiting.popleft() if waiting else None

    def _stumble(self, step: str) -> None:
        fault = self._next_fault(step)
        if fault is not None:
            raise NoAnswer("timeout") if fault is not Fault.STUMBLES else Stumbled("api_error")

    def _begin(self, order: Order) -> Seen:
        reference = f"pi_{new_id()}"
        seen = Seen(
            reference=reference,
            stage=Stage.WAITING,
            currency=order.currency,
            amount_minor=order.amount_minor,
            payment_id=order.payment_id,
            method=order.method or "card",
            made_at=self.now(),
            action=Action(
                client_secret=f"{reference}_secret", redirect_url="" if self.publishable_key else order.return_url
            ),
        )
        self._payments[reference] = _Kept(seen=seen, prepaid=order.prepaid)
        if order.card or self.confirms_at_once:
            self.confirm(reference)
        return self._payments[reference].seen

    def _capture(self, reference: str, amount_minor: int) -> Seen:
        kept = self._payments[reference]
        if reference in self.declines:
            raise Declined("card_declined")
        if kept.seen.stage is not Stage.HELD or amount_minor > kept.seen.amount_minor:
            raise Refused("payment_intent_unexpected_state")
        if amount_minor < self._minimum_minor:
            raise Refused("amount_too_small")
        return self._set(reference, stage=Stage.TAKEN, taken_minor=amount_minor, fee_minor=self._fee_minor)

    def _cancel(self, reference: str) -> Seen:
        if self._payments[reference].seen.stage not in {Stage.WAITING, Stage.HELD}:
            raise Refused("payment_intent_unexpected_state")
        return self._set(reference, stage=Stage.GONE, action=None)

    def _pay_back(self, reference: str, refund_id: UUID | None, amount_minor: int) -> RefundSeen:
        kept = self._payments[reference]
        if kept.seen.stage is not Stage.TAKEN or amount_minor > kept.seen.taken_minor - kept.seen.refunded_minor:
            raise Refused("charge_already_refunded")
        made = RefundSeen(
            reference=f"re_{new_id()}", refund_id=refund_id, stage=RefundStage.DONE, amount_minor=amount_minor
        )
        kept.refunds.append(made)
        self._set(reference, refunded_minor=kept.seen.refunded_minor + amount_minor)
        return made

    def _set(self, reference: str, **changes: object) -> Seen:
        kept = self._payments[reference]
        kept.seen = replace(kept.seen, **changes)  # type: ignore[arg-type]  # the callers above
        self._tell(HintSubject.PAYMENT, reference)
        return kept.seen

    def _tell(self, subject: HintSubject, reference: str) -> None:
        said = {"id": f"evt_{new_id()}", "type": f"{subject}.changed", "subject": subject, "reference": reference}
        self.hints.append((SIGNATURE, json.dumps(said).encode()))
