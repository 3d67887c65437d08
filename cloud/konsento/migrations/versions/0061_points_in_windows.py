"""Points for energy that flows in recommended windows."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0061"
down_revision: Final = "0063"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("point_rules") as rules:
        rules.add_column(sa.Column("in_windows", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("point_rules") as rules:
        rules.alter_column("in_windows", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("point_rules") as rules:
        rules.drop_column("in_windows")
