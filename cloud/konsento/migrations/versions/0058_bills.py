"""Bills: their sessions, what came in for them, and who wants them by post."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from konsento.migrations.append_only import refuse_changes

revision: Final = "0058"
down_revision: Final = "0055"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
WORD: Final = sa.String(length=32)


def upgrade() -> None:
    op.create_table(
        "bill_addresses",
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_bill_addresses_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_bill_addresses")),
    )
    op.create_table(
        "bills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("payee", sa.String(length=100), nullable=False),
        sa.Column("payee_address", sa.String(length=300), nullable=False),
        sa.Column("bank", sa.String(length=300), nullable=False),
        sa.Column("iban", sa.String(length=42), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("by_post", sa.Boolean(), nullable=False),
        sa.Column("recipient", sa.String(length=100), nullable=False),
        sa.Column("recipient_address", sa.String(length=300), nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("look_at", TIME, nullable=True),
        sa.Column("settled_at", TIME, nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_bills_driver_id_drivers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bills")),
        sa.UniqueConstraint("number", name=op.f("uq_bills_number")),
    )
    for column in ("driver_id", "look_at"):
        op.create_index(op.f(f"ix_bills_{column}"), "bills", [column])
    op.create_table(
        "bill_sessions",
        sa.Column("bill_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("invoice_label", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("charged_at", TIME, nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_bill_sessions_bill_id_bills")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_bill_sessions_session_id_charging_sessions")
        ),
        sa.PrimaryKeyConstraint("bill_id", "session_id", name=op.f("pk_bill_sessions")),
    )
    op.create_index(
        op.f("uq_bill_sessions_session_id"),
        "bill_sessions",
        ["session_id"],
        unique=True,
        sqlite_where=sa.text("counts"),
        postgresql_where=sa.text("counts"),
    )
    op.create_table(
        "bill_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bill_id", sa.Uuid(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("takes_back_id", sa.Uuid(), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_bill_payments_bill_id_bills")),
        sa.ForeignKeyConstraint(
            ["takes_back_id"], ["bill_payments.id"], name=op.f("fk_bill_payments_takes_back_id_bill_payments")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_members.id"], name=op.f("fk_bill_payments_member_id_staff_members")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_payments")),
        sa.UniqueConstraint("takes_back_id", name=op.f("uq_bill_payments_takes_back_id")),
    )
    op.create_index(op.f("ix_bill_payments_bill_id"), "bill_payments", ["bill_id"])
    refuse_changes("bill_payments")


def downgrade() -> None:
    op.drop_table("bill_payments")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION bill_payments_append_only()")
    op.drop_table("bill_sessions")
    op.drop_table("bills")
    op.drop_table("bill_addresses")
