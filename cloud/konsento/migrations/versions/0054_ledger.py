"""A chart of accounts: bills are owed by drivers, payments pay what is owed; holds are on that, not on the sales.

Receipts have lines, and can be put right by corrections.
"""

# ruff: noqa: S608  # statements made of nothing but names that stand here

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0054"
down_revision: Final = "0051"
branch_labels: Final = None
depends_on: Final = None

DECIMAL: Final = sa.Numeric(20, 10).with_variant(sa.String(32), "sqlite")
APPEND_ONLY: Final = ("receipt_lines", "corrections")
AVAILABLE: Final = (
    "kind NOT IN ('driver_balance', 'driver_points') OR credits_posted - debits_posted - debits_pending >= 0"
)
SUMS: Final = "debits_posted >= 0 AND credits_posted >= 0 AND debits_pending >= 0 AND credits_pending >= 0"


def upgrade() -> None:
    _move_holds("sales", "receivable")
    with op.batch_alter_table("ledger_accounts") as accounts:
        accounts.create_check_constraint(op.f("ck_ledger_accounts_available"), AVAILABLE)
        accounts.create_check_constraint(op.f("ck_ledger_accounts_sums"), SUMS)
    _keep_names()
    op.create_table(
        "receipt_lines",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", DECIMAL, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("band", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["receipts.session_id"], name=op.f("fk_receipt_lines_session_id_receipts")
        ),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("pk_receipt_lines")),
    )
    # Until now energy was all that was billed, and what was above the hold was left out of the amount.
    op.execute(
        "INSERT INTO receipt_lines (session_id, position, kind, quantity, unit_price, amount_minor, code) "
        "SELECT session_id, 0, 'energy', billed_wh, unit_price, amount_minor, '' FROM receipts"
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("measured_mwh", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_members.id"], name=op.f("fk_corrections_member_id_staff_members")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["receipts.session_id"], name=op.f("fk_corrections_session_id_receipts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index("ix_corrections_session_id", "corrections", ["session_id"])
    op.create_index("ix_corrections_created_at", "corrections", ["created_at"])
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_append_only()")
    if op.get_context().dialect.name == "sqlite":
        for change in ("change", "delete"):
            op.execute(f"DROP TRIGGER ledger_accounts_no_{change}")
    else:
        op.execute("DROP TRIGGER ledger_accounts_named ON ledger_accounts")
        op.execute("DROP TRIGGER ledger_accounts_kept ON ledger_accounts")
        op.execute("DROP FUNCTION ledger_accounts_kept()")
    with op.batch_alter_table("ledger_accounts") as accounts:
        accounts.drop_constraint(op.f("ck_ledger_accounts_sums"), type_="check")
        accounts.drop_constraint(op.f("ck_ledger_accounts_available"), type_="check")
    _move_holds("receivable", "sales")


def _move_holds(from_kind: str, to_kind: str) -> None:
    """Void the holds that are open, and hold the same anew on the other account: what is booked is not rewritten."""
    on_sqlite = op.get_context().dialect.name == "sqlite"
    new_id = "lower(hex(randomblob(16)))" if on_sqlite else "gen_random_uuid()"
    owner = "''" if to_kind == "sales" else _text("payments.driver_id", on_sqlite=on_sqlite)
    op.execute(
        f"CREATE TEMPORARY TABLE moved_holds AS SELECT held.*, payments.id AS payment_id, {owner} AS owner, "
        f"{new_id} AS void_id, {new_id} AS new_id FROM ledger_transfers held "
        f"JOIN ledger_accounts ON ledger_accounts.id = held.credit_id AND ledger_accounts.kind = '{from_kind}' "
        f"JOIN payments ON payments.reference = {_text('held.id', on_sqlite=on_sqlite)} "
        "WHERE held.kind = 'pending' AND NOT EXISTS "
        "(SELECT 1 FROM ledger_transfers resolved WHERE resolved.pending_id = held.id)"
    )
    op.execute(
        "INSERT INTO ledger_accounts "
        "(id, kind, owner, currency, debits_posted, credits_posted, debits_pending, credits_pending) "
        f"SELECT {new_id}, '{to_kind}', owner, currency, 0, 0, 0, 0 "
        "FROM (SELECT DISTINCT owner, currency FROM moved_holds) needed WHERE NOT EXISTS "
        f"(SELECT 1 FROM ledger_accounts made WHERE made.kind = '{to_kind}' "
        "AND made.owner = needed.owner AND made.currency = needed.currency)"
    )
    columns = "id, kind, pending_id, debit_id, credit_id, amount_minor, currency, reason, session_id, created_at"
    op.execute(
        f"INSERT INTO ledger_transfers ({columns}) SELECT void_id, 'void', id, debit_id, credit_id, 0, currency, "
        "'release', session_id, created_at FROM moved_holds"
    )
    to_account = (
        f"JOIN ledger_accounts ON ledger_accounts.kind = '{to_kind}' "
        "AND ledger_accounts.owner = moved_holds.owner AND ledger_accounts.currency = moved_holds.currency"
    )
    op.execute(
        f"INSERT INTO ledger_transfers ({columns}) SELECT new_id, 'pending', pending_id, debit_id, ledger_accounts.id, "
        "amount_minor, moved_holds.currency, 'hold', session_id, created_at "
        f"FROM moved_holds {to_account}"
    )
    op.execute(
        "UPDATE ledger_accounts SET credits_pending = credits_pending "
        "- (SELECT COALESCE(SUM(amount_minor), 0) FROM moved_holds WHERE credit_id = ledger_accounts.id) "
        "+ (SELECT COALESCE(SUM(held.amount_minor), 0) FROM moved_holds "
        "JOIN ledger_transfers held ON held.id = moved_holds.new_id AND held.credit_id = ledger_accounts.id)"
    )
    op.execute(
        f"UPDATE payments SET reference = (SELECT {_text('new_id', on_sqlite=on_sqlite)} FROM moved_holds "
        "WHERE payment_id = payments.id) WHERE id IN (SELECT payment_id FROM moved_holds)"
    )
    op.execute("DROP TABLE moved_holds")


def _text(column: str, *, on_sqlite: bool) -> str:
    """Return a column of ids as the text that Python makes of them; SQLite keeps them without their dashes."""
    if not on_sqlite:
        return f"CAST({column} AS text)"
    return " || '-' || ".join(
        f"substr({column}, {at}, {length})" for at, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    )


def _keep_names() -> None:
    """Have the database refuse that an account becomes another one, or none: only its sums change."""
    if op.get_context().dialect.name == "sqlite":
        for name, when in (("change", "UPDATE OF id, kind, owner, currency"), ("delete", "DELETE")):
            op.execute(
                f"CREATE TRIGGER ledger_accounts_no_{name} BEFORE {when} ON ledger_accounts "
                "BEGIN SELECT RAISE(ABORT, 'ledger_accounts keep their names'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION ledger_accounts_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'ledger_accounts keep their names'; END $$"
    )
    for name, when in (("named", "UPDATE OF id, kind, owner, currency"), ("kept", "DELETE OR TRUNCATE")):
        op.execute(
            f"CREATE TRIGGER ledger_accounts_{name} BEFORE {when} ON ledger_accounts "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_accounts_kept()"
        )


def _refuse_changes(table: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
