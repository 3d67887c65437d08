"""Prices of energy that follow recommended windows or the spot price."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0060"
down_revision: Final = "0064"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.add_column("tariffs", sa.Column("follows", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("tariffs", "follows")
