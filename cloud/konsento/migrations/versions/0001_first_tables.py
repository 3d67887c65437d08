"""The first tables: drivers, sites, sessions, ledger, receipts, due work."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from konsento.migrations.append_only import refuse_changes

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

DECIMAL: Final = sa.Numeric(20, 10).with_variant(sa.String(32), "sqlite")

# What has been booked stays booked: a mistake is put right by another transfer, never by a change.
APPEND_ONLY: Final = ("ledger_transfers", "receipts")


def upgrade() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "drivers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drivers")),
        sa.UniqueConstraint("email", name=op.f("uq_drivers_email")),
    )
    op.create_table(
        "failed_sign_ins",
        sa.Column("origin", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_failed_sign_ins")),
    )
    op.create_index(op.f("ix_failed_sign_ins_last_failed_at"), "failed_sign_ins", ["last_failed_at"], unique=False)
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("debits_posted", sa.BigInteger(), nullable=False),
        sa.Column("credits_posted", sa.BigInteger(), nullable=False),
        sa.Column("debits_pending", sa.BigInteger(), nullable=False),
        sa.Column("credits_pending", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint("kind", "owner", "currency", name=op.f("uq_ledger_accounts_kind_owner_currency")),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.String(length=48), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("station_id", name=op.f("uq_sites_station_id")),
    )
    op.create_table(
        "tariffs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("unit_price", DECIMAL, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tax_rate", DECIMAL, nullable=False),
        sa.Column("power_type", sa.String(length=20), nullable=False),
        sa.Column("supplier", sa.String(length=100), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariffs")),
        sa.UniqueConstraint("name", "valid_from", name=op.f("uq_tariffs_name_valid_from")),
    )
    op.create_table(
        "work",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_work")),
    )
    op.create_index("ix_work_state_due_at", "work", ["state", "due_at"], unique=False)
    op.create_table(
        "outlets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("rated_w", sa.Integer(), nullable=False),
        sa.Column("volts", sa.Integer(), nullable=False),
        sa.Column("tariff_name", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_reason", sa.String(length=50), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_outlets_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outlets")),
        sa.UniqueConstraint("code", name=op.f("uq_outlets_code")),
        sa.UniqueConstraint("site_id", "evse_id", name=op.f("uq_outlets_site_id_evse_id")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_sign_ins_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_driver_id"), "sign_ins", ["driver_id"], unique=False)
    op.create_index(op.f("ix_sign_ins_expires_at"), "sign_ins", ["expires_at"], unique=False)
    op.create_table(
        "charging_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("limit_kind", sa.String(length=32), nullable=False),
        sa.Column("limit_amount", sa.BigInteger(), nullable=False),
        sa.Column("energy_limit_wh", sa.Integer(), nullable=True),
        sa.Column("energy_cap_wh", sa.Integer(), nullable=False),
        sa.Column("time_limit_s", sa.Integer(), nullable=True),
        sa.Column("unit_price", DECIMAL, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tax_rate", DECIMAL, nullable=False),
        sa.Column("power_type", sa.String(length=20), nullable=False),
        sa.Column("supplier", sa.String(length=100), nullable=False),
        sa.Column("rated_w", sa.Integer(), nullable=False),
        sa.Column("hold_minor", sa.BigInteger(), nullable=False),
        sa.Column("remote_start_id", sa.Integer(), nullable=False),
        sa.Column("id_token", sa.String(length=20), nullable=False),
        sa.Column("transaction_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=50), nullable=False),
        sa.Column("failure", sa.String(length=50), nullable=False),
        sa.Column("begin_mwh", sa.BigInteger(), nullable=True),
        sa.Column("delivered_mwh", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("power_w", sa.Integer(), nullable=True),
        sa.Column("last_seq_no", sa.Integer(), nullable=False),
        sa.Column("last_update", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_charging_sessions_driver_id_drivers")),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlets.id"], name=op.f("fk_charging_sessions_outlet_id_outlets")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_charging_sessions_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charging_sessions")),
        sa.UniqueConstraint("site_id", "remote_start_id", name=op.f("uq_charging_sessions_site_id_remote_start_id")),
        sa.UniqueConstraint("site_id", "transaction_id", name=op.f("uq_charging_sessions_site_id_transaction_id")),
    )
    op.create_index(
        "ix_charging_sessions_driver_id_created_at", "charging_sessions", ["driver_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_charging_sessions_active_outlet",
        "charging_sessions",
        ["outlet_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('starting', 'charging', 'suspended')"),
        postgresql_where=sa.text("state IN ('starting', 'charging', 'suspended')"),
    )
    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("pending_id", sa.Uuid(), nullable=True),
        sa.Column("debit_id", sa.Uuid(), nullable=False),
        sa.Column("credit_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(pending_id IS NULL) = (kind IN ('posted', 'pending'))", name=op.f("ck_ledger_transfers_resolution")
        ),
        sa.CheckConstraint(
            "amount_minor > 0 OR (kind = 'void' AND amount_minor = 0)", name=op.f("ck_ledger_transfers_amount")
        ),
        sa.ForeignKeyConstraint(
            ["credit_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_transfers_credit_id_ledger_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["debit_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_transfers_debit_id_ledger_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["pending_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_transfers_pending_id_ledger_transfers")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_ledger_transfers_session_id_charging_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
        sa.UniqueConstraint("pending_id", name=op.f("uq_ledger_transfers_pending_id")),
    )
    op.create_index(op.f("ix_ledger_transfers_credit_id"), "ledger_transfers", ["credit_id"], unique=False)
    op.create_index(op.f("ix_ledger_transfers_debit_id"), "ledger_transfers", ["debit_id"], unique=False)
    op.create_index(op.f("ix_ledger_transfers_session_id"), "ledger_transfers", ["session_id"], unique=False)
    op.create_table(
        "meter_events",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.String(length=36), nullable=False),
        sa.Column("seq_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("event_type", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("trigger", sa.String(length=50), nullable=False),
        sa.Column("charging_state", sa.String(length=50), nullable=False),
        sa.Column("stopped_reason", sa.String(length=50), nullable=False),
        sa.Column("remote_start_id", sa.Integer(), nullable=True),
        sa.Column("evse_id", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("begin_mwh", sa.BigInteger(), nullable=True),
        sa.Column("register_mwh", sa.BigInteger(), nullable=True),
        sa.Column("power_w", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_meter_events_session_id_charging_sessions")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_meter_events_site_id_sites")),
        sa.PrimaryKeyConstraint("site_id", "transaction_id", "seq_no", name=op.f("pk_meter_events")),
    )
    op.create_index("ix_meter_events_session_id", "meter_events", ["session_id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("hold_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_payments_driver_id_drivers")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_payments_session_id_charging_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("session_id", name=op.f("uq_payments_session_id")),
    )
    op.create_table(
        "receipts",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("measured_mwh", sa.BigInteger(), nullable=False),
        sa.Column("begin_mwh", sa.BigInteger(), nullable=True),
        sa.Column("end_mwh", sa.BigInteger(), nullable=True),
        sa.Column("billed_wh", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", DECIMAL, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", DECIMAL, nullable=False),
        sa.Column("hold_minor", sa.BigInteger(), nullable=False),
        sa.Column("released_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_receipts_session_id_charging_sessions")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("number", name=op.f("uq_receipts_number")),
    )

    for table in APPEND_ONLY:
        refuse_changes(table)


def downgrade() -> None:
    op.drop_table("receipts")
    op.drop_table("payments")
    op.drop_index("ix_meter_events_session_id", table_name="meter_events")
    op.drop_table("meter_events")
    op.drop_index(op.f("ix_ledger_transfers_session_id"), table_name="ledger_transfers")
    op.drop_index(op.f("ix_ledger_transfers_debit_id"), table_name="ledger_transfers")
    op.drop_index(op.f("ix_ledger_transfers_credit_id"), table_name="ledger_transfers")
    op.drop_table("ledger_transfers")
    op.drop_index(
        "uq_charging_sessions_active_outlet",
        table_name="charging_sessions",
        sqlite_where=sa.text("state IN ('starting', 'charging', 'suspended')"),
        postgresql_where=sa.text("state IN ('starting', 'charging', 'suspended')"),
    )
    op.drop_index("ix_charging_sessions_driver_id_created_at", table_name="charging_sessions")
    op.drop_table("charging_sessions")
    op.drop_index(op.f("ix_sign_ins_expires_at"), table_name="sign_ins")
    op.drop_index(op.f("ix_sign_ins_driver_id"), table_name="sign_ins")
    op.drop_table("sign_ins")
    op.drop_table("outlets")
    op.drop_index("ix_work_state_due_at", table_name="work")
    op.drop_table("work")
    op.drop_table("tariffs")
    op.drop_table("sites")
    op.drop_table("ledger_accounts")
    op.drop_index(op.f("ix_failed_sign_ins_last_failed_at"), table_name="failed_sign_ins")
    op.drop_table("failed_sign_ins")
    op.drop_table("drivers")
    op.drop_table("counters")
    if op.get_context().dialect.name != "sqlite":
        for table in APPEND_ONLY:
            op.execute(f"DROP FUNCTION {table}_append_only()")
