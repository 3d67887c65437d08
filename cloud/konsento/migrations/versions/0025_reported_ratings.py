"""What sites report as the ratings of their outlets, beside what counts."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0025"
down_revision: Final = "0013"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("outlets") as outlets:
        outlets.add_column(sa.Column("reported_w", sa.Integer(), nullable=True))
        outlets.add_column(sa.Column("reported_volts", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("outlets") as outlets:
        outlets.drop_column("reported_volts")
        outlets.drop_column("reported_w")
