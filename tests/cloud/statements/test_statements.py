"""Statements say what the ledger says: balances, shares and payouts, to the minor unit."""

import asyncio
import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from konsento.cli import cli
from konsento.kit.db import Database
from konsento.kit.i18n import LANGUAGES
from konsento.kit.ids import new_id
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move
from konsento.models import (
    AccountKind,
    ChargingSession,
    LedgerAccount,
    Payout,
    Role,
    StaffMember,
    Supplier,
)
from konsento.settlement import checking
from konsento.statements import files, layout, repository
from konsento.statements import service as statements
from konsento.statements.errors import BadMonth, BadPayout, NoSuchPayee, PayoutTakenBack, PayoutTooLarge
from konsento.statements.months import Month, month_at, month_of
from konsento.statements.service import Statement

from ..conftest import AT, Core, whole_session
from ..databases import Template

ENGLISH, JAPANESE = LANGUAGES
NOVEMBER = month_of("2026-11", "Asia/Tokyo")


async def sold(core: Core, *, supplier: str = "0.4", owner: str = "0.1") -> ChargingSession:
    """Charge for 38 yen, with shares of the 35 that are left without the tax."""
    session = await core.start()
    async with core.services.database.transaction() as tx:
        charging = await tx.get_one(ChargingSession, session.id)
        charging.supplier_share, charging.owner_share = Decimal(supplier), Decimal(owner)
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    return session


async def account(core: Core, kind: AccountKind = AccountKind.SUPPLIER) -> UUID:
    async with core.services.database.transaction() as tx:
        return (await tx.scalars(select(LedgerAccount.id).where(LedgerAccount.kind == kind))).one()


async def statement(core: Core, account_id: UUID, month: Month = NOVEMBER) -> Statement:
    return await statements.statement(core.services.database, account_id, month)


async def member(core: Core) -> UUID:
    async with core.services.database.transaction() as tx:
        one = StaffMember(
            id=new_id(), email="ada@example.com", name="Ada", role=Role.ADMIN, totp_last_step=0, created_at=AT
        )
        tx.add(one)
        await tx.flush()
        return one.id


async def pay(
    core: Core, account_id: UUID, amount: int, by: UUID, payout_id: UUID | None = None, **more: object
) -> bool:
    async with core.services.database.transaction() as tx:
        wanted = {"paid_on": date(2026, 11, 20), "reference": "TR 1", "at": AT, "today": date(2026, 11, 22)} | more
        return await statements.record_payout(
            tx,
            account_id,
            amount,
            payout_id=payout_id or new_id(),
            member_id=by,
            **wanted,  # type: ignore[arg-type]
        )


async def balance(core: Core, account_id: UUID) -> int:
    async with core.services.database.transaction() as tx:
        return (await statements.payee(tx, account_id)).balance_minor


@pytest.mark.parametrize(("kind", "share"), [(AccountKind.SUPPLIER, 14), (AccountKind.SITE_OWNER, 3)])
async def test_a_statement_has_what_was_sold_and_the_share_of_it(core: Core, kind: AccountKind, share: int) -> None:
    await sold(core)
    await sold(core)
    account_id = await account(core, kind)
    made = await statement(core, account_id)

    assert (made.sums.sessions, made.sums.wh) == (2, 20)
    assert (made.sums.gross_minor, made.sums.tax_minor, made.sums.net_minor) == (76, 6, 70)
    assert made.sums.share_minor == 2 * share
    assert (made.opening_minor, made.closing_minor) == (0, 2 * share)
    assert list(made.days) == [date(2026, 11, 22)]
    assert made.closing_minor == await balance(core, account_id)


async def test_a_supplier_is_called_by_its_name_and_an_owner_by_the_site(core: Core) -> None:
    await sold(core)
    async with core.services.database.transaction() as tx:
        known = await tx.scalar(select(Supplier.name).where(Supplier.code == "A0269"))
        names = {one.kind: one.name for one in await statements.payees(tx)}

    assert names == {
        AccountKind.SUPPLIER: known or "A0269",
        AccountKind.SITE_OWNER: "Sakura Mall car park",
    }


async def test_balances_pass_from_month_to_month_as_the_ledger_has_them(core: Core) -> None:
    await sold(core)
    account_id, by = await account(core), await member(core)
    await pay(core, account_id, 10, by)
    core.clock.advance(timedelta(days=20))
    december = month_of("2026-12", "Asia/Tokyo")
    async with core.services.database.transaction() as tx:
        moved = Move(
            id=new_id(), reason="supplier-share", at=core.clock.now(), amount_minor=100,
            debit=AccountName(AccountKind.SALES, "JPY"), credit=AccountName(AccountKind.SUPPLIER, "JPY", "A0269"),
        )  # fmt: skip
        await ledger.write(tx, [moved])
    first, second = await statement(core, account_id), await statement(core, account_id, december)
    async with core.services.database.transaction() as tx:
        between = await repository.balance_at(tx, account_id, december.begin)
        end = await repository.balance_at(tx, account_id, december.end)

    assert first.closing_minor == second.opening_minor == between == 4
    assert second.closing_minor == end == await balance(core, account_id) == 104


async def test_what_was_put_right_is_in_the_statement_with_its_share(core: Core) -> None:
    session = await sold(core)
    account_id = await account(core)
    async with core.services.database.transaction() as tx:
        back = Move(
            id=new_id(), reason="supplier-share-back", at=AT + timedelta(hours=1), amount_minor=4,
            session_id=session.id,
            debit=AccountName(AccountKind.SUPPLIER, "JPY", "A0269"), credit=AccountName(AccountKind.SALES, "JPY"),
        )  # fmt: skip
        await ledger.write(tx, [back])
    made = await statement(core, account_id)

    assert (made.sums.sessions, made.sums.wh, made.sums.share_minor) == (1, 10, 10)
    assert made.closing_minor == await balance(core, account_id) == 10


async def test_a_month_begins_at_midnight_of_the_operators_clock() -> None:
    assert month_of("2026-11", "Asia/Tokyo").begin == datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert month_at(datetime(2026, 10, 31, 15, tzinfo=UTC), "Asia/Tokyo").name == "2026-11"
    assert month_at(datetime(2026, 10, 31, 14, 59, tzinfo=UTC), "Asia/Tokyo").name == "2026-10"
    assert month_of("2026-01", "Europe/Berlin").before().name == "2025-12"


@pytest.mark.parametrize("name", ["", "2026", "2026-13", "2026-0", "x", "2026-1-1", "0000-01", "99999-01"])
def test_a_month_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadMonth):
        month_of(name, "Asia/Tokyo")


async def test_no_more_is_paid_out_than_is_owed(core: Core) -> None:
    await sold(core)
    account_id, by = await account(core), await member(core)
    await pay(core, account_id, 14, by)

    with pytest.raises(PayoutTooLarge):
        await pay(core, account_id, 1, by)
    assert await balance(core, account_id) == 0


async def test_a_payout_leaves_the_bank_and_is_owed_no_more(core: Core) -> None:
    await sold(core)
    account_id, by = await account(core), await member(core)
    async with core.services.database.transaction() as tx:
        before = await ledger.account(tx, AccountKind.FUNDS, "JPY")
        paid_before = before.credits_posted
    await pay(core, account_id, 14, by)
    async with core.services.database.transaction() as tx:
        funds = await ledger.account(tx, AccountKind.FUNDS, "JPY")

    assert funds.credits_posted - paid_before == 14
    assert await checking.check(core.services.database) == []


async def test_a_form_that_is_sent_twice_records_once(core: Core) -> None:
    await sold(core)
    account_id, by, once = await account(core), await member(core), new_id()

    assert [await pay(core, account_id, 5, by, once) for _ in range(2)] == [True, False]
    assert await balance(core, account_id) == 9


@pytest.mark.parametrize(
    "wrong",
    [{"paid_on": date(2026, 11, 23)}, {"reference": "  "}, {"reference": "x" * 101}, {"amount": 0}, {"amount": -5}],
)
async def test_a_payout_that_cannot_have_been_is_refused(core: Core, wrong: dict[str, object]) -> None:
    await sold(core)
    account_id, by = await account(core), await member(core)
    given = {"amount": 5} | wrong
    amount = given.pop("amount")
    assert isinstance(amount, int)

    with pytest.raises(BadPayout):
        await pay(core, account_id, amount, by, **given)
    assert await balance(core, account_id) == 14


async def test_only_suppliers_and_owners_are_paid_out(core: Core) -> None:
    await sold(core)
    by = await member(core)
    for kind in (AccountKind.SALES, AccountKind.TAX, AccountKind.FUNDS):
        with pytest.raises(NoSuchPayee):
            await pay(core, await account(core, kind), 1, by)


async def test_a_payout_by_mistake_is_taken_back_once_and_both_stay_visible(core: Core) -> None:
    await sold(core)
    account_id, by, once = await account(core), await member(core), new_id()
    await pay(core, account_id, 5, by, once)
    async with core.services.database.transaction() as tx:
        back = await statements.take_back(tx, once, member_id=by, at=AT)
    for wrong in (once, back.id):
        with pytest.raises(PayoutTakenBack):
            async with core.services.database.transaction() as tx:
                await statements.take_back(tx, wrong, member_id=by, at=AT)
    made = await statement(core, account_id)

    assert [one.amount_minor for one in made.payouts] == [5, -5]
    assert not any(one.can_be_taken_back for one in made.payouts)
    assert made.closing_minor == await balance(core, account_id) == 14


@pytest.mark.parametrize("change", ["update", "delete"])
async def test_the_database_refuses_to_change_a_payout(core: Core, change: str) -> None:
    await sold(core)
    await pay(core, await account(core), 5, await member(core))
    statement = update(Payout).values(amount_minor=1) if change == "update" else delete(Payout)

    with pytest.raises(DBAPIError, match="append-only"):
        async with core.services.database.transaction() as tx:
            await tx.execute(statement)


async def test_the_files_of_a_month_add_up_exactly_and_are_read_by_people(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "READ_AT_ONCE", 2)
    for _ in range(5):
        await sold(core)
    account_id, by = await account(core), await member(core)
    await pay(core, account_id, 30, by)
    written = await files.write(core.services.database, core.services.settings, tmp_path, NOVEMBER, ENGLISH)
    again = await files.write(core.services.database, core.services.settings, tmp_path, NOVEMBER, ENGLISH)
    table = next(file for file in written if file.name == "statement-2026-11-supplier-A0269-JPY.csv")
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    pdf = pypdfium2.PdfDocument(table.with_suffix(".pdf").read_bytes())[0].get_textpage().get_text_bounded()

    assert written == again
    assert len(rows) == 5
    assert sum(Decimal(row["Share"]) for row in rows) == 70
    assert all(Decimal(row["Gross"]) - Decimal(row["Tax"]) == Decimal(row["Net"]) for row in rows)
    assert len({row["Receipt"] for row in rows}) == 5
    for item in ("Statement November 2026", "22 Nov 2026", "¥70", "-¥30", "¥40", "TR 1"):
        assert item in pdf.replace("\u00a0", " "), item


async def test_a_month_in_which_nothing_happened_has_no_files(core: Core, tmp_path: Path) -> None:
    await sold(core)
    october = month_of("2026-10", "Asia/Tokyo")

    assert await files.write(core.services.database, core.services.settings, tmp_path, october, JAPANESE) == []


async def test_a_statement_is_written_in_japanese_too(core: Core) -> None:
    await sold(core)
    made = await statement(core, await account(core))
    pdf = pypdfium2.PdfDocument(layout.pdf(JAPANESE, made, core.services.settings))[0].get_textpage()

    for item in ("分配明細 2026年11月", "当月の取り分", "14円", "合計"):
        assert item in pdf.get_text_bounded().replace("\u00a0", " "), item


def test_the_command_writes_last_months_files_and_says_which(
    furnished: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asyncio.Runner() as runner:
        copied = furnished.copied(tmp_path)
        url = runner.run(copied.__aenter__())
        runner.run(_share(url))
        monkeypatch.setenv("KONSENTO_DATABASE_URL", url)
        commands = CliRunner()
        done = commands.invoke(cli, ["statements", str(tmp_path / "out"), "--month", "2026-11", "--language", "ja"])
        wrong = [
            commands.invoke(cli, ["statements", str(tmp_path), *options])
            for options in (["--month", "november"], ["--language", "fr"])
        ]
        runner.run(copied.__aexit__(None, None, None))

    assert done.exit_code == 0, done.output
    assert [Path(line).name for line in done.output.splitlines()] == [
        "statement-2026-11-supplier-A0269-JPY.csv",
        "statement-2026-11-supplier-A0269-JPY.pdf",
    ]
    assert all(Path(line).stat().st_size for line in done.output.splitlines())
    assert [one.exit_code for one in wrong] == [1, 1]


async def _share(url: str) -> None:
    database = Database(url)
    async with database.transaction() as tx:
        share = Move(
            id=new_id(), reason="supplier-share", at=AT, amount_minor=100,
            debit=AccountName(AccountKind.SALES, "JPY"), credit=AccountName(AccountKind.SUPPLIER, "JPY", "A0269"),
        )  # fmt: skip
        await ledger.write(tx, [share])
    await database.close()
