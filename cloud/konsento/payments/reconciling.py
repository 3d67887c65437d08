"""Once a night: what the provider has of the last days against what we have, both ways.

What only waits for a look is looked at (a hint may have been lost); what is held for a charging that is over is given
back; everything else that differs is an alarm with what both sides say.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from konsento.kit.work import Again, Job
from konsento.models import AlarmKind, Payment, PaymentState
from konsento.operations import alarms
from konsento.payments import booking, repository
from konsento.payments.desk import Till
from konsento.payments.errors import ProviderError
from konsento.payments.life import WORK, Happening, step
from konsento.payments.noting import changed
from konsento.payments.port import ExternalProvider
from konsento.payments.seen import Seen, Stage

log = logging.getLogger(__name__)

RECONCILE_WORK: Final = "payments-reconcile"
LOOKED_BACK: Final = timedelta(hours=48)
SETTLING: Final = timedelta(minutes=15)
"""What changed just now may be on its way here."""
EVERY: Final = timedelta(days=1)
TRY_AGAIN_S: Final = 3600.0
HOUR: Final = 18
"""UTC; half past three in the night in Japan, where the others are asleep or at work."""
_WAITING: Final = frozenset({PaymentState.PENDING, PaymentState.HELD, PaymentState.CAPTURING, PaymentState.RELEASING})
_AGREE: Final[Mapping[PaymentState, frozenset[Stage]]] = {
    PaymentState.PENDING: frozenset({Stage.WAITING}),
    PaymentState.HELD: frozenset({Stage.HELD, Stage.TAKEN}),
    PaymentState.CAPTURED: frozenset({Stage.TAKEN}),
    PaymentState.REFUNDED: frozenset({Stage.TAKEN}),
    PaymentState.RELEASED: frozenset({Stage.GONE, Stage.TAKEN}),
    PaymentState.EXPIRED: frozenset({Stage.GONE}),
    # Declined, and never confirmed since.
    PaymentState.FAILED: frozenset({Stage.GONE, Stage.WAITING}),
}


def install(services: Till) -> None:
    """Register the handler; `begin` has it called."""

    @services.work.on(RECONCILE_WORK)
    async def reconcile_all(_job: Job) -> Again:
        for provider in services.desk.external.values():
            try:
                await reconcile(services, provider)
            except ProviderError as error:
                # However long it is away: the comparison is never given up.
                log.warning("%s cannot be compared with: %s", provider.name, error.code)
                return Again(TRY_AGAIN_S)
        return Again(_until_next(services.clock.now()))


async def begin(services: Till) -> None:
    """Have it done every night from now on, where there is an external provider."""
    if services.desk.external:
        async with services.database.transaction() as session:
            await services.work.add(session, RECONCILE_WORK, "all", after_s=_until_next(services.clock.now()))


async def reconcile(services: Till, provider: ExternalProvider) -> int:
    """Compare with one provider; returns how many payments differ. Raises ProviderError where it does not say."""
    now = services.clock.now()
    since = now - LOOKED_BACK
    theirs = {seen.payment_id: seen for seen in await provider.made_since(since) if seen.payment_id is not None}
    for payout in await provider.payouts_since(since):
        if payout.paid:
            async with services.database.transaction() as session:
                await booking.payout(session, provider.name, payout, now)
    async with services.database.transaction() as session:
        ours = {payment.id: payment for payment in await repository.made_since(session, provider.name, since)}
        # Older ones that still wait for something are asked about one by one.
        waiting = {payment.id for payment in await repository.unresolved(session, provider.name, since)}
    differ = 0
    for payment_id in theirs.keys() - ours.keys():
        differ += await _only_theirs(services, provider, theirs[payment_id], payment_id)
    for payment_id, payment in ours.items():
        differ += await _compare(services, payment, theirs.get(payment_id))
    for payment_id in waiting | ours.keys():
        await _heal(services, payment_id)
    log.info("%s: %d payments of the last days compared, %d differ", provider.name, len(ours), differ)
    return differ


async def _only_theirs(services: Till, provider: ExternalProvider, seen: Seen, payment_id: UUID) -> bool:
    async with services.database.transaction() as session:
        if await repository.payment(session, payment_id) is not None:
            return False  # made here before the span that is compared
        details = {"provider": provider.name, "payment": str(payment_id), "stage": seen.stage.value}
        details |= {"amount": str(seen.amount_minor), "taken": str(seen.taken_minor)}
        await alarms.report(
            session, services.clock.now(), AlarmKind.PAYMENT_UNKNOWN, seen.reference or str(payment_id), details
        )
    return True


async def _compare(services: Till, payment: Payment, seen: Seen | None) -> bool:
    """Compare a payment, and raise an alarm where the two sides do not agree."""
    now = services.clock.now()
    if max(payment.created_at, payment.resolved_at or payment.created_at) > now - SETTLING:
        return False
    if not payment.reference or payment.state in {PaymentState.CAPTURING, PaymentState.RELEASING}:
        return False  # under way: `_heal` has it looked at
    if seen is not None and not _differs(payment, seen):
        return False
    async with services.database.transaction() as session:
        details = {"ours": _ours(payment), "theirs": _theirs(seen)}
        await alarms.report(session, now, AlarmKind.PAYMENT_DIFFERS, str(payment.id), details)
    return True


def _differs(payment: Payment, seen: Seen) -> bool:
    if seen.stage not in _AGREE[payment.state] or seen.currency != payment.currency:
        return True
    if payment.state in {PaymentState.CAPTURED, PaymentState.REFUNDED}:
        kept = payment.captured_minor - payment.refunded_minor
        return seen.taken_minor - seen.refunded_minor != kept
    # Released after it was paid before: all of it has to be back.
    return payment.state is PaymentState.RELEASED and seen.taken_minor != seen.refunded_minor


async def _heal(services: Till, payment_id: UUID) -> None:
    """Have a payment looked at that waits for something, and give back what is held for a session that is over."""
    async with services.database.transaction() as session:
        payment = await repository.payment(session, payment_id, locked=True)
        if payment is None or payment.state not in _WAITING:
            return
        before, now = payment.state, services.clock.now()
        is_forgotten = (
            payment.state is PaymentState.HELD
            and payment.session_id is not None
            and await repository.is_over(session, payment.session_id)
        )
        if is_forgotten and step(payment, Happening.RELEASE, now):
            log.warning("payment %s was still held for a session that is over", payment_id)
            details: dict[str, Any] = {"ours": _ours(payment), "healed": "released"}
            await alarms.report(session, now, AlarmKind.PAYMENT_DIFFERS, str(payment_id), details)
            await changed(session, services, payment, before)
        await services.work.add(session, WORK, str(payment_id))


def _ours(payment: Payment) -> str:
    return f"{payment.state}: taken {payment.captured_minor}, refunded {payment.refunded_minor} {payment.currency}"


def _theirs(seen: Seen | None) -> str:
    if seen is None:
        return "unknown"
    return f"{seen.stage}: taken {seen.taken_minor}, refunded {seen.refunded_minor} {seen.currency}"


def _until_next(now: datetime) -> float:
    following = now.replace(hour=HOUR, minute=30, second=0, microsecond=0)
    if following <= now:
        following += EVERY
    return (following - now).total_seconds()
