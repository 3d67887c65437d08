"""Invoices and credit notes, whom they are made out to, payouts, files that go with mails."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from konsento.migrations.append_only import refuse_changes

revision: Final = "0055"
down_revision: Final = "0056"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
WORD: Final = sa.String(length=32)
NUMBER: Final = sa.Numeric(20, 10).with_variant(sa.String(length=32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Uuid(), nullable=False),
        sa.Column("credits_id", sa.Uuid(), nullable=True),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", NUMBER, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_invoices_session_id_charging_sessions")
        ),
        sa.ForeignKeyConstraint(["credits_id"], ["invoices.id"], name=op.f("fk_invoices_credits_id_invoices")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("kind", "number", name=op.f("uq_invoices_kind_number")),
        sa.UniqueConstraint("source", name=op.f("uq_invoices_source")),
    )
    for column in ("label", "session_id", "credits_id"):
        op.create_index(op.f(f"ix_invoices_{column}"), "invoices", [column])
    refuse_changes("invoices")
    op.create_table(
        "recipients",
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_recipients_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_recipients")),
    )
    op.create_table(
        "invoice_recipients",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_recipients_invoice_id_invoices")
        ),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_invoice_recipients_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_invoice_recipients")),
    )
    op.create_index(op.f("ix_invoice_recipients_driver_id"), "invoice_recipients", ["driver_id"])
    op.create_table(
        "payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("takes_back_id", sa.Uuid(), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_payouts_account_id_ledger_accounts")
        ),
        sa.ForeignKeyConstraint(["takes_back_id"], ["payouts.id"], name=op.f("fk_payouts_takes_back_id_payouts")),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], name=op.f("fk_payouts_member_id_staff_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("takes_back_id", name=op.f("uq_payouts_takes_back_id")),
    )
    op.create_index(op.f("ix_payouts_account_id"), "payouts", ["account_id"])
    refuse_changes("payouts")
    op.create_table(
        "mail_attachments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mail_id"],
            ["outgoing_mails.id"],
            name=op.f("fk_mail_attachments_mail_id_outgoing_mails"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_attachments")),
    )
    op.create_index(op.f("ix_mail_attachments_mail_id"), "mail_attachments", ["mail_id"])


def downgrade() -> None:
    op.drop_table("mail_attachments")
    op.drop_table("payouts")
    op.drop_table("invoice_recipients")
    op.drop_table("recipients")
    op.drop_table("invoices")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION invoices_append_only()")
        op.execute("DROP FUNCTION payouts_append_only()")
