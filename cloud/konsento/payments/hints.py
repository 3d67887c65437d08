"""What providers say unasked. Each is taken once, and never believed: it only makes us ask what is so."""

import logging
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.kit.ids import new_id
from konsento.kit.work import Job
from konsento.models import AlarmKind, Payment, PaymentHint
from konsento.operations import alarms
from konsento.payments import booking, disputes, repository
from konsento.payments.desk import Till
from konsento.payments.errors import BadSignature, Refused, UnknownMethod
from konsento.payments.life import WORK
from konsento.payments.port import ExternalProvider
from konsento.payments.seen import HintSubject

log = logging.getLogger(__name__)

HINT_WORK: Final = "payment-hint"
PLACES: Final = 4


def install(services: Till) -> None:
    """Register the handler."""

    @services.work.on(HINT_WORK, places=PLACES)
    async def hint(job: Job) -> None:
        await follow(services, UUID(job.key))


async def take(services: Till, provider_name: str, body: bytes, signature: str) -> None:
    """Take a hint in, if it is the provider's and new. Raises `UnknownMethod`, `BadSignature`."""
    provider = services.desk.provider(provider_name)
    if not provider.takes_hints:
        raise UnknownMethod
    now = services.clock.now()
    try:
        said = provider.hint(body, signature, now)
    except BadSignature:
        services.metrics.payment_hints[("refused",)].inc()
        raise
    row = PaymentHint(
        id=new_id(),
        provider=provider.name,
        event_id=said.event_id,
        event_type=said.event_type,
        subject=said.subject.value,
        reference=said.reference,
        received_at=now,
        handled_at=None,
    )
    values = {column.name: getattr(row, column.name) for column in PaymentHint.__table__.columns}
    async with services.database.transaction() as session:
        once = insert(session, PaymentHint).values(values).on_conflict_do_nothing().returning(PaymentHint.id)
        is_new = await session.scalar(once) is not None
        if is_new and said.subject is not HintSubject.NONE:
            await services.work.add(session, HINT_WORK, str(row.id))
    services.metrics.payment_hints["new" if is_new else "known",].inc()


async def follow(services: Till, hint_id: UUID) -> None:
    """Ask the provider about what a hint was about, and note it. Raises ProviderError."""
    async with services.database.transaction() as session:
        hint = await session.get_one(PaymentHint, hint_id)
    if hint.handled_at is not None:
        return
    provider = services.desk.provider(hint.provider)
    match HintSubject(hint.subject):
        case HintSubject.PAYMENT:
            await _payment(services, provider, hint.reference)
        case HintSubject.DISPUTE:
            await _dispute(services, provider, hint.reference)
        case HintSubject.PAYOUT:
            await _payout(services, provider, hint.reference)
        case HintSubject.NONE:
            pass
    async with services.database.transaction() as session:
        (await session.get_one(PaymentHint, hint_id)).handled_at = services.clock.now()


async def _payment(services: Till, provider: ExternalProvider, reference: str) -> None:
    async with services.database.transaction() as session:
        payment = await repository.by_reference(session, provider.name, reference)
    # Said before we noted what the provider calls it: it knows what we call it.
    named = None if payment is not None else await _named(services, provider, reference)
    async with services.database.transaction() as session:
        found = payment or (await repository.payment(session, named) if named is not None else None)
        if found is not None:
            await services.work.add(session, WORK, str(found.id))
        elif named is not None:
            await _unknown(session, services, provider.name, reference)


async def _named(services: Till, provider: ExternalProvider, reference: str) -> UUID | None:
    """Return what we call a payment; None where it is of something else that the provider does for the operator."""
    try:
        return (await provider.look(reference)).payment_id
    except Refused as error:
        log.info("%s hinted at %s, which it does not know: %s", provider.name, reference, error.code)
        return None


async def _unknown(session: AsyncSession, services: Till, provider: str, reference: str) -> None:
    details = {"provider": provider}
    await alarms.report(session, services.clock.now(), AlarmKind.PAYMENT_UNKNOWN, reference, details)


async def _dispute(services: Till, provider: ExternalProvider, reference: str) -> None:
    seen = await provider.dispute(reference)
    async with services.database.transaction() as session:
        payment: Payment | None = await repository.by_reference(session, provider.name, seen.payment_reference)
        if payment is not None:
            await disputes.note(session, payment.id, seen, services.clock.now())


async def _payout(services: Till, provider: ExternalProvider, reference: str) -> None:
    seen = await provider.payout(reference)
    if seen.paid:
        async with services.database.transaction() as session:
            await booking.payout(session, provider.name, seen, services.clock.now())
