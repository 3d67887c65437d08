"""A server with an external provider that has the bad days of real ones, and a driver who pays there."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from konsento.kit.ids import new_id
from konsento.kit.work import Work, WorkState
from konsento.models import (
    AccountKind,
    ChargingSession,
    LedgerAccount,
    Payment,
    PaymentCall,
    PaymentPurpose,
    PaymentState,
    Refund,
)
from konsento.payments import beginning, repository, taking
from konsento.payments.beginning import Begun, Wish
from konsento.payments.service import Hold

from ..conftest import AT, Core, opened, wired
from ..databases import Template
from .scripted import ScriptedProvider

NAME = "scripted"


@dataclass
class Shop:
    """The wired domains, and the provider."""

    core: Core
    provider: ScriptedProvider

    async def begin(self, amount: int = 1000, **more: object) -> Begun:
        """Have the driver wish to pay."""
        return await beginning.begin_hold(self.core.services, self.wish(amount, **more))

    def wish(self, amount: int = 1000, **more: object) -> Wish:
        """Return what a driver wishes to pay."""
        given = {
            "payment_id": new_id(),
            "driver_id": self.core.driver_id,
            "provider": NAME,
            "amount_minor": amount,
            "currency": "JPY",
            "expires_at": self.core.clock.now() + timedelta(minutes=10),
        }
        return Wish(**given | more)  # type: ignore[arg-type]

    async def held(self, amount: int = 1000, *, session: bool = True, **more: object) -> Payment:
        """Return a payment that is held, for a session of its own unless said otherwise."""
        begun = await self.begin(amount, **more)
        self.provider.confirm(begun.payment.reference)
        payment = (await beginning.look(self.core.services, begun.payment.id)).payment
        if session:
            session_id = await self.session()
            async with self.core.services.database.transaction() as tx:
                payment = await beginning.adopt(tx, payment.id, self.hold(session_id, amount))
        return payment

    async def session(self) -> UUID:
        """Return a session that has no payment yet."""
        return await unpaid_session(self.core)

    def hold(self, session_id: UUID, amount: int) -> Hold:
        """Return what is to be held for a session."""
        return Hold(
            session_id=session_id, driver_id=self.core.driver_id, amount_minor=amount, currency="JPY", provider=NAME
        )

    async def resolve(self, payment: Payment, amount: int) -> None:
        """Ask for an amount of what is held, as settlement does."""
        services = self.core.services
        assert payment.session_id is not None
        async with services.database.transaction() as tx:
            await taking.take_all(tx, services.work, {payment.session_id: amount}, services.clock.now())

    async def payment(self, payment_id: UUID) -> Payment:
        """Return a payment as it is in our database."""
        async with self.core.services.database.transaction() as tx:
            payment = await repository.payment(tx, payment_id)
        assert payment is not None
        return payment

    async def state(self, payment_id: UUID) -> PaymentState:
        """Return what has become of a payment."""
        return (await self.payment(payment_id)).state

    async def refunds(self, payment_id: UUID) -> Sequence[Refund]:
        """Return the refunds of a payment."""
        async with self.core.services.database.transaction() as tx:
            return await repository.refunds_of(tx, payment_id)

    async def calls(self, payment_id: UUID) -> list[str]:
        """Return what was asked about a payment and what was answered, in words."""
        async with self.core.services.database.transaction() as tx:
            query = select(PaymentCall).where(PaymentCall.payment_id == payment_id).order_by(PaymentCall.id)
            return [f"{c.step} {c.outcome or c.kind}" for c in await tx.scalars(query)]

    async def later(self, **time: float) -> None:
        """Let time pass and have all work done that is due then."""
        self.core.clock.advance(timedelta(**time))
        await self.core.work()

    async def dead(self) -> list[str]:
        """Return the kinds of work that were given up."""
        async with self.core.services.database.transaction() as tx:
            return list(await tx.scalars(select(Work.kind).where(Work.state == WorkState.DEAD)))

    async def books(self) -> dict[AccountKind, int]:
        """Return what every account has: debits less credits; nothing for those that are even."""
        async with self.core.services.database.transaction() as tx:
            net = func.sum(LedgerAccount.debits_posted - LedgerAccount.credits_posted)
            rows = await tx.execute(select(LedgerAccount.kind, net).group_by(LedgerAccount.kind))
            return {kind: int(amount) for kind, amount in rows if amount and kind not in OPENING}


OPENING = (AccountKind.FUNDS, AccountKind.DRIVER_BALANCE)
"""Accounts that the furnished drivers' balances stand in."""


async def unpaid_session(core: Core) -> UUID:
    """Return a session that has ended and has no payment yet."""
    session = await core.start()
    fresh = new_id()
    async with core.services.database.transaction() as tx:
        tx.add(
            ChargingSession(
                **{c.name: getattr(session, c.name) for c in ChargingSession.__table__.columns if c.name != "id"}
                | {"remote_start_id": fresh.int % 2**31, "transaction_id": None, "state": "ended"},
                id=fresh,
            )
        )
    return fresh


@pytest.fixture
async def shop(furnished: Template, tmp_path: Path) -> AsyncIterator[Shop]:
    """A server whose only external provider is scripted."""
    provider = ScriptedProvider(NAME)
    async with opened(furnished, tmp_path) as database:
        core = await wired(database, external=[provider])
        provider.now = core.clock.now
        yield Shop(core, provider)


__all__ = ["AT", "NAME", "PaymentPurpose", "Shop"]
