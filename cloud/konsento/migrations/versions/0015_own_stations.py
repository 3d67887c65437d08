"""Which stations are our own sites: only those answer a repeated start with what became of the first."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0015"
down_revision: Final = "0009"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("sites") as sites:
        sites.add_column(sa.Column("ours", sa.Boolean(), nullable=False, server_default=sa.true()))
    # The default was for the rows that were there.
    with op.batch_alter_table("sites") as sites:
        sites.alter_column("ours", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("sites") as sites:
        sites.drop_column("ours")
