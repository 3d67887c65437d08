"""Questions to external providers that move money: a row before each, and a row after it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import CallKind, CallOutcome, Payment, PaymentCall
from konsento.payments.desk import Till
from konsento.payments.errors import NoAnswer, ProviderError, Refused, Stumbled

type Call[T] = Callable[[str], Awaitable[T]]
"""Asks the provider under an idempotency key."""

BEGIN: Final = "begin"
CAPTURE: Final = "capture"
CANCEL: Final = "cancel"
REFUND: Final = "refund"


@dataclass(frozen=True, kw_only=True)
class Question:
    """Something to ask a provider."""

    payment_id: UUID
    step: str
    amount_minor: int
    subject: UUID
    """What the idempotency key is made of: the payment, or the refund."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with its row."""

    question: Question
    intent_id: UUID
    key: str


async def intend(session: AsyncSession, question: Question, at: datetime) -> Asked:
    """Note that a question is about to be asked.

    Its key is the same until the provider has answered: then it does it once however often it is asked. After a
    refusal, or an error of the provider's own, the same key would only be given the same answer again.
    """
    answered = await session.scalar(
        select(func.count()).where(
            PaymentCall.payment_id == question.payment_id,
            PaymentCall.kind == CallKind.RESULT,
            PaymentCall.step == question.step,
            PaymentCall.key.startswith(_root(question)),
            PaymentCall.outcome.in_((CallOutcome.REFUSED, CallOutcome.STUMBLED)),
        )
    )
    key = f"{_root(question)}{answered or 0}"
    intent = PaymentCall(
        id=new_id(),
        payment_id=question.payment_id,
        kind=CallKind.INTENT,
        intent_id=None,
        step=question.step,
        key=key,
        amount_minor=question.amount_minor,
        outcome=None,
        at=at,
    )
    session.add(intent)
    await session.flush()
    return Asked(question=question, intent_id=intent.id, key=key)


async def ask[T](services: Till, asked: Asked, call: Call[T]) -> T:
    """Ask, with the intent committed before. What goes wrong is noted and raised; an answer the caller notes itself."""
    step = asked.question.step
    try:
        answer = await call(asked.key)
    except ProviderError as error:
        outcome = _outcome(error)
        services.metrics.payment_calls[step, outcome.value].inc()
        async with services.database.transaction() as session:
            _add_result(session, asked, outcome, services.clock.now(), code=error.code)
        raise
    services.metrics.payment_calls[step, CallOutcome.DONE.value].inc()
    return answer


def done(session: AsyncSession, asked: Asked, reference: str, at: datetime) -> None:
    """Note the answer to a question, in the transaction that notes what it changed."""
    _add_result(session, asked, CallOutcome.DONE, at, reference=reference)


async def calls_of(session: AsyncSession, payment: Payment) -> list[PaymentCall]:
    """Return all that was asked about a payment, in its order."""
    query = select(PaymentCall).where(PaymentCall.payment_id == payment.id).order_by(PaymentCall.id)
    return list(await session.scalars(query))


def _root(question: Question) -> str:
    return f"{question.subject}:{question.step}:{question.amount_minor}:"


def _outcome(error: ProviderError) -> CallOutcome:
    match error:
        case Refused():
            return CallOutcome.REFUSED
        case Stumbled():
            return CallOutcome.STUMBLED
        case NoAnswer():
            return CallOutcome.UNKNOWN
    raise AssertionError(f"an error of a provider that nobody knows: {error!r}")


def _add_result(
    session: AsyncSession, asked: Asked, outcome: CallOutcome, at: datetime, *, code: str = "", reference: str = ""
) -> None:
    session.add(
        PaymentCall(
            id=new_id(),
            payment_id=asked.question.payment_id,
            kind=CallKind.RESULT,
            intent_id=asked.intent_id,
            step=asked.question.step,
            key=asked.key,
            amount_minor=asked.question.amount_minor,
            outcome=outcome,
            code=code,
            reference=reference,
            at=at,
        )
    )
