"""How stations prove themselves, passwords under way to them, and stations that wait for the operator."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0044"
down_revision: Final = "0042"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("sites") as sites:
        sites.add_column(sa.Column("security_profile", sa.Integer(), nullable=False, server_default="1"))
        sites.add_column(sa.Column("next_password_hashes", sa.JSON(), nullable=False, server_default="[]"))
        sites.add_column(sa.Column("password_changed_at", TIME, nullable=True))
    # The defaults were for the rows that were there.
    with op.batch_alter_table("sites") as sites:
        sites.alter_column("security_profile", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
        sites.alter_column(
            "next_password_hashes", existing_type=sa.JSON(), existing_nullable=False, server_default=None
        )
    op.create_table(
        "pending_stations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.String(length=48), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("security_profile", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("vendor", sa.String(length=50), nullable=False),
        sa.Column("model", sa.String(length=50), nullable=False),
        sa.Column("serial", sa.String(length=50), nullable=False),
        sa.Column("firmware", sa.String(length=50), nullable=False),
        sa.Column("rejected_at", TIME, nullable=True),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("last_seen", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_stations")),
        sa.UniqueConstraint("station_id", name=op.f("uq_pending_stations_station_id")),
    )


def downgrade() -> None:
    op.drop_table("pending_stations")
    with op.batch_alter_table("sites") as sites:
        sites.drop_column("password_changed_at")
        sites.drop_column("next_password_hashes")
        sites.drop_column("security_profile")
