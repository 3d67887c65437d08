"""The back office: its people and what they did, alarms, running processes, the journal of OCPP frames."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from konsento.migrations.append_only import refuse_changes

revision: Final = "0006"
down_revision: Final = "0005"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
WORD: Final = sa.String(length=32)
FRAME_INDEXES: Final = (("station_id", "at"), ("station_id", "transaction_id"), ("station_id", "remote_start_id"))


def upgrade() -> None:
    op.create_table(
        "staff_members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("totp_secret", sa.String(length=64), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_members")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_members_email")),
    )
    op.create_table(
        "staff_invitations",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("totp_secret", sa.String(length=64), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_members.id"], name=op.f("fk_staff_invitations_member_id_staff_members")
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_staff_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_invitations_token_hash")),
    )
    op.create_table(
        "staff_recovery_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_members.id"], name=op.f("fk_staff_recovery_codes_member_id_staff_members")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_staff_recovery_codes")),
    )
    op.create_index(op.f("ix_staff_recovery_codes_member_id"), "staff_recovery_codes", ["member_id"])
    op.create_table(
        "staff_sign_ins",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("last_used_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_members.id"], name=op.f("fk_staff_sign_ins_member_id_staff_members")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_sign_ins")),
    )
    op.create_index(op.f("ix_staff_sign_ins_expires_at"), "staff_sign_ins", ["expires_at"])
    op.create_index(op.f("ix_staff_sign_ins_member_id"), "staff_sign_ins", ["member_id"])
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], name=op.f("fk_audit_log_member_id_staff_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index("ix_audit_log_member_id_at", "audit_log", ["member_id", "at"])
    refuse_changes("audit_log")
    op.create_table(
        "alarms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("severity", WORD, nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("last_seen", TIME, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", TIME, nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["staff_members.id"], name=op.f("fk_alarms_acknowledged_by_staff_members")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index("ix_alarms_opened_at", "alarms", ["opened_at"])
    op.create_index(
        "uq_alarms_open",
        "alarms",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "replicas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(length=100), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("beat_at", TIME, nullable=False),
        sa.Column("stations", sa.Integer(), nullable=False),
        sa.Column("journal_waiting", sa.Integer(), nullable=False),
        sa.Column("journal_dropped", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replicas")),
    )
    op.create_table(
        "ocpp_frames",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("station_id", sa.String(length=48), nullable=False),
        sa.Column("direction", WORD, nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("transaction_id", sa.String(length=36), nullable=True),
        sa.Column("remote_start_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ocpp_frames")),
    )
    op.create_index(op.f("ix_ocpp_frames_at"), "ocpp_frames", ["at"])
    for columns in FRAME_INDEXES:
        op.create_index(f"ix_ocpp_frames_{'_'.join(columns)}", "ocpp_frames", list(columns))


def downgrade() -> None:
    for columns in FRAME_INDEXES:
        op.drop_index(f"ix_ocpp_frames_{'_'.join(columns)}", table_name="ocpp_frames")
    op.drop_index(op.f("ix_ocpp_frames_at"), table_name="ocpp_frames")
    op.drop_table("ocpp_frames")
    op.drop_table("replicas")
    op.drop_index(
        "uq_alarms_open",
        table_name="alarms",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index("ix_alarms_opened_at", table_name="alarms")
    op.drop_table("alarms")
    op.drop_index("ix_audit_log_member_id_at", table_name="audit_log")
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_index(op.f("ix_staff_sign_ins_member_id"), table_name="staff_sign_ins")
    op.drop_index(op.f("ix_staff_sign_ins_expires_at"), table_name="staff_sign_ins")
    op.drop_table("staff_sign_ins")
    op.drop_index(op.f("ix_staff_recovery_codes_member_id"), table_name="staff_recovery_codes")
    op.drop_table("staff_recovery_codes")
    op.drop_table("staff_invitations")
    op.drop_table("staff_members")
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_log_append_only()")
