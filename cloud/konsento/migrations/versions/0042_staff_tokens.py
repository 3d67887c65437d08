"""Tokens with which programs act for a member of the staff."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0042"
down_revision: Final = "0041"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "staff_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_members.id"], name=op.f("fk_staff_tokens_member_id_staff_members")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_tokens_token_hash")),
    )
    op.create_index(op.f("ix_staff_tokens_member_id"), "staff_tokens", ["member_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_staff_tokens_member_id"), table_name="staff_tokens")
    op.drop_table("staff_tokens")
