"""The money of bills, whatever the back office notes in whatever order: the ledger is what is left to pay."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from konsento.kit.errors import KonsentoError
from konsento.kit.ids import new_id
from konsento.models import BillPayment, BillPaymentKind, Role
from konsento.payments.bills import service as bills
from konsento.payments.bills.service import AtBank
from konsento.settings import BillEvery, Settings
from konsento.settlement import checking, correcting
from konsento.settlement.correcting import Wanted

from ..backoffice.bills import by_bill, charged, confirmed, run, the_bills
from ..backoffice.conftest import Office
from ..examples import up_to
from ..web.conftest import ORIGIN, quick_passwords, template, wired  # noqa: F401  # fixtures

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from ..databases import Template
    from ..web.conftest import Bench

ACTS = st.lists(st.tuples(st.sampled_from(["paid", "returned", "take-back", "lower"]), st.integers(1, 60)), max_size=8)


@hypothesis_settings(max_examples=up_to(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_what_is_left_is_what_was_billed_less_what_came_and_was_lowered(
    template: Template,  # noqa: F811  # pytest's way of naming a fixture
    tmp_path: Path,
    acts: list[tuple[str, int]],
) -> None:
    asyncio.run(_live(template, tmp_path, acts))


async def _live(template: Template, folder: Path, acts: list[tuple[str, int]]) -> None:  # noqa: F811
    folder /= str(new_id())
    folder.mkdir()
    async with template.copied(folder) as url:
        settings = Settings(database_url=url, public_url=ORIGIN, operator_name="Sakura Energy")
        async with wired(by_bill(settings, BillEvery.MONTH)) as bench, bench.driver() as driver:
            await confirmed(bench)
            sessions = [UUID((await charged(bench, driver)).removeprefix("/s/")) for _ in range(2)]
            bench.clock.advance(timedelta(days=20))
            await run(bench.services)
            (bill,) = await the_bills(bench)
            member, _ = await Office(bench).enrolled(Role.OPERATOR)
            desk = Desk(bench, bill.id, member)
            for number, (act, amount) in enumerate(acts):
                await desk.does(act, amount, sessions[number % 2])
                async with bench.services.database.transaction() as session:
                    view = await bills.bill_view(session, bill.id, bench.clock.now())
                    too_much = await bills.too_much(session, view)
                net = bill.amount_minor - desk.lowered - desk.paid + desk.returned
                assert sum(view.lefts.values()) == net
                assert view.left_minor >= net
                assert too_much == max(0, -net)
            assert await checking.check(bench.services.database) == []


@dataclass
class Desk:
    """Somebody at the back office, and what they have noted in all."""

    bench: Bench
    bill: UUID
    member: UUID
    paid: int = 0
    returned: int = 0
    lowered: int = 0

    async def does(self, act: str, amount: int, of: UUID) -> None:
        """Note something; what is refused has changed nothing."""
        now = self.bench.clock.now()
        noted = AtBank(
            id=new_id(),
            amount_minor=amount,
            paid_on=now.date(),
            reference="TR 1",
            member_id=self.member,
            at=now,
            today=now.date(),
        )
        with suppress(KonsentoError):
            async with self.bench.services.database.transaction() as session:
                match act:
                    case "paid":
                        await bills.note_paid(session, self.bill, noted)
                    case "returned":
                        await bills.note_returned(session, self.bill, noted)
                    case "lower":
                        wanted = Wanted(correction_id=noted.id, amount_minor=amount, note="", member_id=self.member)
                        await correcting.give_back(session, self.bench.services.work, of, wanted, now)
                    case _:
                        amount = 0
                        await self._take_back(session, now)
            match act:
                case "paid":
                    self.paid += amount
                case "returned":
                    self.returned += amount
                case "lower":
                    self.lowered += amount

    async def _take_back(self, session: AsyncSession, now: datetime) -> None:
        newest = (await session.scalars(select(BillPayment).order_by(BillPayment.id.desc()))).first()
        if newest is None:
            return
        await bills.take_back(session, newest.id, member_id=self.member, at=now)
        if newest.kind is BillPaymentKind.PAID:
            self.paid -= newest.amount_minor
        else:
            self.returned -= newest.amount_minor


pytestmark = pytest.mark.timeout(120)
