"""What external payments do to the ledger. Every entry is named after what it books: booked again it is one entry."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move
from konsento.models import AccountKind, Payment, PaymentPurpose, Refund, RefundKind
from konsento.payments import balance, fake
from konsento.payments.seen import PayoutSeen
from konsento.settings import Settings

_PAYOUTS: Final = uuid5(NAMESPACE_URL, "konsento:payouts")


class _Sides(NamedTuple):
    """The two accounts of an entry."""

    debit: AccountName
    credit: AccountName


async def paid_before(session: AsyncSession, payment: Payment, amount_minor: int, at: datetime) -> None:
    """Book money that was taken before it is known what of it is due."""
    sides = _Sides(_clearing(payment), _advance(payment))
    # Said the same before and after a charging has taken the payment over.
    await _book(session, payment, at, reason="advance", sides=sides, amount_minor=amount_minor, names_session=False)


async def topped_up(session: AsyncSession, settings: Settings, payment: Payment, at: datetime) -> None:
    """Book what was paid into a balance."""
    await balance.top_up(
        session,
        settings,
        payment.driver_id,
        payment.captured_minor,
        at,
        transfer_id=uuid5(payment.id, "capture"),
        paid_to=_clearing(payment),
    )


async def taken(session: AsyncSession, payment: Payment, at: datetime, *, paid_before: bool) -> None:
    """Book what was taken: from what the driver had paid before, or from what came in now."""
    sides = _Sides(_advance(payment) if paid_before else _clearing(payment), _owed(payment))
    await _book(session, payment, at, reason="capture", sides=sides, amount_minor=payment.captured_minor)


async def waived(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Book what is due and not asked for."""
    sides = _Sides(AccountName(AccountKind.WAIVED, payment.currency), _owed(payment))
    await _book(session, payment, at, reason="waived", sides=sides, amount_minor=payment.waived_minor)


async def fee(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Book what the provider kept for itself."""
    sides = _Sides(AccountName(AccountKind.FEES, payment.currency), _clearing(payment))
    await _book(session, payment, at, reason="fee", sides=sides, amount_minor=payment.fee_minor)


async def refunded(session: AsyncSession, payment: Payment, refund: Refund, at: datetime) -> None:
    """Book what was paid back."""
    sides = _Sides(_given(payment, refund), _kept(payment))
    await _book(session, payment, at, reason="refund", sides=sides, amount_minor=refund.amount_minor, subject=refund.id)


async def refund_came_back(session: AsyncSession, payment: Payment, refund: Refund, at: datetime) -> None:
    """Book that what was paid back came back to us: the entry before is reversed."""
    sides = _Sides(_kept(payment), _given(payment, refund))
    await _book(
        session, payment, at, reason="refund-failed", sides=sides, amount_minor=refund.amount_minor, subject=refund.id
    )


async def dispute_opened(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Book what the provider has taken from us while a bank decides."""
    sides = _Sides(_disputed(payment), _clearing(payment))
    await _book(session, payment, at, reason="dispute", sides=sides, amount_minor=payment.disputed_minor)


async def dispute_won(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Book that it came back."""
    sides = _Sides(_clearing(payment), _disputed(payment))
    await _book(session, payment, at, reason="dispute-won", sides=sides, amount_minor=payment.disputed_minor)


async def dispute_lost(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Book that it does not come back; the driver is not asked for it again."""
    sides = _Sides(AccountName(AccountKind.WAIVED, payment.currency), _disputed(payment))
    await _book(session, payment, at, reason="dispute-lost", sides=sides, amount_minor=payment.disputed_minor)


async def payout(session: AsyncSession, provider: str, seen: PayoutSeen, at: datetime) -> bool:
    """Book money that a provider has paid to our bank, once; returns whether it was new."""
    transfer_id = uuid5(_PAYOUTS, f"{provider} {seen.reference}")
    if seen.amount_minor <= 0 or await ledger.exists(session, transfer_id):
        return False
    move = Move(
        id=transfer_id,
        reason="provider-payout",
        at=at,
        debit=AccountName(AccountKind.FUNDS, seen.currency),
        credit=AccountName(AccountKind.CLEARING, seen.currency, provider),
        amount_minor=seen.amount_minor,
    )
    await ledger.write(session, [move])
    return True


def _kept(payment: Payment) -> AccountName:
    """Return the account that a payment's money came from, and goes back to."""
    driver = str(payment.driver_id)
    match payment.provider:
        case balance.NAME:
            return AccountName(AccountKind.DRIVER_BALANCE, payment.currency, driver)
        case fake.NAME:
            return AccountName(AccountKind.TEST_CARD, payment.currency, driver)
    return _clearing(payment)


def _clearing(payment: Payment) -> AccountName:
    return AccountName(AccountKind.CLEARING, payment.currency, payment.provider)


def _disputed(payment: Payment) -> AccountName:
    return AccountName(AccountKind.DISPUTED, payment.currency, payment.provider)


def _owed(payment: Payment) -> AccountName:
    return AccountName(AccountKind.RECEIVABLE, payment.currency, str(payment.driver_id))


def _advance(payment: Payment) -> AccountName:
    return AccountName(AccountKind.ADVANCE, payment.currency, str(payment.driver_id))


def _given(payment: Payment, refund: Refund) -> AccountName:
    """Return the account out of which a refund goes."""
    if refund.kind is RefundKind.REMAINDER:
        return _advance(payment)
    if payment.purpose is PaymentPurpose.TOP_UP:
        return AccountName(AccountKind.DRIVER_BALANCE, payment.currency, str(payment.driver_id))
    return _owed(payment)


async def _book(
    session: AsyncSession,
    payment: Payment,
    at: datetime,
    *,
    reason: str,
    sides: _Sides,
    amount_minor: int,
    subject: UUID | None = None,
    names_session: bool = True,
) -> None:
    """Write an entry that is named after its reason and its subject: the payment, unless it is another."""
    if amount_minor == 0:
        return
    move = Move(
        id=uuid5(subject or payment.id, reason),
        reason=reason,
        at=at,
        session_id=payment.session_id if names_session else None,
        debit=sides.debit,
        credit=sides.credit,
        amount_minor=amount_minor,
    )
    await ledger.write(session, [move])
