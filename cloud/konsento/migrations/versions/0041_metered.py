"""When a session's last register that counted was read, and one index less to write for every event."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0041"
down_revision: Final = "0045"
branch_labels: Final = None
depends_on: Final = None

UNPLACED: Final = sa.text("session_id IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.add_column(sa.Column("metered_at", sa.DateTime(timezone=True), nullable=True))
        sessions.add_column(sa.Column("metered_s", sa.Integer(), nullable=True))
    # Sessions that run meanwhile go on from their last event, as they did.
    op.execute("UPDATE charging_sessions SET metered_at = last_update, metered_s = seconds WHERE begin_mwh IS NOT NULL")
    op.drop_index("ix_meter_events_session_id", table_name="meter_events")
    op.create_index(
        "ix_meter_events_unplaced", "meter_events", ["received_at"], sqlite_where=UNPLACED, postgresql_where=UNPLACED
    )


def downgrade() -> None:
    op.drop_index("ix_meter_events_unplaced", table_name="meter_events")
    op.create_index("ix_meter_events_session_id", "meter_events", ["session_id"])
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.drop_column("metered_s")
        sessions.drop_column("metered_at")
