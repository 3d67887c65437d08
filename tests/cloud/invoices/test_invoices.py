"""Every receipt has one invoice that never changes; what is given back has a credit note; numbers have no gaps."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from konsento.invoices import recipients
from konsento.invoices import service as invoices
from konsento.invoices.errors import CreditTooLarge, NoInvoice
from konsento.invoices.service import Credit, Document
from konsento.kit.ids import new_id
from konsento.models import (
    ChargingSession,
    Correction,
    CorrectionReason,
    Invoice,
    InvoiceKind,
    InvoiceRecipient,
    Receipt,
)
from konsento.settings import InvoiceCountry, Settings
from konsento.settlement import invoicing, settling
from konsento.web import own_data

from ..conftest import AT, Core, whole_session


async def billed(core: Core) -> ChargingSession:
    """Charge, and have it billed."""
    session = await core.start()
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    return session


async def document_of(core: Core, session: ChargingSession) -> Document:
    async with core.services.database.transaction() as tx:
        return await invoices.own_invoice(tx, core.driver_id, session.id)


async def all_of(core: Core) -> list[Invoice]:
    async with core.services.database.transaction() as tx:
        return list(await tx.scalars(select(Invoice).order_by(Invoice.kind.desc(), Invoice.number)))


def credit_of(session: ChargingSession, amount: int, tax: int = 0, source: UUID | None = None) -> Credit:
    return Credit(
        session_id=session.id, source=source or new_id(), amount_minor=amount, tax_minor=tax, reason="operator"
    )


async def test_a_billed_session_has_an_invoice_with_the_sums_and_the_lines_of_its_receipt(core: Core) -> None:
    session = await billed(core)
    document = await document_of(core, session)
    async with core.services.database.transaction() as tx:
        receipt = await tx.get_one(Receipt, session.id)

    assert (document.total_minor, document.tax_minor) == (receipt.amount_minor, receipt.tax_minor) == (38, 3)
    assert sum(line.amount_minor for line in document.content.lines) == receipt.amount_minor
    assert (document.content.charging.site, document.content.charging.wh) == ("Sakura Mall car park", 10)
    assert document.content.paid.is_taken
    assert document.label == "K-2026-000001"


async def test_what_is_printed_stays_whatever_becomes_of_site_and_settings(core: Core) -> None:
    session = await billed(core)
    before = await document_of(core, session)
    core.services.settings.operator_name = "Another Company"
    async with core.services.database.transaction() as tx:
        charging = await tx.get_one(ChargingSession, session.id)
        charging.supplier = "Another Supplier"

    assert await document_of(core, session) == before


async def test_numbers_have_no_gap_where_a_transaction_is_rolled_back(core: Core) -> None:
    await billed(core)
    with suppress(ZeroDivisionError):
        async with core.services.database.transaction() as tx:
            await invoices.repository.take_numbers(tx, InvoiceKind.INVOICE, 5)
            raise ZeroDivisionError
    await billed(core)

    assert [one.number for one in await all_of(core)] == [1, 2]


async def test_asked_again_nothing_is_issued_twice(core: Core) -> None:
    session = await billed(core)
    async with core.services.database.transaction() as tx:
        await invoices.issue(tx, core.services.settings, [session.id, session.id], AT)

    assert len(await all_of(core)) == 1


@pytest.mark.parametrize("change", ["update", "delete"])
async def test_the_database_refuses_to_change_a_document(core: Core, change: str) -> None:
    await billed(core)
    statement = update(Invoice).values(total_minor=1) if change == "update" else delete(Invoice)

    with pytest.raises(DBAPIError, match="append-only"):
        async with core.services.database.transaction() as tx:
            await tx.execute(statement)


async def test_receipts_of_before_there_were_invoices_get_one_when_the_server_starts(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_yet(*_: object) -> None:
        pass

    with monkeypatch.context() as before:
        before.setattr(settling.invoices, "issue", not_yet)
        before.setattr(invoicing, "AT_ONCE", 1)
        old = [await billed(core), await billed(core)]
        assert await all_of(core) == []
        before.undo()
        monkeypatch.setattr(invoicing, "AT_ONCE", 1)
        await invoicing.begin(core.services)
        await core.work()

    assert [one.session_id for one in await all_of(core)] == [one.id for one in old]


async def test_the_year_of_a_number_is_that_of_the_operators_clock(core: Core) -> None:
    core.services.settings.invoice_numbers = "{year}{month:02}-{number}"
    session = await billed(core)
    async with core.services.database.transaction() as tx:
        new_year = datetime(2026, 12, 31, 15, 0, tzinfo=UTC)
        note = await invoices.credit(tx, core.services.settings, credit_of(session, 5), new_year)

    assert (await document_of(core, session)).label == "202611-1"
    assert note.label == "KC-2027-000001"


async def test_a_correction_has_a_credit_note_and_the_driver_is_told(core: Core) -> None:
    session = await billed(core)
    async with core.services.database.transaction() as tx:
        correction = Correction(
            id=new_id(),
            session_id=session.id,
            reason=CorrectionReason.LATE_READINGS,
            note="",
            member_id=None,
            amount_minor=10,
            tax_minor=1,
            measured_mwh=None,
            created_at=AT,
        )
        tx.add(correction)
        await core.services.work.add(tx, invoicing.CREDIT, str(correction.id))
    await core.work()
    await core.work()
    invoice, note = await all_of(core)

    assert (note.kind, note.credits_id) == (InvoiceKind.CREDIT_NOTE, invoice.id)
    assert (note.total_minor, note.tax_minor, note.label) == (-10, -1, "KC-2026-000001")
    assert invoices.document(note).content.credits_label == invoice.label


async def test_the_same_correction_has_one_credit_note(core: Core) -> None:
    session = await billed(core)
    wanted = credit_of(session, 10)
    async with core.services.database.transaction() as tx:
        first = await invoices.credit(tx, core.services.settings, wanted, AT)
        again = await invoices.credit(tx, core.services.settings, wanted, AT + timedelta(days=1))

    assert first.id == again.id
    assert len(await all_of(core)) == 2


@pytest.mark.parametrize(("amount", "tax"), [(39, 0), (0, 0), (-1, 0), (10, 4), (10, -1)])
async def test_no_more_is_given_back_than_was_billed(core: Core, amount: int, tax: int) -> None:
    session = await billed(core)

    with pytest.raises(CreditTooLarge):
        async with core.services.database.transaction() as tx:
            await invoices.credit(tx, core.services.settings, credit_of(session, amount, tax), AT)


async def test_notes_together_never_give_back_more_than_the_invoice(core: Core) -> None:
    session = await billed(core)
    given = 0
    for amount in (20, 15, 10, 4, 3):
        async with core.services.database.transaction() as tx:
            try:
                await invoices.credit(tx, core.services.settings, credit_of(session, amount), AT)
                given += amount
            except CreditTooLarge:
                pass

    assert given == 38
    assert sum(one.total_minor for one in await all_of(core)) == 0


async def test_a_session_without_an_invoice_has_no_credit_note(core: Core) -> None:
    session = await core.start()

    with pytest.raises(NoInvoice):
        async with core.services.database.transaction() as tx:
            await invoices.credit(tx, core.services.settings, credit_of(session, 1), AT)


async def test_a_document_is_its_drivers_alone(core: Core) -> None:
    session = await billed(core)
    document = await document_of(core, session)

    with pytest.raises(NoInvoice):
        async with core.services.database.transaction() as tx:
            await invoices.own_document(tx, core.other_driver_id, document.id)


async def test_whom_an_invoice_is_for_is_kept_with_it(core: Core) -> None:
    nobodys = await billed(core)
    async with core.services.database.transaction() as tx:
        await recipients.name_for_all(tx, core.driver_id, " Acme  Ltd ", "1 Road\n\n Town ")
    first = await billed(core)
    async with core.services.database.transaction() as tx:
        await recipients.name_for_all(tx, core.driver_id, "Other Ltd", "")
        await recipients.name_for_session(tx, core.driver_id, nobodys.id, "Late Ltd", "2 Road")
        note = await invoices.credit(tx, core.services.settings, credit_of(first, 5), AT)
        copy = await invoices.own_document(tx, core.driver_id, note.id)

    assert (await document_of(core, first)).recipient == copy.recipient
    assert copy.recipient is not None
    assert copy.recipient[1] == "1 Road\nTown"
    assert (await document_of(core, nobodys)).recipient == ("Late Ltd", "2 Road")


async def test_an_account_that_is_deleted_leaves_its_invoices_without_a_name(core: Core) -> None:
    async with core.services.database.transaction() as tx:
        await recipients.name_for_all(tx, core.driver_id, "Acme Ltd", "1 Road")
    await billed(core)
    async with core.services.database.transaction() as tx:
        driver = await tx.get_one(own_data.Driver, core.driver_id)
        await own_data.forget(tx, core.services, driver)
        left = list(await tx.scalars(select(InvoiceRecipient)))
        (kept,) = await tx.scalars(select(Invoice))

    assert left == []
    assert "Acme" not in str(kept.content)


@given(st.integers(0, 12), st.integers(1, 9))
def test_a_registration_number_with_a_wrong_digit_is_noticed(place: int, by: int) -> None:
    right = "7000012050002"
    digit = (int(right[place]) + by) % 10
    assume((digit - int(right[place])) % 9)  # its check digit does not tell 0 from 9
    wrong = right[:place] + str(digit) + right[place + 1 :]

    assert Settings(registration_number=f"T{right}").registration_number == f"T{right}"
    with pytest.raises(ValueError, match="corporate number"):
        Settings(registration_number=f"T{wrong}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"invoice_country": InvoiceCountry.EU, "registration_number": "DE136695977"},
        {"invoice_numbers": "K"},
        {"invoice_numbers": "{number}{number}"},
        {"invoice_numbers": "{number.__class__}"},
        {"invoice_numbers": "A/{number}"},
        {"invoice_numbers": "{number}", "credit_note_numbers": "{number}"},
        {"time_zone": "Mars/Olympus"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"KONSENTO|letters|zone"):
        Settings(**wrong)
