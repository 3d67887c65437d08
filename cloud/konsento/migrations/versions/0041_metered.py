"""When a session's last register that counted was read: what the next one is measured against."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0041"
down_revision: Final = "0045"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.add_column(sa.Column("metered_at", sa.DateTime(timezone=True), nullable=True))
        sessions.add_column(sa.Column("metered_s", sa.Integer(), nullable=True))
    # Sessions that run meanwhile go on from their last event, as they did.
    op.execute("UPDATE charging_sessions SET metered_at = last_update, metered_s = seconds WHERE begin_mwh IS NOT NULL")


def downgrade() -> None:
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.drop_column("metered_s")
        sessions.drop_column("metered_at")
