"""The registration number of a tariff's supplier, and of the one that a session was agreed with."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0020"
down_revision: Final = "0025"
branch_labels: Final = None
depends_on: Final = None

TABLES: Final = ("tariffs", "charging_sessions")


def upgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as rows:
            rows.add_column(sa.Column("supplier_code", sa.String(length=32), nullable=False, server_default=""))
        # The default was for the rows that were there.
        with op.batch_alter_table(table) as rows:
            rows.alter_column(
                "supplier_code", existing_type=sa.String(length=32), existing_nullable=False, server_default=None
            )


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as rows:
            rows.drop_column("supplier_code")
