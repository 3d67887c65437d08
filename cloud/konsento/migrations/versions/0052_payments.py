"""Payments outside this database: their whole life, every question to a provider, hints, refunds, customers."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from konsento.migrations.append_only import refuse_changes

revision: Final = "0052"
down_revision: Final = "0054"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
APPEND_ONLY: Final = "payment_calls"


def upgrade() -> None:
    _payments()
    op.create_table(
        "payment_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=True),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_calls_payment_id_payments")),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["payment_calls.id"], name=op.f("fk_payment_calls_intent_id_payment_calls")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_calls")),
        sa.UniqueConstraint("intent_id", name=op.f("uq_payment_calls_intent_id")),
    )
    op.create_index("ix_payment_calls_payment_id", "payment_calls", ["payment_id"])
    op.create_table(
        "payment_refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("failure", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_refunds_payment_id_payments")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_refunds")),
    )
    op.create_index("ix_payment_refunds_payment_id", "payment_refunds", ["payment_id"])
    op.create_table(
        "payment_hints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("event_id", sa.String(255), nullable=False),
        sa.Column("event_type", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("handled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_hints")),
        sa.UniqueConstraint("provider", "event_id", name=op.f("uq_payment_hints_provider_event_id")),
    )
    op.create_table(
        "payment_customers",
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_payment_customers_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("provider", "driver_id", name=op.f("pk_payment_customers")),
        sa.UniqueConstraint("reference", name=op.f("uq_payment_customers_reference")),
    )
    refuse_changes(APPEND_ONLY)


def _payments() -> None:
    amounts = ("refunded_minor", "waived_minor", "fee_minor", "disputed_minor")
    with op.batch_alter_table("payments") as payments:
        payments.drop_constraint(op.f("uq_payments_session_id"), type_="unique")
        payments.alter_column("session_id", existing_type=sa.Uuid(), nullable=True)
        payments.alter_column("reference", existing_type=sa.String(64), type_=sa.String(255), existing_nullable=False)
        # The defaults are for the rows that are there: all of them are of sessions, and of providers within.
        payments.add_column(sa.Column("purpose", sa.String(32), nullable=False, server_default="session"))
        payments.add_column(sa.Column("external", sa.Boolean(), nullable=False, server_default=sa.false()))
        payments.add_column(sa.Column("prepaid", sa.Boolean(), nullable=False, server_default=sa.false()))
        payments.add_column(sa.Column("method", sa.String(32), nullable=False, server_default=""))
        for amount in amounts:
            payments.add_column(sa.Column(amount, sa.BigInteger(), nullable=False, server_default="0"))
        payments.add_column(sa.Column("dispute", sa.String(32), nullable=True))
        payments.add_column(sa.Column("failure", sa.String(64), nullable=False, server_default=""))
        payments.add_column(sa.Column("capture_before", TIME, nullable=True))
        payments.add_column(sa.Column("expires_at", TIME, nullable=True))
    with op.batch_alter_table("payments") as payments:
        for name, kind in (
            ("purpose", sa.String(32)),
            ("external", sa.Boolean()),
            ("prepaid", sa.Boolean()),
            ("method", sa.String(32)),
            ("failure", sa.String(64)),
        ):
            payments.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)
        for amount in amounts:
            payments.alter_column(amount, existing_type=sa.BigInteger(), existing_nullable=False, server_default=None)
    op.create_index(
        "uq_payments_session",
        "payments",
        ["session_id"],
        unique=True,
        sqlite_where=sa.text("purpose = 'session'"),
        postgresql_where=sa.text("purpose = 'session'"),
    )
    op.create_index("ix_payments_provider_reference", "payments", ["provider", "reference"])
    op.create_index("ix_payments_driver_id_created_at", "payments", ["driver_id", "created_at"])
    op.create_index("ix_payments_state_created_at", "payments", ["state", "created_at"])


def downgrade() -> None:
    for table in ("payment_customers", "payment_hints", "payment_refunds", "payment_calls"):
        op.drop_table(table)
    if op.get_context().dialect.name != "sqlite":
        op.execute(f"DROP FUNCTION {APPEND_ONLY}_append_only()")
    for index in ("uq_payments_session", "ix_payments_provider_reference"):
        op.drop_index(index, "payments")
    for index in ("ix_payments_driver_id_created_at", "ix_payments_state_created_at"):
        op.drop_index(index, "payments")
    # What was paid outside cannot be told in the table of before.
    op.execute("DELETE FROM payments WHERE session_id IS NULL OR purpose <> 'session'")
    with op.batch_alter_table("payments") as payments:
        for column in (
            "purpose",
            "external",
            "prepaid",
            "method",
            "refunded_minor",
            "waived_minor",
            "fee_minor",
            "disputed_minor",
            "dispute",
            "failure",
            "capture_before",
            "expires_at",
        ):
            payments.drop_column(column)
        payments.alter_column("reference", existing_type=sa.String(255), type_=sa.String(64), existing_nullable=False)
        payments.alter_column("session_id", existing_type=sa.Uuid(), nullable=False)
        payments.create_unique_constraint(op.f("uq_payments_session_id"), ["session_id"])
