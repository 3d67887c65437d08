"""The due work of external payments: look at the provider's own object, then close the gap to what we want of it.

Every step begins with a look, so a step that was done without our knowing (an answer was lost, the process died,
another replica was faster, somebody did it in the provider's own pages) is seen and not done again. The idempotency key
covers the time between a look and its question.
"""

import logging
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.work import Again, Job
from konsento.models import RESOLVED, Payment, PaymentState
from konsento.payments import booking, calls, refunding, repository
from konsento.payments.calls import Question
from konsento.payments.desk import Till
from konsento.payments.errors import Declined, Refused
from konsento.payments.life import WORK, Happening, step
from konsento.payments.noting import changed, note
from konsento.payments.port import ExternalProvider
from konsento.payments.seen import Seen, Stage

log = logging.getLogger(__name__)

FORGOTTEN: Final = timedelta(minutes=10)
"""A payment of which the provider knows nothing so long after it was to be made, was never made."""
WATCH_S: Final = 30.0
"""After so long a payment that was begun is looked at, should nobody come back with it."""
LONGEST_POLL_S: Final = 3600.0
SHORTEST_POLL_S: Final = 15.0
PLACES: Final = 8
"""Payments that are asked about side by side: a slow provider keeps no other work waiting."""
TOO_SMALL: Final = "amount_too_small"


class _Known(NamedTuple):
    """A payment as we have it, and as its provider does."""

    payment: Payment
    seen: Seen


def install(services: Till) -> None:
    """Register the handler."""

    @services.work.on(WORK, places=PLACES)
    async def payment(job: Job) -> Again | None:
        return await drive(services, UUID(job.key))


async def drive(services: Till, payment_id: UUID) -> Again | None:
    """Lead an external payment on as far as it goes now; returns when to come again, None where nothing is left to do.

    Raises ProviderError where the provider has to be asked again later, `UnknownMethod` where it is not set up here.
    """
    async with services.database.transaction() as session:
        payment = await repository.payment(session, payment_id)
    if payment is None or not payment.external:
        return None
    provider = services.desk.provider(payment.provider)
    seen = await _look(provider, payment)
    if seen is None:
        return await _never_made(services, payment)
    known = await _noted(services, payment_id, seen)
    if seen.refunded_minor:
        # What was given back elsewhere cannot be kept or given back once more.
        await refunding.pay_back(services, provider, seen, payment_id)
    known = await _given_up(services, known)
    if known.payment.state is PaymentState.CAPTURING:
        known = await _capture(services, provider, known)
    # What could not be taken may still be held.
    if known.payment.state in {PaymentState.RELEASING, PaymentState.FAILED}:
        known = await _release(services, provider, known)
    # Whoever asks about a payment that is over has heard of a refund.
    again = await refunding.pay_back(services, provider, known.seen, payment_id, heard=payment.state in RESOLVED)
    async with services.database.transaction() as session:
        payment = await repository.payment(session, payment_id)
    return again or (_next_look(services, payment) if payment is not None else None)


async def look(services: Till, payment_id: UUID) -> tuple[Payment, Seen | None]:
    """Ask a provider how a payment is and note it; the second is None where the provider knows of none.

    Raises ProviderError where it does not say, LookupError for a payment that is no external one.
    """
    async with services.database.transaction() as session:
        payment = await repository.payment(session, payment_id)
    if payment is None or not payment.external:
        raise LookupError(payment_id)
    seen = await _look(services.desk.provider(payment.provider), payment)
    if seen is None:
        return payment, None
    return await _noted(services, payment_id, seen)


async def _look(provider: ExternalProvider, payment: Payment) -> Seen | None:
    if payment.reference:
        return await provider.look(payment.reference)
    return await provider.find(payment.id, payment.created_at)


async def _noted(services: Till, payment_id: UUID, seen: Seen) -> _Known:
    async with services.database.transaction() as session:
        payment = await _locked(session, payment_id)
        await note(session, services, payment, seen)
    return _Known(payment, seen)


async def _never_made(services: Till, payment: Payment) -> Again | None:
    """Give up a payment that the provider knows nothing of: it died with its process, or its question was lost."""
    if services.clock.now() < payment.created_at + FORGOTTEN:
        return Again(60)
    async with services.database.transaction() as session:
        locked = await _locked(session, payment.id)
        before = locked.state
        step(locked, Happening.GONE, services.clock.now())
        await changed(session, services, locked, before)
    return None


async def _given_up(services: Till, known: _Known) -> _Known:
    """Release what the driver has not confirmed in time, and what is held for a charging that never began."""
    if not _waits_in_vain(services, known.payment):
        return known
    async with services.database.transaction() as session:
        payment = await _locked(session, known.payment.id)
        # A charging may have taken it over since.
        if _waits_in_vain(services, payment):
            before = payment.state
            step(payment, Happening.RELEASE, services.clock.now())
            await changed(session, services, payment, before)
    return known._replace(payment=payment)


def _waits_in_vain(services: Till, payment: Payment) -> bool:
    is_waiting = payment.state is PaymentState.PENDING or (
        payment.state is PaymentState.HELD and payment.session_id is None
    )
    return is_waiting and payment.expires_at is not None and services.clock.now() >= payment.expires_at


async def _capture(services: Till, provider: ExternalProvider, known: _Known) -> _Known:
    payment, seen = known
    if seen.stage is Stage.TAKEN:
        return await _keep_part(services, provider, known)
    if seen.stage is not Stage.HELD:
        return known
    takeable = _takeable(provider, payment)
    if takeable != payment.captured_minor:
        known = await _waive(services, known, payment.captured_minor - takeable)
    if takeable == 0:
        return known
    try:
        return await _ask(
            services,
            payment,
            Question(payment_id=payment.id, step=calls.CAPTURE, amount_minor=takeable, subject=payment.id),
            lambda key: provider.capture(seen.reference, takeable, payment.currency, key),
        )
    except Declined as error:
        return await _cannot(services, known, error.code)
    except Refused as error:
        if error.code == TOO_SMALL:
            return await _waive(services, known, takeable)
        again = await _noted(services, payment.id, await provider.look(seen.reference))
        if again.payment.state is PaymentState.CAPTURING:
            raise
        return again


async def _keep_part(services: Till, provider: ExternalProvider, known: _Known) -> _Known:
    """Keep what is due of what the driver had paid before, and have the rest paid back."""
    at = services.clock.now()
    async with services.database.transaction() as session:
        payment = await _locked(session, known.payment.id)
        if payment.state is PaymentState.CAPTURING:
            before, due = payment.state, payment.captured_minor
            left = known.seen.taken_minor - known.seen.refunded_minor
            payment.captured_minor = min(due - due % provider.step_minor(payment.currency), left)
            if payment.captured_minor < due <= left:
                payment.waived_minor = due - payment.captured_minor
                await booking.waived(session, payment, at)
            if payment.captured_minor:
                await booking.taken(session, payment, at, paid_before=True)
                step(payment, Happening.TAKEN, at)
            else:
                step(payment, Happening.TOO_LITTLE, at)
            rest = known.seen.taken_minor - payment.captured_minor
            await refunding.want_remainder(session, payment, rest, at)
            await changed(session, services, payment, before)
    return known._replace(payment=payment)


async def _waive(services: Till, known: _Known, amount_minor: int) -> _Known:
    """Give up an amount of what is due, because the provider does not take so little."""
    at = services.clock.now()
    async with services.database.transaction() as session:
        payment = await _locked(session, known.payment.id)
        if payment.state is PaymentState.CAPTURING and payment.waived_minor == 0:
            before, payment.waived_minor = payment.state, amount_minor
            payment.captured_minor -= amount_minor
            await booking.waived(session, payment, at)
            if payment.captured_minor == 0:
                step(payment, Happening.TOO_LITTLE, at)
            await changed(session, services, payment, before)
    return known._replace(payment=payment)


async def _cannot(services: Till, known: _Known, code: str) -> _Known:
    """Note that what is due cannot be taken: it stays due."""
    async with services.database.transaction() as session:
        payment = await _locked(session, known.payment.id)
        before = payment.state
        if step(payment, Happening.CANNOT, services.clock.now()):
            payment.failure = code
        await changed(session, services, payment, before)
    return known._replace(payment=payment)


async def _release(services: Till, provider: ExternalProvider, known: _Known) -> _Known:
    payment, seen = known
    match seen.stage:
        case Stage.GONE:
            return known
        case Stage.TAKEN:
            async with services.database.transaction() as session:
                locked = await _locked(session, payment.id)
                if locked.state is PaymentState.RELEASING:
                    await refunding.want_remainder(session, locked, seen.taken_minor, services.clock.now())
            return known._replace(payment=locked)
    question = Question(payment_id=payment.id, step=calls.CANCEL, amount_minor=0, subject=payment.id)
    try:
        return await _ask(services, payment, question, lambda key: provider.cancel(seen.reference, key))
    except Refused:
        # The driver may have paid at this moment, or the hold may just have lapsed.
        again = await _noted(services, payment.id, await provider.look(seen.reference))
        if again.seen.stage is seen.stage:
            raise
        return await _release(services, provider, again)


async def _ask(services: Till, payment: Payment, question: Question, call: calls.Call[Seen]) -> _Known:
    async with services.database.transaction() as session:
        asked = await calls.intend(session, question, services.clock.now())
    seen = await calls.ask(services, asked, call)
    async with services.database.transaction() as session:
        locked = await _locked(session, payment.id)
        calls.done(session, asked, seen.reference, services.clock.now())
        await note(session, services, locked, seen)
    return _Known(locked, seen)


def _takeable(provider: ExternalProvider, payment: Payment) -> int:
    amount = payment.captured_minor - payment.captured_minor % provider.step_minor(payment.currency)
    return amount if amount >= provider.minimum_minor(payment.currency) else 0


def _next_look(services: Till, payment: Payment) -> Again | None:
    """Return when to look again, unasked; None where only a wish or a hint can change anything."""
    match payment.state:
        case PaymentState.CAPTURING | PaymentState.RELEASING:
            return Again(60)
        case PaymentState.PENDING:
            left_s = _left_s(services, payment)
            return Again(min(max(left_s / 10, SHORTEST_POLL_S), LONGEST_POLL_S))
        case PaymentState.HELD if payment.session_id is None and payment.expires_at is not None:
            return Again(max(_left_s(services, payment), SHORTEST_POLL_S))
    return None


def _left_s(services: Till, payment: Payment) -> float:
    if payment.expires_at is None:
        return LONGEST_POLL_S
    return (payment.expires_at - services.clock.now()).total_seconds()


async def _locked(session: AsyncSession, payment_id: UUID) -> Payment:
    payment = await repository.payment(session, payment_id, locked=True)
    if payment is None:
        raise LookupError(payment_id)
    return payment
