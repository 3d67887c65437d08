"""The first tables of the computation system."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "regions",
        sa.Column("code", sa.String(length=11), nullable=False),
        sa.Column("parent", sa.String(length=11), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("name_ja", sa.String(length=100), nullable=False),
        sa.Column("imported_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_regions"),
    )
    op.create_table(
        "seen",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_seen"),
    )
    op.create_index("ix_seen_ended_at", "seen", ["ended_at"])
    op.create_table(
        "suppliers",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_suppliers"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("regions", sa.String(length=1000), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("wanted_at", TIME, nullable=True),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_tokens_token_hash"),
    )
    op.create_index("ix_tokens_name", "tokens", ["name"])
    op.create_table(
        "work",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_work"),
    )
    op.create_index("ix_work_state_due_at", "work", ["state", "due_at"])
    op.create_table(
        "measurements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("outlet", sa.String(length=26), nullable=False),
        sa.Column("region", sa.String(length=11), nullable=False),
        sa.Column("start_at", TIME, nullable=False),
        sa.Column("end_at", TIME, nullable=False),
        sa.Column("wh", sa.Integer(), nullable=False),
        sa.Column("slices", sa.JSON(), nullable=True),
        sa.Column("power_type", sa.String(length=32), nullable=False),
        sa.Column("supplier", sa.String(length=32), nullable=False),
        sa.Column("use", sa.String(length=32), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_measurements_token_id_tokens"),
        sa.PrimaryKeyConstraint("id", name="pk_measurements"),
    )
    op.create_index("ix_measurements_outlet_end_at", "measurements", ["outlet", "end_at"])
    op.create_index("ix_measurements_region", "measurements", ["region"])
    op.create_table(
        "outlets",
        sa.Column("reference", sa.String(length=26), nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_outlets_token_id_tokens"),
        sa.PrimaryKeyConstraint("reference", name="pk_outlets"),
    )
    op.create_index("ix_outlets_used_at", "outlets", ["used_at"])


def downgrade() -> None:
    op.drop_index("ix_outlets_used_at", table_name="outlets")
    op.drop_table("outlets")
    op.drop_index("ix_measurements_region", table_name="measurements")
    op.drop_index("ix_measurements_outlet_end_at", table_name="measurements")
    op.drop_table("measurements")
    op.drop_index("ix_work_state_due_at", table_name="work")
    op.drop_table("work")
    op.drop_index("ix_tokens_name", table_name="tokens")
    op.drop_table("tokens")
    op.drop_table("suppliers")
    op.drop_index("ix_seen_ended_at", table_name="seen")
    op.drop_table("seen")
    op.drop_table("regions")
