"""Chargers of others: what they say they are, and what stations of OCPP 1.6 leave to the server."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0043"
down_revision: Final = "0046"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "v16_transactions",
        sa.Column("station_id", sa.String(48), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_digest", sa.String(64), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("last_seq_no", sa.Integer(), nullable=False),
        sa.Column("ended_seq_no", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("station_id", "number", name=op.f("pk_v16_transactions")),
        sa.UniqueConstraint("station_id", "start_digest", name=op.f("uq_v16_transactions_station_id_start_digest")),
    )
    op.create_table(
        "v16_readings",
        sa.Column("station_id", sa.String(48), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("seq_no", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "number", "digest", name=op.f("pk_v16_readings")),
    )

    op.create_table(
        "chargers",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("make", sa.String(50), nullable=False),
        sa.Column("model", sa.String(50), nullable=False),
        sa.Column("serial", sa.String(50), nullable=False),
        sa.Column("firmware", sa.String(50), nullable=False),
        sa.Column("limits", sa.String(200), nullable=False),
        sa.Column("sample_s", sa.Integer(), nullable=True),
        sa.Column("booted_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_chargers_site_id_sites"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_chargers")),
    )
    op.create_table(
        "connectors",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("connector_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_connectors_site_id_sites"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site_id", "evse_id", "connector_id", name=op.f("pk_connectors")),
    )
    op.create_table(
        "transaction_names",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(36), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_transaction_names_site_id_sites"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site_id", "transaction_id", name=op.f("pk_transaction_names")),
    )
    op.create_table(
        "side_readings",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("first_mwh", sa.BigInteger(), nullable=False),
        sa.Column("last_mwh", sa.BigInteger(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["charging_sessions.id"],
            name=op.f("fk_side_readings_session_id_charging_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_side_readings")),
    )
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.add_column(sa.Column("limits_kept", sa.Boolean(), nullable=False, server_default=sa.false()))
    # The default was for the rows that were there.
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.alter_column("limits_kept", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
    op.create_index("ix_charging_sessions_id_token", "charging_sessions", ["id_token"])


def downgrade() -> None:
    op.drop_index("ix_charging_sessions_id_token", "charging_sessions")
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.drop_column("limits_kept")
    for table in ("side_readings", "transaction_names", "connectors", "chargers"):
        op.drop_table(table)
    op.drop_table("v16_readings")
    op.drop_table("v16_transactions")
