"""Presence checks."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final = "0015"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
WORD: Final = sa.String(length=32)
PENDING: Final = sa.text("state IN ('waiting', 'shown')")


def upgrade() -> None:
    op.create_table(
        "presence_checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("method", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlets.id"], name=op.f("fk_presence_checks_outlet_id_outlets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_presence_checks_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presence_checks")),
    )
    op.create_index(
        "uq_presence_checks_pending_outlet",
        "presence_checks",
        ["outlet_id"],
        unique=True,
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_index("ix_presence_checks_driver_id_asked_at", "presence_checks", ["driver_id", "asked_at"])


def downgrade() -> None:
    op.drop_table("presence_checks")
