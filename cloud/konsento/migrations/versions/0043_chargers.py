"""Chargers of others: what they say they are, and what stations of OCPP 1.6 leave to the server."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from konsento.kit.db import UtcDateTime

revision: Final = "0043"
down_revision: Final = "0020"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "v16_transactions",
        sa.Column("station_id", sa.String(48), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_digest", sa.String(64), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
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


def downgrade() -> None:
    op.drop_table("v16_readings")
    op.drop_table("v16_transactions")
