"""Holding and taking money within our own ledger: what the balance and the test card have in common."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.ledger import service as ledger
from konsento.ledger.service import Entry, Resolution
from konsento.models import AccountKind, LedgerAccount, Payment


class LedgerProvider:
    """Holds by a pending transfer from one account to what the driver owes. Subclasses say from which, and when not."""

    name: str
    source: AccountKind

    def check(self, account: LedgerAccount, hold_minor: int) -> None:
        """Raise a KonsentoError where so much cannot be held in the account."""
        raise NotImplementedError

    async def held(self, session: AsyncSession, payment: Payment) -> None:
        """Do what else belongs to a hold that is not zero. The account is locked."""

    async def hold(self, session: AsyncSession, payment: Payment, at: datetime) -> None:
        """Reserve the hold. Raises what `check` raises."""
        await self._hold(session, payment, uuid5(payment.id, "hold"), at)

    async def change(self, session: AsyncSession, payment: Payment, hold_minor: int, at: datetime) -> None:
        """Hold another amount in place of the present one. Raises what `check` raises."""
        if hold_minor == payment.hold_minor:
            return
        # Every hold is named after the one before it, so that the same change asked for again is the same transfer.
        before = UUID(payment.reference) if payment.reference else uuid5(payment.id, "hold")
        if payment.reference:
            entry = Entry(id=uuid5(before, "changed"), reason="release", at=at, session_id=payment.session_id)
            await ledger.void(session, entry, before)
            await self.resolved(session, {payment.id: 0}, at)
        payment.hold_minor = hold_minor
        payment.reference = ""
        await self._hold(session, payment, uuid5(before, "hold"), at)

    def resolutions(self, payment: Payment, amount_minor: int, at: datetime) -> list[Resolution]:
        """Return the entry that takes an amount of a hold and frees the rest; none where nothing was held."""
        if not payment.reference:
            return []
        reason = "capture" if amount_minor else "release"
        return [
            Resolution(
                id=uuid5(payment.id, reason),
                reason=reason,
                at=at,
                session_id=payment.session_id,
                pending_id=UUID(payment.reference),
                amount_minor=amount_minor,
            )
        ]

    async def resolved(self, session: AsyncSession, taken: Mapping[UUID, int], at: datetime) -> None:
        """Do what else belongs to taking amounts of holds, by the payments' ids. The accounts are locked."""

    async def _hold(self, session: AsyncSession, payment: Payment, transfer_id: UUID, at: datetime) -> None:
        if payment.hold_minor == 0:  # free energy, or too little to cost a coin
            return
        # Not to the sales: there all sessions would wait for each other, and nothing is sold before it is billed.
        owed = await ledger.account(session, AccountKind.RECEIVABLE, payment.currency, str(payment.driver_id))
        source = await ledger.account(session, self.source, payment.currency, str(payment.driver_id))
        await ledger.lock(session, owed.id, source.id)
        self.check(source, payment.hold_minor)
        entry = Entry(id=transfer_id, reason="hold", at=at, session_id=payment.session_id)
        pending = await ledger.transfer(session, entry, source, owed, payment.hold_minor, pending=True)
        payment.reference = str(pending.id)
        await self.held(session, payment)
