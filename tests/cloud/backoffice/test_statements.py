"""Statements and payouts in the back office: what is owed, a month as page and files, and nothing without a trace."""

import csv
import io
from typing import TYPE_CHECKING
from uuid import UUID

import pypdfium2
from sqlalchemy import select

from konsento.kit.ids import new_id
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move
from konsento.models import AccountKind, Invoice, LedgerAccount, Role

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office


async def owed(office: Office, amount: int) -> UUID:
    """Owe a supplier something; returns its account."""
    services = office.bench.services
    async with services.database.transaction() as session:
        share = Move(
            id=new_id(), reason="supplier-share", at=services.clock.now(), amount_minor=amount,
            debit=AccountName(AccountKind.SALES, "JPY"), credit=AccountName(AccountKind.SUPPLIER, "JPY", "A0269"),
        )  # fmt: skip
        await ledger.write(session, [share])
        query = select(LedgerAccount.id).where(LedgerAccount.kind == AccountKind.SUPPLIER)
        return (await session.scalars(query)).one()


async def test_a_statement_is_read_saved_and_paid(office: Office) -> None:
    payee = await owed(office, 500)
    at = f"/office/statements/{payee}"
    form = {"amount": "120", "paid_on": "2026-11-20", "reference": "=TR 1", "once": str(new_id())}
    async with office.member(Role.OPERATOR) as browser:
        everybody = office.bench.words(await browser.get("/office/statements"))
        paid = [await browser.post(f"{at}/payouts", data=form) for _ in range(2)]
        page = office.bench.words(await browser.get(at))
        table = await browser.get(f"{at}/csv", params={"month": "2026-11"})
        file = await browser.get(f"{at}/pdf", params={"month": "2026-11"})
        before = office.bench.words(await browser.get(at, params={"month": "2026-10"}))

    assert "¥500" in everybody
    assert [answer.status_code for answer in paid] == [303, 303]
    assert "owed now: ¥380" in page
    assert "Shares of this month ¥500 Paid out -¥120 Owed afterwards ¥380" in page
    assert "Owed afterwards ¥0" in before
    (row,) = csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff")))
    assert (row["Share"], row["Currency"]) == ("500", "JPY")
    assert "¥380" in pypdfium2.PdfDocument(file.content)[0].get_textpage().get_text_bounded()
    assert [entry.action for entry in await office.log()] == ["payout.record", "statement.export", "statement.export"]


async def test_more_than_is_owed_is_refused_in_words(office: Office) -> None:
    payee = await owed(office, 500)
    form = {"amount": "501", "paid_on": "2026-11-20", "reference": "TR 1", "once": str(new_id())}
    async with office.member(Role.ADMIN, "ja") as browser:
        answer = await browser.post(f"/office/statements/{payee}/payouts", data=form)
        nonsense = await browser.post(f"/office/statements/{payee}/payouts", data=form | {"amount": "1.5"})

    assert answer.status_code == 409
    assert "未払い額は500円です。何も記録していません。" in office.bench.words(answer)
    assert 'value="501"' in answer.text
    assert nonsense.status_code == 422
    assert await office.log("payout") == []


async def test_an_invoice_is_found_by_its_number_and_shown_without_its_driver(office: Office) -> None:
    async with office.bench.driver("ann@example.com") as driver, office.member(Role.VIEWER) as browser:
        session = (await office.bench.start(driver)).removeprefix("/s/")
        await office.bench.site.charges("1000", seconds=1200)
        await driver.post(f"/s/{session}/recipient", data={"name": "Acme Ltd", "address": "1 Road"})
        found = await browser.get("/office/sessions", params={"text": "K-2026-000001"})
        page = await browser.get(f"/office/sessions/{session}")
        async with office.bench.services.database.transaction() as tx:
            (number,) = await tx.scalars(select(Invoice.id))
        shown = await browser.get(f"/office/invoices/{number}")
        file = await browser.get(f"/office/invoices/{number}/pdf")
        none = await browser.get(f"/office/invoices/{new_id()}")
    said = pypdfium2.PdfDocument(file.content)[0].get_textpage().get_text_bounded()

    assert session in found.text
    assert f"/office/invoices/{number}" in page.text
    assert "K-2026-000001" in office.bench.words(shown)
    assert "¥38" in office.bench.words(shown)
    assert "K-2026-000001" in said
    assert "Acme" not in shown.text + said
    assert none.status_code == 404
