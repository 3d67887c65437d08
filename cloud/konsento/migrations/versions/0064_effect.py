"""How much of each session flowed while charging was recommended."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0064"
down_revision: Final = "0059"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "window_shares",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("billed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("had_windows", sa.Boolean(), nullable=False),
        sa.Column("mwh", sa.BigInteger(), nullable=False),
        sa.Column("inside_mwh", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_window_shares_session_id_charging_sessions")
        ),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_window_shares_driver_id_drivers")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_window_shares")),
    )
    op.create_index(op.f("ix_window_shares_driver_id"), "window_shares", ["driver_id"])
    op.create_index("ix_window_shares_region_began_at", "window_shares", ["region", "began_at"])
    op.create_index(op.f("ix_window_shares_billed_at"), "window_shares", ["billed_at"])


def downgrade() -> None:
    op.drop_table("window_shares")
