"""The back office where much has happened: what its pages search by, mails about alarms, outlets in the journal."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0016"
down_revision: Final = "0012"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
INDEXES: Final = (
    ("charging_sessions", ("created_at", "id")),
    ("charging_sessions", ("site_id", "created_at")),
    ("charging_sessions", ("outlet_id", "created_at")),
    ("charging_sessions", ("state", "created_at")),
    ("charging_sessions", ("transaction_id",)),
    ("charging_sessions", ("remote_start_id",)),
    ("charging_sessions", ("end_reason", "created_at")),
    ("receipts", ("issued_at",)),
    ("receipts", ("amount_minor",)),
    ("audit_log", ("subject", "at")),
    ("alarms", ("closed_at",)),
    ("alarms", ("told_at",)),
)
OF_OUTLETS: Final = "ix_ocpp_frames_station_id_evse_id_at"


def upgrade() -> None:
    with op.batch_alter_table("staff_members") as members:
        members.add_column(sa.Column("alarm_mails", sa.String(length=32), nullable=False, server_default="none"))
        members.add_column(sa.Column("locale", sa.String(length=10), nullable=False, server_default="en"))
    with op.batch_alter_table("alarms") as alarms:
        alarms.add_column(sa.Column("told_at", TIME, nullable=True))
        alarms.add_column(sa.Column("told", sa.Integer(), nullable=False, server_default="0"))
    # The defaults were for the rows that were there.
    with op.batch_alter_table("staff_members") as members:
        members.alter_column(
            "alarm_mails", existing_type=sa.String(length=32), existing_nullable=False, server_default=None
        )
        members.alter_column("locale", existing_type=sa.String(length=10), existing_nullable=False, server_default=None)
    with op.batch_alter_table("alarms") as alarms:
        alarms.alter_column("told", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
    with op.batch_alter_table("ocpp_frames") as frames:
        frames.add_column(sa.Column("evse_id", sa.Integer(), nullable=True))
    op.create_index(
        OF_OUTLETS,
        "ocpp_frames",
        ["station_id", "evse_id", "at"],
        sqlite_where=sa.text("evse_id IS NOT NULL"),
        postgresql_where=sa.text("evse_id IS NOT NULL"),
    )
    for table, columns in INDEXES:
        op.create_index(_name(table, columns), table, list(columns))


def downgrade() -> None:
    for table, columns in INDEXES:
        op.drop_index(_name(table, columns), table)
    op.drop_index(OF_OUTLETS, "ocpp_frames")
    with op.batch_alter_table("ocpp_frames") as frames:
        frames.drop_column("evse_id")
    with op.batch_alter_table("alarms") as alarms:
        alarms.drop_column("told")
        alarms.drop_column("told_at")
    with op.batch_alter_table("staff_members") as members:
        members.drop_column("locale")
        members.drop_column("alarm_mails")


def _name(table: str, columns: tuple[str, ...]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"
