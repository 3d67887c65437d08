"""The back office: its people, and what they did."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
ROLE: Final = sa.String(length=32)


def upgrade() -> None:
    op.create_table(
        "staff_members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", ROLE, nullable=False),
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
    _refuse_changes("audit_log")


def _refuse_changes(table: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )


def downgrade() -> None:
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
